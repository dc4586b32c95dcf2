"""The centre's logs as programs use them: answered when durable, proven from both logs, the same after any fault."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_lab import proven

from aigaq.base import ManualClock
from aigaq.ledger import (
    MAX_BODY,
    BadKeyError,
    BadLeafError,
    BadNoteError,
    BusyError,
    CheckpointError,
    ForkError,
    LastSigned,
    LedgerError,
    LogKey,
    NationalLog,
    NotKeptError,
    OversizedError,
    PublicLog,
    RootMismatchError,
    SigningKey,
    StationLog,
    WrongKeyError,
    WrongSizeError,
)
from aigaq.ledger.log_files import parse_tile
from aigaq.ledger.station_logs import _Batch
from aigaq.ledger.tiles import tile_path
from aigaq_verify import Checkpoint, Kind, Leaf, Proof, VerifierKey, decode_leaf, encode_leaf, leaf_hash, parse_policy

ORIGIN = "log.example/vote-26"
NONE = b"quorum none\n"


def key_of(name: str) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(leaf_hash(name.encode())))


def verifier(name: str) -> VerifierKey:
    return VerifierKey(f"{ORIGIN}/s/{name}", key_of(name).public)


def rows(start: int, end: int) -> list[bytes]:
    return [b"record %d" % i for i in range(start, end)]


def action(n: int, election: str = "vote-26") -> bytes:
    values = {"election": election, "at_ms": n, "role": "chair/one", "action": "export", "subject": "s-1"}
    return encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "detail_hash": bytes(32)}))


class Center:
    """A centre that is opened and closed, and its stations."""

    def __init__(self, folder: Path, policy: bytes = NONE, stations: tuple[str, ...] = ("s-1", "s-2")) -> None:
        self.folder, self.policy, self.stations = folder, policy, stations
        self.clock = ManualClock()
        self.duty = (0, 0)
        self.key = LogKey.create(folder / "log.key", folder / "log-pq.key")
        self.last = LastSigned.open(folder / "elsewhere" / "last-signed.sqlite")
        self.sealed: list[tuple[str, int, int]] = []
        self.alarms: list[LedgerError] = []
        self.open()

    def open(self) -> PublicLog:
        self.log = PublicLog.open(
            self.folder / "log",
            origin=ORIGIN,
            election="vote-26",
            key=self.key,
            last=self.last,
            policy=parse_policy(self.policy),
            keys=lambda s: [verifier(s)] if s in self.stations else [],
            clock=self.clock,
            duty=lambda _: self.duty,
            stations=self.stations,
        )
        self.log.on_sealed = lambda *change: self.sealed.append(change)
        self.log.on_alarm = self.alarms.append
        return self.log

    async def reopen(self) -> PublicLog:
        await self.log.close()
        return self.open()

    def station(self, name: str = "s-1", folder: str | None = None) -> StationLog:
        return StationLog.open(self.folder / (folder or name), f"{ORIGIN}/s/{name}", key_of(name))

    async def committed(self, *work: Awaitable[Any]) -> list[Any]:
        """What these come to with one commit."""
        tasks = [asyncio.ensure_future(one) for one in work]
        await asyncio.sleep(0)
        assert not any(task.done() and task.exception() is None for task in tasks)
        await self.log.commit()
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def bring(self, log: StationLog, count: int) -> int:
        (answer,) = await self.committed(self.log.checkpoint(None, grown(log, count)))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def check(self) -> list[str]:
        return list(self.log._core.check())


def grown(log: StationLog, count: int) -> bytes:
    held = log.size
    log.append(rows(held, held + count))
    return sent(log, held)


def sent(log: StationLog, held: int) -> bytes:
    return log.checkpoint() + b"".join(log.leaf_hashes(held, log.size))


@pytest.fixture
async def center(tmp_path) -> AsyncIterator[Center]:
    made = Center(tmp_path)
    yield made
    await made.log.close()
    made.last.close()


async def test_a_row_is_proven_through_both_logs(center):
    log = center.station()
    for count in (3, 300, 7):
        assert await center.bring(log, count) == log.size
    for index, first in ((0, 3), (2, 3), (3, 303), (302, 303), (303, 310)):
        size, data = await center.log.row_proof("s-1", index)
        proof = Proof.parse(data)
        assert size == first
        assert proven(proof, leaf_hash(rows(index, index + 1)[0]), [verifier("s-1")]).size == size
        national = Proof.parse(await center.log.checkpoint_proof("s-1", size))
        leaf, same = await center.log.leaf_proof(national.index)
        assert same == national.encode()
        assert decode_leaf(leaf)["note"] == proof.checkpoint
        proven(national, leaf_hash(leaf), center.key.verifiers(ORIGIN))
    assert center.sealed == [("s-1", 0, 3), ("s-1", 3, 303), ("s-1", 303, 310)]
    assert await center.log.leaf_hashes("s-1", 3, 5) == log.leaf_hashes(3, 5)
    assert center.check() == []


async def test_nobody_is_answered_before_the_commit(center):
    waiting = asyncio.ensure_future(center.log.checkpoint("s-1", grown(center.station(), 3)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert center.log.size == 0
    await center.log.commit()
    assert await waiting == 3
    assert center.log.size == 1


async def test_one_commit_takes_many_and_answers_each(center):
    logs = [center.station(name) for name in ("s-1", "s-2")]
    answers = await center.committed(
        center.log.checkpoint(None, grown(logs[0], 5)),
        center.log.checkpoint(None, grown(logs[1], 2)),
        center.log.checkpoint(None, grown(logs[0], 1)),
        center.log.checkpoint(None, sent(logs[0], 6)),
        center.log.checkpoint(None, sent(logs[1], 0)[:-1]),
        center.log.submit(action(1)),
        center.log.submit(action(1)),
        center.log.submit(action(2)),
    )
    assert [a if isinstance(a, int) else type(a) for a in answers] == [5, 2, 6, 6, BadNoteError, 3, 3, 4]
    assert center.sealed == [("s-1", 0, 6), ("s-2", 0, 2)]
    assert center.log.size == 5


async def test_the_same_leaf_has_one_place(center):
    (first,) = await center.committed(center.log.submit(action(1)))
    assert await center.log.submit(action(1)) == first == 0
    await center.reopen()
    assert await center.log.submit(action(1)) == first
    assert center.log.size == 1


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"\x80",
        action(1, "vote-27"),
        encode_leaf(Leaf(Kind.STATION_CHECKPOINT, {"election": "vote-26", "station": "s-1", "note": b"n"})),
        encode_leaf(
            Leaf(
                Kind.ABSENCE,
                {
                    "election": "vote-26",
                    "station": "s-1",
                    "seq": 0,
                    "from_ms": 0,
                    "to_ms": None,
                    "held_size": 0,
                    "held_root": bytes(32),
                },
            )
        ),
    ],
    ids=["nothing", "an empty array", "another election", "a checkpoint", "an absence"],
)
async def test_leaves_that_nobody_may_bring(center, leaf):
    with pytest.raises(BadLeafError):
        await center.log.submit(leaf)


async def test_what_does_not_belong_here_is_refused_at_once(center):
    log = center.station("s-1")
    body = grown(log, 2)
    stranger = StationLog.open(center.folder / "s-9", f"{ORIGIN}/s/s-9", key_of("s-9"))
    for station, data, error in (
        ("s-2", body, BadNoteError),
        (None, b"", BadNoteError),
        (None, body.replace(ORIGIN.encode(), b"log.example/vote-27"), BadNoteError),
        (None, body.replace(b"/s/s-1", b"/s/../s", 1), BadNoteError),
        (None, grown(stranger, 1), WrongKeyError),
        (None, body + bytes(MAX_BODY), OversizedError),
    ):
        with pytest.raises(error):
            await center.log.checkpoint(station, data)
    assert await center.committed(center.log.checkpoint("s-1", body)) == [2]


async def test_too_much_at_once_is_told_to_come_again(center, monkeypatch):
    log = center.station()
    body = grown(log, 2)
    monkeypatch.setattr("aigaq.ledger.public_log.MAX_WAITING", 2 * len(body))
    waiting = [asyncio.ensure_future(center.log.checkpoint(None, body)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await center.log.checkpoint(None, body)
    await center.log.commit()
    assert await asyncio.gather(*waiting) == [2, 2]
    assert await center.committed(center.log.checkpoint(None, body)) == [2]


async def test_who_leaves_before_the_answer_loses_nothing(center):
    waiting = asyncio.ensure_future(center.log.checkpoint(None, grown(center.station(), 2)))
    await asyncio.sleep(0)
    waiting.cancel()
    await center.log.commit()
    assert center.log.station_size("s-1") == 2
    assert center.log.size == 1


async def test_a_station_that_forks_itself_raises_the_alarm(center):
    await center.bring(center.station(), 5)
    twin = center.station("s-1", "twin")
    twin.append([b"other"] * 7)
    (answer,) = await center.committed(center.log.checkpoint(None, sent(twin, 5)))
    assert isinstance(answer, RootMismatchError)
    assert center.alarms == [answer]
    assert (center.folder / "log/forks/s-1").exists()
    assert center.log.station_size("s-1") == 5


# ---- faults


@pytest.mark.parametrize("where", ["accept", "tiles", "swap", "index"])
async def test_a_disk_that_refuses_costs_an_answer_and_nothing_else(center, monkeypatch, where):
    log = center.station()
    await center.bring(log, 3)
    core = center.log._core
    owner, name = {
        "accept": (_Batch, "write"),
        "tiles": (core.national._tiles, "lay"),
        "swap": (center.last, "advance"),
        "index": (core.index, "add"),
    }[where]

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error") if where != "swap" else sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(owner, name, refuse)
    body = grown(log, 4)
    answers = await center.committed(center.log.checkpoint(None, body), center.log.submit(action(1)))
    assert [type(a) for a in answers] == [NotKeptError, NotKeptError]
    assert [type(a) for a in center.alarms] == [NotKeptError]
    monkeypatch.undo()
    if where != "accept":
        assert center.log.station_size("s-1") == 7
    again = await center.committed(center.log.checkpoint(None, body), center.log.submit(action(1)))
    assert again[0] == 7
    assert center.log.size == 3
    leaf, _ = await center.log.leaf_proof(again[1])
    assert leaf == action(1)
    assert center.check() == []


@pytest.mark.parametrize("where", ["between", "index"])
async def test_a_crash_between_two_steps_is_made_good(center, monkeypatch, where):
    """Kept but not logged, or logged but not indexed: opening ends it, and no leaf is there twice."""
    log = center.station()
    await center.bring(log, 3)
    core = center.log._core
    broken = (core.national, "commit") if where == "between" else (core.index, "add")
    monkeypatch.setattr(*broken, lambda *_: (_ for _ in ()).throw(OSError(5, "gone")))
    await center.committed(center.log.checkpoint(None, grown(log, 4)))
    monkeypatch.undo()
    await center.reopen()
    assert center.log.size == 2
    assert center.log.station_size("s-1") == 7
    await center.log.checkpoint_proof("s-1", 7)
    assert center.check() == []


async def test_lost_tables_are_filled_again_but_not_with_another_history(center):
    """The national log remembers what the tables forgot: a station cannot use the loss."""
    log = center.station()
    for count in (3, 300):
        await center.bring(log, count)
    (index,) = await center.committed(center.log.submit(action(1)))
    await center.log.close()
    for path in (center.folder / "log").glob("logs.sqlite*"):
        path.unlink()
    center.open()
    assert center.log.station_size("s-1") == 0
    assert await center.log.submit(action(1)) == index
    await center.reopen()
    twin = center.station("s-1", "twin")
    twin.append([b"other"] * 303)
    (answer,) = await center.committed(center.log.checkpoint(None, sent(twin, 0)))
    assert isinstance(answer, RootMismatchError)
    log.append(rows(303, 310))
    assert await center.committed(center.log.checkpoint(None, sent(log, 0))) == [310]
    size, _ = await center.log.row_proof("s-1", 1)
    await center.log.checkpoint_proof("s-1", size)
    assert [p for p in center.check() if "not among its own" not in p and "another history" not in p] == []


async def test_another_signer_ends_it(center):
    """P1: whoever lost the swap stops, and says so to everyone who waits or comes."""
    log = center.station()
    await center.bring(log, 3)
    head = center.last.get(ORIGIN)
    assert head is not None
    signed = center.key.sign(Checkpoint(ORIGIN, 9, bytes(32)))
    center.last.advance(ORIGIN, head, type(head)(9, bytes(32), signed))
    running = asyncio.ensure_future(center.log.run())
    with pytest.raises(ForkError):
        await center.log.checkpoint(None, grown(log, 4))
    with pytest.raises(ForkError):
        await running
    with pytest.raises(ForkError):
        await center.log.checkpoint(None, sent(log, 3))
    with pytest.raises(ForkError):
        await center.log.submit(action(1))
    assert json.loads((await center.log.file("status.json") or (b"", 0))[0])["stopped"]


async def test_it_is_open_once(center):
    with pytest.raises(ForkError):
        NationalLog.open(center.folder / "log/national", ORIGIN, center.key, center.last)


async def test_it_runs_by_itself(center):
    running = asyncio.ensure_future(center.log.run())
    assert await center.log.checkpoint(None, grown(center.station(), 2)) == 2
    assert await center.log.submit(action(1)) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_closing_tells_those_who_wait(center):
    waiting = asyncio.ensure_future(center.log.checkpoint(None, grown(center.station(), 2)))
    leaf = asyncio.ensure_future(center.log.submit(action(1)))
    await asyncio.sleep(0)
    await center.log.close()
    for task in (waiting, leaf):
        with pytest.raises(NotKeptError):
            await task
    center.open()


async def test_readers_see_a_whole_tree_while_it_grows(center):
    log = center.station()
    await center.bring(log, 1)

    async def read() -> None:
        for _ in range(25):
            size = center.log.size
            for index in range(0, size, 7):
                leaf, proof = await center.log.leaf_proof(index)
                proven(Proof.parse(proof), leaf_hash(leaf), center.key.verifiers(ORIGIN))
            await asyncio.sleep(0)

    async def write() -> None:
        for n in range(30):
            await asyncio.gather(*(center.log.submit(action(30 * n + i)) for i in range(15)), center.log.commit())

    await asyncio.gather(read(), write())
    assert center.log.size == 451
    assert center.check() == []


# ---- absences


async def test_absences_are_leaves_and_survive_a_restart(center):
    center.duty = (center.clock.utc_ns() // 10**6, center.clock.utc_ns() // 10**6 + 3_600_000)
    await center.reopen()
    log = center.station()
    await center.bring(log, 3)
    center.clock.advance(31)
    await center.log.commit()
    assert center.log.status()["absent"] == ["s-1", "s-2"]
    (index,) = center.log.leaves_of("s-1", [Kind.ABSENCE])
    leaf, proof = await center.log.leaf_proof(index)
    proven(Proof.parse(proof), leaf_hash(leaf), center.key.verifiers(ORIGIN))
    opened = decode_leaf(leaf)
    assert (opened["held_size"], opened["to_ms"]) == (3, None)
    assert opened["held_root"] == Checkpoint.parse(log.checkpoint().decode().split("\n\n")[0] + "\n").root
    await center.reopen()
    center.clock.advance(5)
    await center.log.commit()
    assert center.log.size == 3
    await center.bring(log, 1)
    await center.log.commit()
    indices = center.log.leaves_of("s-1", [Kind.ABSENCE])
    closed = decode_leaf((await center.log.leaf_proof(indices[-1]))[0])
    assert len(indices) == 2
    assert (closed["seq"], closed["from_ms"]) == (opened["seq"], opened["from_ms"])
    assert closed["to_ms"] == closed["from_ms"] + 36_000
    assert center.log.status()["absent"] == ["s-2"]


async def test_the_same_checkpoint_again_is_no_sign_of_life(center):
    """Anyone can fetch a station's note and send it again."""
    center.duty = (0, 2**42)
    await center.reopen()
    log = center.station()
    await center.bring(log, 3)
    for _ in range(4):
        center.clock.advance(10)
        await center.committed(center.log.checkpoint(None, sent(log, 3)))
    assert center.log.status()["absent"] == ["s-1", "s-2"]
    center.log.heard("s-1")
    await center.log.commit()
    assert center.log.status()["absent"] == ["s-2"]
    assert center.log.last_heard("s-1") == center.clock.utc_ns() // 10**6


