"""What ten thousand stations cost the centre: a checkpoint each, every ten seconds, and how fast its log grows."""

import asyncio
import hashlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop
from nacl.signing import SigningKey as NaclKey

from aigaq.ledger import CompactRange, LastSigned, LogKey, NationalLog
from aigaq_verify import Checkpoint
from benchmarks.lab import LOG, Scale, Table, cpu_seconds, memory, scratch
from benchmarks.national_center import ORIGIN, key_of, origin_of

PERIOD = 10
ROWS = 12
"""Of five cameras in ten seconds."""


def run(scale: Scale) -> Table:
    """The table."""
    stations, rounds = int(scale.pick(10_000, 2_000)), int(scale.pick(6, 2))
    table = Table(
        "The national log",
        ("what", "Aigaq", "to hold", "prototype (evidence.md 2.3)", "floor on this machine now"),
        note=(
            f"{stations} stations, each with a connection of its own over loopback, one checkpoint of {ROWS} rows each "
            f"{PERIOD} s, {rounds} times, answered after the national commit; CPU is the centre's, user and system; "
            "the load and other programs share the cores"
        ),
    )
    verify, nodes = _verify_speed(), _node_speed()
    with scratch() as folder:
        load = _load(folder, stations, rounds)
    floor = load.rate / verify + load.rate * ROWS * 1.2 / nodes
    table.rows.extend(
        [
            ("checkpoints taken a second", f"{load.rate:.0f}", f"{stations // PERIOD}", "1000", ""),
            ("CPU of one core", f"{100 * load.cpu:.0f} %", "≤ 30 %", "30 %", f"{100 * floor:.0f} % to verify and hash"),
            ("answer p50", f"{load.at(50):.2f} s", "", "0.71 s", "0.50 s to wait for the commit"),
            ("answer p99", f"{load.at(99):.2f} s", "≤ 2 s", "1.29 s", ""),
            ("answer, slowest", f"{max(load.seconds):.2f} s", "", "", ""),
            ("memory of the centre", f"{load.memory / 2**20:.0f} MiB", "", "65 MiB", ""),
        ]
    )
    for size, batch, was in ((160, 12_500, "24,000-30,000"), (330, 1_000, "15,000")):
        with scratch() as folder:
            ours = _append(folder, size, batch, int(scale.pick(10, 3)))
            plain = _plain(folder / "plain", size, batch, int(scale.pick(10, 3)))
        table.rows.append(
            (
                f"leaves of {size} B a second, synced, {batch} a commit",
                f"{ours:,.0f}",
                "≥ 20,000" if batch > 1_000 else "",
                was,
                f"{plain:,.0f} written to one file and synced",
            )
        )
    table.rows.extend(
        [
            ("Ed25519 verified a second", "", "", "7,200-7,600", f"{verify:,.0f}"),
            ("tree nodes hashed a second", "", "", "640,000-870,000", f"{nodes:,.0f}"),
        ]
    )
    return table


@dataclass(slots=True)
class Load:
    """What the stations saw, and what it cost."""

    rate: float = 0
    cpu: float = 0
    memory: int = 0
    seconds: list[float] = field(default_factory=list[float])

    def at(self, percent: int) -> float:
        """A percentile of the answers."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1]


def _load(folder: Path, stations: int, rounds: int) -> Load:
    bodies = [_bodies(station, rounds + 1) for station in range(stations)]
    with _center(folder, stations) as (process, port):
        return uvloop.run(_play(port, process.pid, bodies))


@contextmanager
def _center(folder: Path, stations: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "benchmarks.national_center", str(folder), str(stations)]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no way to the centre")
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def _bodies(station: int, count: int) -> list[bytes]:
    """A station's requests, signed before the clock runs."""
    key, origin, tree = key_of(station), origin_of(station), CompactRange()
    made: list[bytes] = []
    for number in range(count):
        leaves = [hashlib.sha256(b"%d %d %d" % (station, number, n)).digest() for n in range(ROWS)]
        for leaf in leaves:
            tree.append(leaf)
        note = key.sign_note(Checkpoint(origin, tree.size, tree.root()).text(), origin)
        body = note + b"".join(leaves)
        head = f"POST /ingest/v1/checkpoint HTTP/1.1\r\nHost: centre\r\nContent-Length: {len(body)}\r\n\r\n"
        made.append(head.encode() + body)
    return made


class Station(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[bytes] | None = None
        self.got = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its bases

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, blank, body = self.got.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if blank and len(body) >= size and self.answered and not self.answered.done():
            self.answered.set_result(self.got)
            self.got = b""

    async def ask(self, request: bytes) -> float:
        """Seconds until the answer.

        Raises:
            SystemExit: it was refused.
        """
        if self.transport is None:
            raise SystemExit("not connected")
        start = time.perf_counter()
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        answer = await self.answered
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {answer[:300]!r}")
        return time.perf_counter() - start


async def _play(port: int, pid: int, bodies: Sequence[Sequence[bytes]]) -> Load:
    loop, load = asyncio.get_running_loop(), Load()
    connections = [(await loop.create_connection(Station, "127.0.0.1", port))[1] for _ in bodies]
    await _round(connections, [requests[0] for requests in bodies])
    cpu, start = cpu_seconds(pid), time.perf_counter()
    rounds = len(bodies[0]) - 1
    for number in range(1, rounds + 1):
        load.seconds += await _round(connections, [requests[number] for requests in bodies])
    spent = time.perf_counter() - start
    load.cpu = (cpu_seconds(pid) - cpu) / spent
    load.rate = len(bodies) * rounds / spent
    load.memory = memory(pid)
    return load


async def _round(connections: Sequence[Station], requests: Sequence[bytes]) -> list[float]:
    """Spread over the period, as boxes that started at any time are."""
    start, tasks = time.perf_counter(), list[asyncio.Task[float]]()
    for n, (connection, request) in enumerate(zip(connections, requests, strict=True)):
        due = start + n * PERIOD / len(connections)
        if (wait := due - time.perf_counter()) > 0.002:
            await asyncio.sleep(wait)
        tasks.append(asyncio.ensure_future(connection.ask(request)))
    left = start + PERIOD - time.perf_counter()
    await asyncio.sleep(max(0, left))
    return await asyncio.gather(*tasks)


def _append(folder: Path, size: int, batch: int, rounds: int) -> float:
    """Leaves a second into the national log."""
    key, last = LogKey.create(folder / "log.key", folder / "pq.key"), LastSigned.open(folder / "last" / "signed.sqlite")
    log = NationalLog.open(folder / "log", ORIGIN, key, last)
    batches = [[os.urandom(size) for _ in range(batch)] for _ in range(rounds)]
    start = time.perf_counter()
    for leaves in batches:
        log.commit(leaves)
    spent = time.perf_counter() - start
    log.close()
    last.close()
    return batch * rounds / spent


def _plain(path: Path, size: int, batch: int, rounds: int) -> float:
    """The same bytes at the end of one file, synced as often."""
    batches = [os.urandom(size * batch) for _ in range(rounds)]
    with path.open("wb") as file:
        start = time.perf_counter()
        for data in batches:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return batch * rounds / (time.perf_counter() - start)


def _verify_speed() -> float:
    key = NaclKey(bytes(32))
    signed = key.sign(bytes(150))
    return _speed(lambda: key.verify_key.verify(signed), 4_000)


def _node_speed() -> float:
    return _speed(lambda: hashlib.sha256(bytes(65)).digest(), 200_000)


def _speed(work: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return times / (time.process_time() - start)
