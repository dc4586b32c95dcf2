"""The logs as the archive uses them: who may sign for a station, what is sealed, who was silent, what operators did.

The logs themselves are the ledger's; here they are joined to the archive's register and tables. A table never runs
ahead of a log: whatever a crash leaves undone is made good from the log at the next start.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from aigaq.archive import custody
from aigaq.archive.absences import Absence, absences_of
from aigaq.archive.errors import NotEnrolledError, UnknownStationError
from aigaq.archive.known import station_of
from aigaq.archive.sealing import Sealer
from aigaq.archive.store import Database
from aigaq.base import Clock, utc_ms
from aigaq.election import Register
from aigaq.ledger import ForkError, LastSigned, LedgerError, LogKey, Mirror, PublicLog
from aigaq.ledger.enrolment import Directory, Roles
from aigaq_verify import (
    NO_BEACON,
    Kind,
    Leaf,
    Record,
    RecordError,
    VerifierKey,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    parse_policy,
)

FOLDER: Final = "log"
ROLE: Final = "archive/center"
"""Under which the centre itself acts, as long as there are no accounts."""
_BEACONS: Final = 1024
_AT_ONCE: Final = 1024
"""Leaves in memory at a time."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogSetup:
    """What a centre's logs are made of, by its settings."""

    origin: str
    """Name of the national log: `<log-domain>/<election>`."""
    key: LogKey
    last: LastSigned
    policy: bytes
    """The trust file: the log's keys, its witnesses and the quorum."""
    roles: Roles
    authority: x509.Certificate | None = None
    tokens: Path = Path("tokens")
    mirror: str | None = None


