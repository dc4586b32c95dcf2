"""The centre's door for checkpoints in a process of its own, so that the load's cost is not the centre's.

python -m benchmarks.national_center FOLDER STATIONS    prints the port; the archive's own route over real logs
"""

import asyncio
import socket
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import uvicorn
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.archive.ingest import Body, Ingest
from aigaq.archive.ingest_http import IngestHttp
from aigaq.archive.live import Live
from aigaq.base import SystemClock
from aigaq.ledger import MAX_BODY, LastSigned, LogKey, PublicLog, SigningKey
from aigaq_verify import VerifierKey, parse_policy

ELECTION = "bench"
ORIGIN = f"log.example/{ELECTION}"


def key_of(station: int) -> SigningKey:
    """The same key in every process."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(sha256(b"station %d" % station).digest()))


def origin_of(station: int) -> str:
    return f"{ORIGIN}/s/s-{station}"


def open_log(folder: Path, stations: int) -> PublicLog:
    """The logs of a centre with so many enrolled stations on duty."""
    keys = {f"s-{n}": [VerifierKey(origin_of(n), key_of(n).public)] for n in range(stations)}
    return PublicLog.open(
        folder / "log",
        origin=ORIGIN,
        election=ELECTION,
        key=LogKey.create(folder / "log.key", folder / "log-pq.key"),
        last=LastSigned.open(folder / "last" / "last-signed.sqlite"),
        policy=parse_policy(b"quorum none\n"),
        keys=lambda station: keys.get(station, []),
        clock=SystemClock(),
        duty=lambda _: (0, 2**42),
        stations=list(keys),
    )


class Door:
    """What `Ingest` does with a checkpoint, without the cameras."""

    def __init__(self, log: PublicLog) -> None:
        self._log = log

    async def checkpoint(self, body: Body) -> int:
        return await self._log.checkpoint(None, await body(MAX_BODY))


async def serve(folder: Path, stations: int) -> None:
    log = open_log(folder, stations)
    app = IngestHttp(cast("Ingest", Door(log)), Live(SystemClock()), lambda _: None)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        cast("Any", app), lifespan="off", access_log=False, server_header=False, ws="none", timeout_keep_alive=60
    )
    running = asyncio.create_task(log.run())
    await uvicorn.Server(config).serve(sockets=[listener])
    running.cancel()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
