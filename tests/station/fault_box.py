"""A box in processes that wait to be traced: each opens a folder, then records, seals and takes a new day's key.

python fault_box.py SOCKET    for each connection to the socket a process of its own: it takes a folder, says its number
when the box is open, takes "go", and says `rows sealed` whenever more is on record
"""

import ctypes
import importlib.util
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import structlog

from aigaq.base import ManualClock
from aigaq.ledger import KeyFileError
from aigaq.station import writer
from aigaq_verify import GapCause

_spec = importlib.util.spec_from_file_location("station_bench", Path(__file__).with_name("bench.py"))
bench = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("station_bench", bench)
_spec.loader.exec_module(bench)

ROUNDS = 2
DAY_S = 86_400


def open_box(folder: Path, days: int = 0):
    """The box of that folder, on a clock that has gone on since."""
    clock = ManualClock(bench.T0 + days * DAY_S * 1000)
    return bench.Rig(bench.settings_for(folder, sub=False), clock)


def work(rig, say) -> None:
    """Everything that a box writes: init, parts, rows, names, tiles, checkpoints, answers, a beacon, a key."""
    box = rig.box
    for turn in range(ROUNDS):
        start = bench.T0 + 10_000 * turn
        rig.segment(start, init=f"init {turn}")
        box.writer.commit()
        say(rig)
        rig.segment(start + 2_000, init=f"init {turn}")
        rig.stream().stopped(start + 5_000, GapCause.NO_RTP, "the cable was pulled")
        box.writer.seal()
        say(rig)
        rig.clock.advance(DAY_S)
        try:
            key = box.keys.session(rig.clock.utc_ns() // 1_000_000).key
        except KeyFileError:
            continue  # as the agent does: an alarm, and the former key goes on
        box.writer.post_key(key)
        box.writer.post_answers([(0, 1, b"receipt")], lambda: None)
        for _ in range(2):
            box.writer._queue.get()[0]()


def serve(line: socket.socket) -> None:
    """One process's life."""
    ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: Yama lets any of ours trace us
    rig = open_box(Path(line.recv(4096).decode()))
    line.send(b"%d" % os.getpid())
    line.recv(2)
    work(rig, lambda rig: line.send(b"%d %d\n" % (rig.box.reader.size(), rig.box.writer.sealed)))
    line.send(b"done\n")


def main(path: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    writer.RETRY_S = 0.01
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            line, _ = listener.accept()
            with line:
                if os.fork() == 0:
                    serve(line)
                    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