class Logs:
    """The logs of one centre; `open` before anything else."""

    def __init__(self, folder: Path, register: Register, clock: Clock, database: Database, setup: LogSetup) -> None:
        """Take the parts; nothing is opened yet.

        Raises:
            PolicyError: the trust file cannot be used.
        """
        self.origin = setup.origin
        self.policy_text = setup.policy
        self.policy = parse_policy(setup.policy)
        self.tokens = setup.tokens
        self.directory = Directory(setup.origin, setup.roles, clock=clock, authority=setup.authority)
        self._folder = folder / FOLDER
        self._register = register
        self._clock = clock
        self._database = database
        self._setup = setup
        self._public: PublicLog | None = None
        self._commits = False
        self._tasks: list[asyncio.Task[Any]] = []
        self._absences: dict[int, Leaf] = {}
        """Leaves of absences by index: they never change, and each page asks for them."""
        self._beacons: dict[tuple[int, bytes], int] = {}
        """Since when what is made with a beacon is younger; each segment asks."""

    @property
    def public(self) -> PublicLog:
        """The logs, once they are open."""
        if self._public is None:
            raise RuntimeError("the logs are not open")
        return self._public

    # ---- life

    async def open(self) -> None:
        """Open the logs, know again who may sign, and bring the tables up to them.

        Raises:
            LedgerError: the logs may not be used as they are.
        """
        stations = [s.id for s in self._register.stations()]
        self._public = PublicLog.open(
            self._folder,
            origin=self.origin,
            election=self._register.election.id,
            key=self._setup.key,
            last=self._setup.last,
            policy=self.policy,
            keys=self.directory.keys,
            clock=self._clock,
            duty=self._duty,
            stations=stations,
        )
        self._public.on_alarm = self._alarmed
        if self._setup.mirror:
            self._public.mirror_to(Mirror.open(self._setup.mirror))
        await self._recall(stations)
        sealer = Sealer(self._database, self._public)
        self._public.on_sealed = sealer.heard
        await sealer.catch_up(stations)
        self._tasks = [asyncio.create_task(sealer.run())]

    async def start(self) -> None:
        """Begin to commit and to ask witnesses."""
        self._commits = True
        self._tasks.append(asyncio.create_task(self._run()))

    async def close(self) -> None:
        """End what runs; who waits is told to come again."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        if self._public is not None:
            await self._public.close()
            self._public = None
        self._setup.last.close()

    # ---- who

    def keys(self, station: str) -> Sequence[VerifierKey]:
        """The keys that may sign for a station now.

        Raises:
            NotEnrolledError: none may.
        """
        keys = self.directory.keys(station)
        if not keys:
            raise NotEnrolledError(station, station=station)
        return keys

    async def leaf(self, data: bytes) -> int:
        """Take an enrolment, delegation or revocation that carries its own authority; its index in the log.

        What the log has already is answered with its index, also when it would not be taken any more.

        Raises:
            EnrolmentError: it does not hold; subclasses say why.
            UnknownStationError: the register has no such station.
            LedgerError: it could not be written.
        """
        if (known := self._index_of(data)) is not None:
            return known
        leaf = self.directory.check(data)
        station_of(self._register, leaf["station"])
        index = await self.public.submit(data)
        if not self.directory.add(index, data):
            # Another leaf with the same key was faster by less than a commit: the log has both, the first counts.
            self.directory.check(data)
        return index

    def not_before_ms(self, record: Record) -> int | None:
        """The moment before which a record was not made, by the beacon in it; None where witnesses say nothing."""
        beacon = record.beacon_size, record.beacon_hash16
        if record.beacon_hash16 == NO_BEACON:
            return None
        if beacon not in self._beacons:
            note = self.public.beacon_note(*beacon)
            witnessed = self.policy.witnessed(note) if note else None
            if witnessed is None:
                return None
            while len(self._beacons) >= _BEACONS:
                del self._beacons[next(iter(self._beacons))]
            self._beacons[beacon] = witnessed.not_before_ms
        return self._beacons[beacon]

    # ---- what the centre itself says

    async def act(self, action: str, station: str, detail: Mapping[str, object]) -> int:
        """Write down what an operator is about to do; the index of the leaf. The log holds a hash of `detail`."""
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        values = {
            "election": self._register.election.id,
            "at_ms": utc_ms(self._clock),
            "role": ROLE,
            "action": action,
            "subject": station,
            "detail_hash": hashlib.sha256(text.encode()).digest(),
        }
        data = encode_leaf(Leaf(Kind.OPERATOR_ACTION, values))
        await self._database.write(lambda c: custody.add(c, station, data, text))
        index = await self._submitted(data)
        await self._database.write(lambda c: custody.place(c, data, index))
        return index

    async def _submitted(self, data: bytes) -> int:
        """Bring a leaf of our own; where nothing commits each second, commit it now."""
        waiting = asyncio.ensure_future(self.public.submit(data))
        if not self._commits:
            await asyncio.sleep(0)
            await self.public.commit()
        return await waiting

    async def actions(self, station: str, *, up_to: int) -> list[dict[str, object]]:
        """What was done with a station's footage, each with the leaf that says so and its proof."""
        found = await self._database.read(lambda c: custody.of_station(c, station, up_to))
        return [custody.told(one, (await self.public.leaf_proof(one.log_index))[1]) for one in found]

    async def challenge(self, values: Mapping[str, Any]) -> int:
        """Write down what a camera was to show and what it showed."""
        return await self.public.submit(encode_leaf(Leaf(Kind.CHALLENGE, values)))

    async def absences(self, station: str) -> list[Absence]:
        """When nobody heard a station, by the centre's own leaves."""
        indices = self.public.leaves_of(station, [Kind.ABSENCE])
        new = [index for index in indices if index not in self._absences]
        self._absences |= zip(new, map(decode_leaf, await self.public.leaves(new)), strict=True)
        return absences_of((index, self._absences[index]) for index in indices)

    # ---- inside

    def _index_of(self, data: bytes) -> int | None:
        """Where in the log a leaf of the directory stands."""
        try:
            station = decode_leaf(data).values.get("station", "")
        except RecordError:
            return None
        known = self.directory
        entries = [*known.enrolments(station), *known.delegations(station), *known.revocations(station)]
        wanted = leaf_hash(data)
        return next((entry.index for entry in entries if entry.hash == wanted), None)

    async def _recall(self, stations: Sequence[str]) -> None:
        """Read again the leaves that say who may sign, in the order of the log."""
        kinds = (Kind.ENROLMENT, Kind.DELEGATION, Kind.REVOCATION)
        indices = sorted(i for s in stations for i in self.public.leaves_of(s, kinds))
        for start in range(0, len(indices), _AT_ONCE):
            some = indices[start : start + _AT_ONCE]
            for index, leaf in zip(some, await self.public.leaves(some), strict=True):
                if not self.directory.add(index, leaf):
                    log.warning("leaf %d of the log contradicts one before it and does not count", index)

    async def _run(self) -> None:
        """Commit for ever. If this log may not sign, recording goes on and everyone can see that the log does not."""
        try:
            await self.public.run()
        except ForkError as error:
            log.critical("the log has stopped signing: %s", error)

    def _duty(self, station: str) -> tuple[int, int]:
        """From the first to the last moment for which a camera of the station owes footage, UTC ms."""
        try:
            cameras = station_of(self._register, station).cameras
        except UnknownStationError:
            return 0, 0
        windows = [self._register.duty(station, camera.zone) for camera in cameras]
        starts = [round(w.start.timestamp() * 1000) for w in windows]
        ends = [round(w.end.timestamp() * 1000) for w in windows]
        return min(starts, default=0), max(ends, default=0)

    def _alarmed(self, error: LedgerError) -> None:
        """Keep it where pages and programs see it; the ledger keeps the evidence."""
        now = utc_ms(self._clock)
        told = str(error).encode()
        station = error.where.rpartition("/s/")[2] if "/s/" in error.where else ""
        self._database.submit(lambda c: custody.add_alarm(c, station, error.code, told, now))
