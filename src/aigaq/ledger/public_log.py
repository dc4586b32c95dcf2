"""The centre's logs for programs that serve many at once: one commit a second, witnesses each ten, absences.

Nobody is answered before what they brought is on disk and in the national log (P2). All writing happens in one thread,
one batch at a time. Signatures are checked as they come: a tenth of a millisecond each, where a batch of a thousand in
a thread would wait for the interpreter's lock after each. Without a quorum the log goes on (P5).
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn, Self, TypeVar

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger import log_files
from aigaq.ledger.absences import Absences
from aigaq.ledger.center_log import CenterLog, NewLeaf, Sealed
from aigaq.ledger.errors import (
    BadKeyError,
    BadLeafError,
    BadNoteError,
    BusyError,
    CheckpointError,
    ForkError,
    LedgerError,
    LogDamagedError,
    NotKeptError,
    RootMismatchError,
)
from aigaq.ledger.last_signed import LastSigned
from aigaq.ledger.log_key import LogKey
from aigaq.ledger.mirror import Mirror
from aigaq.ledger.publishing import Publishing
from aigaq.ledger.station_note import StationNote, read_body
from aigaq.ledger.witnessed import hash16
from aigaq_verify import ID, NO_QUORUM, Kind, Policy, RecordError, VerifierKey, decode_leaf, leaf_hash

COMMIT_S: Final = 1
FEED_S: Final = 10
MAX_WAITING: Final = 256 << 20
"""Bytes of checkpoints that may wait for a commit; a region that comes back at once must not fill the memory."""
_OURS: Final = frozenset({Kind.STATION_CHECKPOINT, Kind.ABSENCE})
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    checkpoint: StationNote
    answer: asyncio.Future[int]


class PublicLog:
    """One per centre. Everything but `open` belongs to one event loop."""

    def __init__(
        self,
        core: CenterLog,
        policy: Policy,
        absences: Absences,
        keys: Callable[[str], Sequence[VerifierKey]],
        clock: Clock,
    ) -> None:
        self.on_sealed: Callable[[str, int, int], None] = _ignore
        """Told after each commit: station, size before, size now."""
        self.on_alarm: Callable[[LedgerError], None] = _ignore
        """Told of what must be looked at: a station's two histories, a witness's, a disk that refuses."""
        self._core = core
        self._absences = absences
        self._keys = keys
        self._clock = clock
        self._bodies: list[_Waiting] = []
        self._leaves: dict[bytes, tuple[NewLeaf, asyncio.Future[int]]] = {}
        self._waiting = 0
        self._broken: ForkError | None = None
        self._failing = False
        """The last commit failed; one alarm is enough until one succeeds."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-commit")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="log-read")
        self._publishing = Publishing(core, policy, clock, self._alarm, writer=self._writer, readers=self._readers)

    @classmethod
    def open(  # noqa: PLR0913 - what a centre has, each named
        cls,
        folder: Path,
        *,
        origin: str,
        election: str,
        key: LogKey,
        last: LastSigned,
        policy: Policy,
        keys: Callable[[str], Sequence[VerifierKey]],
        clock: Clock,
        duty: Callable[[str], tuple[int, int]],
        stations: Sequence[str],
    ) -> Self:
        """Open the logs in the folder, or begin them, and end what a crash left.

        `keys` gives the keys that a station may sign with now; `duty` from when to when (UTC ms) its silence is noted.

        Raises:
            BadKeyError: the trust file asks for witnesses, and does not list this log's key.
            ForkError: what was signed last is not what lies in the folder, or another program has it open.
            LogDamagedError: a checkpoint of another log or key, tiles that do not give its root, or a disk that fails.
        """
        if policy.quorum != NO_QUORUM and not set(key.verifiers(origin)) & set(policy.logs):
            raise BadKeyError(origin, problem=N_("the trust file does not list it as the key of this log"))
        try:
            core = CenterLog.open(folder, origin=origin, election=election, key=key, last=last)
        except (OSError, sqlite3.Error) as error:
            raise LogDamagedError(str(folder), problem=N_("the disk refuses it")) from error
        now = clock.monotonic_ns() // 1_000_000
        absences = Absences(stations, duty, lambda s: (core.stations.size(s), core.stations.root(s)), now)
        for absence in core.absences():
            absences.resume(absence, now)
        return cls(core, policy, absences, keys, clock)

    async def run(self) -> NoReturn:
        """Commit each second and ask the witnesses each ten, until cancelled.

        Raises:
            ForkError: another program has signed in this log's name. It must not go on.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._each(COMMIT_S, self.commit))
                tasks.create_task(self._each(FEED_S, self._publishing.feed))
                tasks.create_task(self._each(FEED_S, self._publishing.copy))
        except ExceptionGroup as group:
            # Not `except*`: up to Python 3.11.3 what it raises is wrapped in a group again.
            fork = group.subgroup(ForkError)
            raise group if fork is None else fork.exceptions[0] from group
        raise AssertionError

    async def close(self) -> None:
        """Close files and connections; whoever waits is told to come again."""
        for future in [w.answer for w in self._bodies] + [future for _, future in self._leaves.values()]:
            _fail(future, NotKeptError(problem=N_("the centre is shutting down")))
        await self._publishing.close()
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._core.close()

    def mirror_to(self, mirror: Mirror) -> None:
        """Copy the log there after each witnessed checkpoint."""
        self._publishing.mirror = mirror

    # ---- bringing

    async def checkpoint(self, station: str | None, body: bytes) -> int:
        """Take `note ‖ n × 32`; the size then held, once it is durable and in the national log.

        Raises:
            CheckpointError: refused; its subclasses say why.
            BusyError: too much waits already.
            NotKeptError: the disk refuses.
            ForkError: this log may not sign any more.
        """
        found = _station_of(body, self.origin)
        if found is None or station not in {None, found}:
            raise BadNoteError(station or "", problem=N_("it is no checkpoint of this log, or its signature is false"))
        checkpoint = read_body(body, f"{self.origin}/s/{found}", self._keys(found))
        if self._broken:
            raise self._broken
        if self._waiting + len(body) > MAX_WAITING:
            raise BusyError(found, limit=MAX_WAITING)
        self._waiting += len(body)
        waiting = _Waiting(checkpoint, asyncio.get_running_loop().create_future())
        self._bodies.append(waiting)
        return await waiting.answer

    async def submit(self, leaf: bytes) -> int:
        """Take any other leaf; its index in the national log, once it is durable. The same leaf has one index.

        Raises:
            BadLeafError: no leaf of this election, or one that only the log itself writes.
            NotKeptError, ForkError: as for `checkpoint`.
        """
        try:
            read = decode_leaf(leaf)
        except RecordError as error:
            raise BadLeafError(problem=str(error)) from error
        if read["election"] != self._core.election:
            raise BadLeafError(problem=N_("it is of another election"))
        if read.kind in _OURS:
            raise BadLeafError(problem=N_("only the centre itself writes leaves of this type"))
        if self._broken:
            raise self._broken
        key = leaf_hash(leaf)
        if (known := self._core.index.find(key)) is not None:
            return known
        if key not in self._leaves:
            new = NewLeaf(leaf, read.kind, read.values.get("station"))
            self._leaves[key] = (new, asyncio.get_running_loop().create_future())
        return await asyncio.shield(self._leaves[key][1])

    # ---- reading

    @property
    def origin(self) -> str:
        """Name of the national log."""
        return self._core.national.origin

    @property
    def size(self) -> int:
        """Leaves of the national log."""
        return self._core.national.size

    def station_size(self, station: str) -> int:
        """Rows held of a station's log."""
        return self._core.stations.size(station)

    async def leaf_hashes(self, station: str, start: int, end: int) -> list[bytes]:
        """Leaf hashes of a station's rows from `start` to before `end`."""
        return await self._read(self._core.stations.leaf_hashes, station, start, end)

    async def row_proof(self, station: str, index: int) -> tuple[int, bytes]:
        """Size of the first checkpoint that covers a row, and the row's tlog-proof under it.

        Raises:
            IndexError: no checkpoint in the national log covers it.
        """
        return await self._read(self._core.row_proof, station, index)

    async def checkpoint_proof(self, station: str, size: int) -> bytes:
        """The tlog-proof of a station's checkpoint in the national log, under the note that `leaf_proof` says.

        Raises:
            IndexError: it is not in the national log.
        """
        return await self._read(self._checkpoint_proof, station, size)

    async def leaf_proof(self, index: int) -> tuple[bytes, bytes]:
        """A leaf of the national log, and its tlog-proof under the first witnessed note over it, else the newest.

        Raises:
            IndexError: there is none.
        """
        return await self._read(lambda: (self._core.national.entry(index), self._core.proof(index)))

    async def leaves(self, indices: Sequence[int]) -> list[bytes]:
        """Leaves of the national log, without what proves them; IndexError where there is none."""
        return await self._read(lambda: list(map(self._core.national.entry, indices)))

    def leaves_of(self, station: str, kinds: Sequence[int]) -> list[int]:
        """Indices of a station's leaves of these kinds in the national log; all but its checkpoints."""
        return self._core.index.of_station(station, kinds)

    def beacon(self) -> bytes | None:
        """The newest witnessed note."""
        newest = self._core.witnessed.newest
        return None if newest is None else newest[2]

    def beacon_note(self, size: int, hash16_: bytes) -> bytes | None:
        """The witnessed note that a record names."""
        note = self._core.witnessed.of_size(size)
        return note if note is not None and hash16(note) == hash16_ else None

    def last_heard(self, station: str) -> int | None:
        """UTC ms of the last new checkpoint of a station since this program began, or of that beginning."""
        heard = self._absences.last_heard(station)
        return None if heard is None else utc_ms(self._clock) - (self._monotonic_ms() - heard)

    def heard(self, station: str) -> None:
        """Something else came from a station that nobody could have kept for later, so it is there."""
        self._absences.heard(station, self._monotonic_ms())

    async def file(self, path: str) -> tuple[bytes, bool] | None:
        """The bytes at a path below `/log/`, and whether they never change; None for what is not there."""
        if path == "status.json":
            return json.dumps(self.status(), ensure_ascii=False).encode(), False
        return await self._read(log_files.find, self._core, path)

    def status(self) -> dict[str, object]:
        """How the log and its witnesses are; what `status.json` says."""
        newest = self._core.witnessed.newest
        return {
            "origin": self.origin,
            "size": self.size,
            "witnessed": None if newest is None else {"size": newest[0], "at_ms": newest[1]},
            "witnesses": [asdict(state) for state in self._publishing.feeder.states.values()],
            "absent": sorted(self._absences.open),
            "stopped": self._broken is not None,
        }

    # ---- working

    async def commit(self) -> None:
        """Write everything that waits as one batch, and answer.

        Raises:
            ForkError: another program has signed in this log's name.
        """
        bodies, self._bodies, self._waiting = self._bodies, [], 0
        leaves, self._leaves = list(self._leaves.values()), {}
        work = self._writer.submit(self._work, [w.checkpoint for w in bodies], [leaf for leaf, _ in leaves])
        try:
            answers, sealed = await asyncio.wrap_future(work)
        except (OSError, sqlite3.Error) as error:
            self._refuse(bodies, leaves, NotKeptError(str(error), problem=N_("the disk refuses it")))
            return
        except ValueError as error:
            self._refuse(bodies, leaves, LogDamagedError(str(error), problem=N_("a tile is missing or cut off")))
            return
        except ForkError as error:
            self._broken = error
            self._refuse(bodies, leaves, error)
            raise
        self._failing = False
        for waiting, answer in zip(bodies, answers, strict=True):
            _resolve(waiting.answer, answer)
            if isinstance(answer, RootMismatchError):
                self._alarm(answer)
        for (_, future), index in zip(leaves, sealed.leaves, strict=False):
            _resolve(future, index)
        for change in sealed.stations:
            self.on_sealed(*change)

    async def feed(self) -> None:
        """Ask all witnesses for the newest checkpoint; publish it if a quorum cosigned."""
        await self._publishing.feed()

    def _work(
        self, checkpoints: Sequence[StationNote], leaves: Sequence[NewLeaf]
    ) -> tuple[Sequence[int | CheckpointError], Sealed]:
        """One batch, in the thread that writes."""
        core, now = self._core, self._monotonic_ms()
        core.settle()
        before = [core.stations.size(checkpoint.station) for checkpoint in checkpoints]
        answers = core.stations.accept(checkpoints) if checkpoints else []
        for checkpoint, held in zip(checkpoints, before, strict=True):
            if core.stations.size(checkpoint.station) > held:
                self._absences.heard(checkpoint.station, now)
        absences = list(self._absences.due(utc_ms(self._clock), now))
        sealed = core.seal([*leaves, *map(core.absence_leaf, absences)])
        for absence in absences:
            self._absences.written(absence)
        return answers, sealed

    def _refuse(
        self,
        bodies: Sequence[_Waiting],
        leaves: Sequence[tuple[NewLeaf, asyncio.Future[int]]],
        error: LedgerError,
    ) -> None:
        if not self._failing:
            self._alarm(error)
        self._failing = True
        for future in [w.answer for w in bodies] + [future for _, future in leaves]:
            _fail(future, error)

    def _alarm(self, error: LedgerError) -> None:
        log.error("%s: %s", error.code, error)
        self.on_alarm(error)

    async def _each(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            started = self._clock.monotonic_ns()
            await work()
            spent = (self._clock.monotonic_ns() - started) / 1e9
            await self._clock.sleep(max(0.0, seconds - spent))

    def _checkpoint_proof(self, station: str, size: int) -> bytes:
        index = self._core.stations.logged(station, size)
        if index is None:
            raise IndexError(f"no checkpoint of {station} over {size} rows is in the log")
        return self._core.proof(index)

    async def _read(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *args)

    def _monotonic_ms(self) -> int:
        return self._clock.monotonic_ns() // 1_000_000


def _station_of(body: bytes, origin: str) -> str | None:
    """The station that a note's first line names; None if it is not of this log."""
    line, newline, _ = body.partition(b"\n")
    prefix = f"{origin}/s/".encode()
    if not newline or len(line) > len(prefix) + 32 or not line.startswith(prefix):
        return None
    name = line[len(prefix) :].decode(errors="replace")
    return name if ID.fullmatch(name) else None


def _resolve(future: asyncio.Future[int], answer: int | CheckpointError) -> None:
    if isinstance(answer, CheckpointError):
        _fail(future, answer)
    elif not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[int], error: LedgerError) -> None:
    if not future.done():
        future.set_exception(error)


def _ignore(*_: object) -> None:
    """Nobody asked to be told."""