# ---- files


async def test_the_national_log_is_served_as_it_lies_on_disk(center):
    await center.committed(*(center.log.submit(action(n)) for n in range(300)))
    national = center.folder / "log/national"
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"):
        assert await center.log.file(path) == ((national / path).read_bytes(), True)
    assert await center.log.file("checkpoint") == ((national / "checkpoint").read_bytes(), False)
    assert await center.log.file("tile/0/001.p/43") == ((national / "tile/0/001.p/44").read_bytes()[:-32], True)


async def test_a_stations_log_is_served(center):
    log = center.station()
    await center.bring(log, 300)
    assert await center.log.file("s/s-1/checkpoint") == (log.checkpoint(), False)
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        assert await center.log.file(f"s/s-1/{path}") == ((center.folder / "s-1" / path).read_bytes(), True)
    for path in ("s/s-2/checkpoint", "s/s-1/tile/entries/000", "s/s-1/tile/0/001", "s/s-9/tile/0/000.p/1"):
        assert await center.log.file(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/001.p/1",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/00/000",
        "tile/0/0",
        "tile/0/x000/000.p/1",
        "tile/64/000.p/1",
        "tile/0/../0/000.p/1",
        "tile/entries/000.p/03",
        "witnessed",
        "witnessed/0",
        "witnessed/99999999999999999999",
        "s/s-1",
        "s/../checkpoint",
        "national/checkpoint",
        "../log.key",
        "lock",
    ],
)
async def test_there_is_nothing_else(center, path):
    await center.committed(*(center.log.submit(action(n)) for n in range(3)))
    assert await center.log.file(path) is None


