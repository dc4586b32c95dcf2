"""Brings the programs that tests run against: ffmpeg, GStreamer's RTSP server, Chromium, strace.

Where they are missing, installs them with apt as root, else prints the command and exits 1. Tests never skip.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence

from aigaq.app.doctor import PEERS, Finding, Peer, State, peer_finding


def missing(peers: Sequence[Peer]) -> list[tuple[Peer, Finding]]:
    """The peers that do not run, each with what was found instead."""
    found = ((peer, peer_finding(peer)) for peer in peers)
    return [(peer, finding) for peer, finding in found if finding.state is not State.OK]


def install_commands(peers: Sequence[Peer]) -> list[list[str]]:
    """The commands that bring them on Debian and its kin."""
    packages = sorted({package for peer in peers for package in peer.packages})
    return [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]]


def main() -> int:
    """Check, install, check again."""
    lacking = missing(PEERS)
    if not lacking:
        return 0
    for _, finding in lacking:
        print(f"missing: {finding.what} ({finding.found})", file=sys.stderr)
    commands = install_commands([peer for peer, _ in lacking])
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("Tests need these programs. As root, run:", file=sys.stderr)
        print("  " + " && ".join(map(shlex.join, commands)), file=sys.stderr)
        return 1
    for command in commands:
        print(shlex.join(command), file=sys.stderr)
        if subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False).returncode:
            print(f"failed: {shlex.join(command)}", file=sys.stderr)
            return 1
    still = missing([peer for peer, _ in lacking])
    for _, finding in still:
        print(f"still missing: {finding.what} ({finding.found})", file=sys.stderr)
    return 1 if still else 0


if __name__ == "__main__":
    sys.exit(main())
