"""The kernel fails, or the power, at each system call of a commit: nothing acknowledged is lost, nothing signed twice.

The real program runs under `strace -e inject`. The calls are those that change the disk; each is made to fail once, and
at each the process is killed. AIGAQ_FAULTS=all tries all writes into the tables too, not each ninth.
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
from tests.ledger import fault_lab
from tests.ledger.fault_lab import BATCHES, ROWS, STATIONS

from aigaq.ledger.merkle import root_of
from aigaq_verify import leaf_hash

CALLS = ("write", "fsync", "fdatasync", "rename", "unlink", "pwrite64")
FAULTS = {
    "write": ("error=ENOSPC", "signal=KILL"),
    "pwrite64": ("error=EIO", "signal=KILL"),
    "fsync": ("error=EIO", "signal=KILL"),
    "fdatasync": ("error=EIO", "signal=KILL"),
    "rename": ("error=EIO", "signal=KILL"),
    "unlink": ("error=EIO", "signal=KILL"),
}
STRIDE = {} if os.environ.get("AIGAQ_FAULTS") == "all" else {"pwrite64": 9}

pytestmark = pytest.mark.peer


class Lab:
    """The program that forks a process for each run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, 0
        self.socket = folder / "socket"
        self.program = subprocess.Popen([sys.executable, fault_lab.__file__, str(self.socket)])
        while not self.socket.exists():
            assert self.program.poll() is None
            time.sleep(0.01)

    def run(self, *inject: str) -> tuple[Path, str, str]:
        """A run with a fault; its folder, what was acknowledged, and the calls that were made."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        trace = self.folder / "trace"
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            while line.connect_ex(str(self.socket)):
                time.sleep(0.01)
            line.send(str(folder).encode())
            process = line.recv(20).decode()
            words = ["strace", "-f", "-p", process, "-o", str(trace), "-e", f"trace={','.join(CALLS)}", *inject]
            with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
                assert tracer.stderr is not None
                assert "attached" in tracer.stderr.readline()
                line.send(b"go")
                said = b""
                while got := line.recv(10):
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
    """How often each call is made by two batches that nothing disturbs."""
    folder, said, trace = lab.run()
    assert said == "01"
    check(folder, said)
    return collections.Counter(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))


def check(folder: Path, said: str) -> None:
    """Open again: it is clean, what was acknowledged is there, and it goes on."""
    core, last = fault_lab.open_log(folder)
    try:
        assert list(core.check()) == []
        head = last.get(fault_lab.ORIGIN)
        assert head == core.national.head
        for batch in map(int, said):
            for station in STATIONS:
                size = (batch + 1) * ROWS
                assert core.stations.size(station) >= size
                assert core.stations.leaf_hashes(station, 0, size) == fault_lab.rows(station, size)
                assert core.stations.logged(station, size) is not None
            for leaf in fault_lab.leaves(batch):
                assert core.index.find(leaf_hash(leaf.data)) is not None
        for batch in range(BATCHES):
            assert fault_lab.bring(core, batch) or core.stations.size("s-1") > (batch + 1) * ROWS
        assert core.national.root == root_of(map(leaf_hash, core.national.entries(0)))
        assert list(core.check()) == []
        found = list(core.national.entries(0))
        assert len(found) == len(set(found)) == BATCHES * (len(STATIONS) + len(fault_lab.leaves(0)))
    finally:
        core.close()
        last.close()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", [0, 1], ids=["fails", "killed"])
def test_at_each_call(lab, made, call, kind):
    fault = FAULTS[call][kind]
    assert made[call]
    for when in range(1, made[call] + 1, STRIDE.get(call, 1)):
        folder, said, trace = lab.run("-e", f"inject={call}:{fault}:when={when}")
        assert "INJECTED" in trace or "killed by SIGKILL" in trace, (call, when)
        assert said == "01" or kind == 1, (call, when)
        check(folder, said)