@given(st.integers(0, 63) | st.just("entries"), st.integers(0, 10**9), st.integers(1, 256))
def test_each_tile_has_one_path(level, index, width):
    assert parse_tile(tile_path(level, index, width)) == (level, index, width)


@given(st.from_regex(r"tile/[0-9]{1,2}/[x0-9/]{3,9}(\.p/[0-9]{1,3})?", fullmatch=True))
def test_what_is_read_as_a_tile_is_its_path(path):
    tile = parse_tile(path)
    assert tile is None or tile_path(*tile) == path


async def test_indices_that_are_not_there(center):
    await center.bring(center.station(), 3)
    for wrong in (
        center.log.row_proof("s-1", 3),
        center.log.row_proof("s-1", -1),
        center.log.row_proof("s-9", 0),
        center.log.checkpoint_proof("s-1", 2),
        center.log.checkpoint_proof("s-9", 3),
        center.log.leaf_proof(1),
        center.log.leaf_proof(-1),
    ):
        with pytest.raises(IndexError):
            await wrong


async def test_a_trust_file_without_this_log_is_refused(tmp_path, center):
    witness = VerifierKey("w.example/1", key_of("w").public, 4)
    with pytest.raises(BadKeyError, match="does not list it"):
        PublicLog.open(
            tmp_path / "other",
            origin=ORIGIN,
            election="vote-26",
            key=center.key,
            last=center.last,
            policy=parse_policy(f"witness w {witness}\nquorum w\n".encode()),
            keys=lambda _: [],
            clock=center.clock,
            duty=lambda _: (0, 0),
            stations=[],
        )
    assert not (tmp_path / "other").exists()


async def test_wrong_size_says_what_is_held(center):
    log = center.station()
    await center.bring(log, 3)
    log.append(rows(3, 9))
    (answer,) = await center.committed(center.log.checkpoint(None, sent(log, 5)))
    assert isinstance(answer, WrongSizeError)
    assert isinstance(answer, CheckpointError)
    assert answer.held == 3
