"""A centre's log in processes that wait to be traced: each opens the logs, then brings two batches.

python fault_lab.py SOCKET    for each connection to the socket a process of its own: it takes a folder, says its number
when the logs are open, takes "go", and says each batch that was acknowledged
"""

import ctypes
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.ledger import LastSigned, LogKey, SigningKey
from aigaq.ledger.center_log import CenterLog, NewLeaf
from aigaq.ledger.merkle import root_of
from aigaq.ledger.station_note import StationNote, read_body
from aigaq_verify import Checkpoint, Kind, Leaf, VerifierKey, encode_leaf, leaf_hash

ORIGIN = "log.example/vote-26"
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"\5" * 32))
STATIONS = ("s-1", "s-2", "s-3")
BATCHES = 2
ROWS = 200
"""So that the second batch fills tiles."""


def rows(station: str, size: int) -> list[bytes]:
    return [leaf_hash(f"{station} {i}".encode()) for i in range(size)]


def bodies(batch: int) -> list[StationNote]:
    """What each station sends in a batch."""
    made: list[StationNote] = []
    for station in STATIONS:
        origin, held, size = f"{ORIGIN}/s/{station}", batch * ROWS, (batch + 1) * ROWS
        leaves = rows(station, size)
        note = KEY.sign_note(Checkpoint(origin, size, root_of(leaves)).text(), origin)
        made.append(read_body(note + b"".join(leaves[held:]), origin, [VerifierKey(origin, KEY.public)]))
    return made


def leaves(batch: int) -> list[NewLeaf]:
    """Enough others that the national log's tiles fill too."""
    found: list[NewLeaf] = []
    for n in range(150):
        values = {"election": "vote-26", "at_ms": 1000 * batch + n, "role": "chair/one", "action": "export"}
        data = encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "subject": "s-1", "detail_hash": bytes(32)}))
        found.append(NewLeaf(data, Kind.OPERATOR_ACTION, None))
    return found


def open_log(folder: Path) -> tuple[CenterLog, LastSigned]:
    last = LastSigned.open(folder / "elsewhere" / "last-signed.sqlite")
    return CenterLog.open(folder / "log", origin=ORIGIN, election="vote-26", key=LogKey(KEY), last=last), last


def bring(core: CenterLog, batch: int) -> bool:
    """As the centre does: what fails is answered with a refusal, and comes again."""
    try:
        core.settle()
        answers = core.stations.accept(bodies(batch))
        core.seal(leaves(batch))
    except (OSError, sqlite3.Error, ValueError):
        return False
    return answers == [(batch + 1) * ROWS] * len(STATIONS)


def serve(line: socket.socket) -> None:
    """One process's life."""
    ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: Yama lets any of ours trace us
    core, _ = open_log(Path(line.recv(4096).decode()))
    line.send(b"%d" % os.getpid())
    line.recv(2)
    for batch in range(BATCHES):
        for _ in range(3):
            if bring(core, batch):
                line.send(b"%d" % batch)
                break


def main(path: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
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
