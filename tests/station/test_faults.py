"""The disk fails, or the power, at each system call by which a box writes: it goes on, and nothing on record is lost.

The real code runs under `strace -e inject`; afterwards the box is opened again, and every invariant is derived from the
bytes. AIGAQ_FAULTS=all tries each of the journal's own writes, not each fifth.
"""

import collections
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from station_bench import T0
from tests.station import fault_box

FAULTS = {
    "write": ("error=ENOSPC", "signal=KILL"),
    "writev": ("error=ENOSPC", "signal=KILL"),
    "pwrite64": ("error=EIO", "signal=KILL"),
    "fsync": ("error=EIO", "signal=KILL"),
    "fdatasync": ("error=EIO", "signal=KILL"),
    "rename": ("error=EIO", "signal=KILL"),
    "unlink": ("error=EIO", "signal=KILL"),
    "mkdir": ("error=ENOSPC", "signal=KILL"),
}
STRIDE = {} if os.environ.get("AIGAQ_FAULTS") == "all" else {"pwrite64": 5}

pytestmark = pytest.mark.peer


class Lab:
    """The program that forks a process for each run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, 0
        self.socket = folder / "socket"
        self.program = subprocess.Popen([sys.executable, fault_box.__file__, str(self.socket)])
        while not self.socket.exists():
            assert self.program.poll() is None
            time.sleep(0.01)

    def run(self, *inject: str) -> tuple[Path, str, str]:
        """A run with a fault; its folder, what was on record by its word, and the calls that were made."""
        self.runs += 1
        folder, trace = self.folder / str(self.runs), self.folder / "trace"
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            while line.connect_ex(str(self.socket)):
                time.sleep(0.01)
            line.send(str(folder).encode())
            process = line.recv(20).decode()
            words = ["strace", "-f", "-p", process, "-o", str(trace), "-e", f"trace={','.join(FAULTS)}", *inject]
            with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
                assert tracer.stderr is not None
                assert "attached" in tracer.stderr.readline()
                line.send(b"go")
                said = b""
                while got := line.recv(100):
                    said += got
        return folder, said.decode(), trace.read_text()


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("faults"))
    yield made
    made.program.kill()
    made.program.wait()


@pytest.fixture(scope="module")
def made(lab) -> collections.Counter[str]:
    """How often each call is made by a run that nothing disturbs."""
    folder, said, trace = lab.run()
    assert said.endswith("done\n")
    check(folder, said)
    return collections.Counter(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))


def check(folder: Path, said: str) -> None:
    """Open again: what was on record is there, it is clean, and it goes on."""
    told = [tuple(map(int, line.split())) for line in said.splitlines() if line != "done"]
    rows, sealed = max(told, default=(0, 0))
    rig = fault_box.open_box(folder, days=3)
    try:
        assert rig.box.reader.size() >= rows
        assert rig.box.writer.sealed >= sealed
        rig.segment(T0 + 4 * fault_box.DAY_S * 1000)
        rig.box.writer.seal()
        assert rig.check() == []
    finally:
        rig.kill()


@pytest.mark.parametrize("call", FAULTS)
@pytest.mark.parametrize("kind", [0, 1], ids=["fails", "killed"])
def test_at_each_call(lab, made, quick_disk, call, kind):
    fault = FAULTS[call][kind]
    assert made[call], made
    for when in range(1, made[call] + 1, STRIDE.get(call, 1)):
        folder, said, trace = lab.run("-e", f"inject={call}:{fault}:when={when}")
        assert "INJECTED" in trace or "killed by SIGKILL" in trace, (call, when)
        assert said.endswith("done\n") or kind == 1, (call, when)
        check(folder, said)
