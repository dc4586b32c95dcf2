"""Asks the cameras that have a blinking patch in view whether they show this very minute, and writes the answer down.

What a minute's patch must show follows from the beacon that the station held, so nobody could film it earlier. The
answer is read from sealed footage and becomes a leaf of the national log; it is a finding of no one, only a reading.
"""

import asyncio
import hashlib
import io
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from aigaq.archive import custody, rows
from aigaq.archive.errors import ArchiveError, PatchSilentError, PatchWrongError
from aigaq.archive.footage import Footage
from aigaq.archive.known import camera_of
from aigaq.archive.logs import Logs
from aigaq.archive.model import Kind, Row, StreamKey
from aigaq.archive.store import Database
from aigaq.base import Clock, utc_ms
from aigaq.capture import patch
from aigaq.election import Register
from aigaq.ledger import LedgerError
from aigaq_verify import Kind as LeafKind
from aigaq_verify import decode_leaf, decode_record

WAIT_MS: Final = 30_000
"""After the end of a minute: its last segment must be closed, sent and sealed."""
LEAST_MS: Final = 40_000
"""Of a minute that must be recorded; with less a patch that is there may go unread."""
EVERY_S: Final = 5.0
Beacon = tuple[int, bytes]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a patch said in one minute."""

    from_ms: int
    beacon: Beacon
    challenge: bytes
    response: bytes | None
    wrong_bits: int

    @property
    def matched(self) -> bool:
        """It showed what it had to show."""
        return self.response is not None and self.wrong_bits <= patch.MAX_WRONG


class Optical:
    """The cameras of one centre that are asked."""

    def __init__(
        self, keys: Sequence[StreamKey], database: Database, footage: Footage, logs: Logs, clock: Clock
    ) -> None:
        self._keys = keys
        self._database = database
        self._footage = footage
        self._logs = logs
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive-patch")
        self.answers: dict[tuple[str, str], Answer] = {}
        """The last answer of each camera, by station and camera."""

    def close(self) -> None:
        """Stop reading."""
        self._thread.shutdown(cancel_futures=True)

    async def run(self) -> None:
        """Ask each camera once for each minute, as soon as the minute is sealed."""
        if not self._keys:
            return
        await self.recall()
        asked = (utc_ms(self._clock) - WAIT_MS) // patch.MINUTE_MS
        while True:
            await self._clock.sleep(EVERY_S)
            minute = (utc_ms(self._clock) - WAIT_MS) // patch.MINUTE_MS - 1
            if minute < asked:
                continue
            asked = minute + 1
            for key in self._keys:
                await self._ask_safely(key, minute)

    async def ask(self, key: StreamKey, minute: int) -> Answer | None:
        """What a camera's patch said in that minute (UTC minutes since 1970); None where nothing can be asked."""
        start = minute * patch.MINUTE_MS
        found = await self._database.read(lambda c: rows.segments(c, key, start - 2000, start + patch.MINUTE_MS + 2000))
        sealed = [row for row in found if row.kind is Kind.SEGMENT and row.log_index is not None and row.init]
        inside = sum(_overlap(row, start) for row in sealed)
        hashes = dict(self._notes(sealed))
        if inside < LEAST_MS or not hashes:
            return None
        loop = asyncio.get_running_loop()
        readings = await loop.run_in_executor(self._thread, self._read, sealed)
        origin = self._logs.directory.origin(key.station)
        tried = [(beacon, patch.expected_bits(digest, origin, minute)) for beacon, digest in hashes.items()]
        judged = [(patch.judge(readings, bits, minute), beacon, bits) for beacon, bits in tried]
        best, beacon, bits = min(judged, key=lambda one: one[0].wrong)
        response = best.reading.bits if best.reading else None
        return Answer(start, beacon, bits, response, best.wrong)

    async def tell(self, key: StreamKey, answer: Answer) -> None:
        """Write the answer into the log; ring where a patch that answered does so no more."""
        values = {
            "election": self._footage.election, "station": key.station, "camera": key.camera,
            "from_ms": answer.from_ms, "beacon_size": answer.beacon[0], "beacon_hash16": answer.beacon[1],
            "challenge": answer.challenge, "response": answer.response, "wrong_bits": answer.wrong_bits,
        }  # fmt: skip
        await self._logs.challenge(values)
        before = self.answers.get((key.station, key.camera))
        self.answers[key.station, key.camera] = answer
        if before and before.matched and not answer.matched:
            await self._ring(key, answer)

    async def _ring(self, key: StreamKey, answer: Answer) -> None:
        where = f"{key.station}/{key.camera}"
        error = (
            PatchSilentError(where, camera=key.camera)
            if answer.response is None
            else PatchWrongError(where, camera=key.camera, wrong=answer.wrong_bits)
        )
        log.warning("%s", error)
        told, now = str(error).encode(), utc_ms(self._clock)
        await self._database.write(lambda c: custody.add_alarm(c, key.station, error.code, told, now))

    async def _ask_safely(self, key: StreamKey, minute: int) -> None:
        """One camera that cannot be read must not keep the others from being asked."""
        try:
            answer = await self.ask(key, minute)
            if answer is not None:
                await self.tell(key, answer)
        except (ArchiveError, LedgerError, patch.NotReadableError) as error:
            log.warning("camera %s/%s could not be asked: %s", key.station, key.camera, error)

    async def recall(self) -> None:
        """Know the last answers again after a start."""
        wanted = {(key.station, key.camera) for key in self._keys}
        for station in sorted({key.station for key in self._keys}):
            indices = self._logs.public.leaves_of(station, [LeafKind.CHALLENGE])
            for leaf in map(decode_leaf, await self._logs.public.leaves(indices)):
                if (station, leaf["camera"]) in wanted:
                    beacon = (leaf["beacon_size"], leaf["beacon_hash16"])
                    told = Answer(leaf["from_ms"], beacon, leaf["challenge"], leaf["response"], leaf["wrong_bits"])
                    self.answers[station, leaf["camera"]] = told

    def _notes(self, sealed: Iterable[Row]) -> Iterable[tuple[Beacon, bytes]]:
        """The beacons that the station held around that minute, with the hash that its patch starts from."""
        records = [decode_record(row.record) for row in sealed]
        for beacon in dict.fromkeys((r.beacon_size, r.beacon_hash16) for r in records):
            note = self._logs.public.beacon_note(*beacon)
            if note is not None:
                yield beacon, hashlib.sha256(note).digest()

    def _read(self, sealed: Sequence[Row]) -> list[patch.PatchReading]:
        """In a thread: decode the segments one run after another, as their initialisation segments allow."""
        readings: list[patch.PatchReading] = []
        for init in dict.fromkeys(row.init for row in sealed if row.init):
            parts = [self._footage.segment(row) for row in sealed if row.init == init]
            readings += patch.find_and_decode(patch.frames_of(io.BytesIO(self._footage.init(init) + b"".join(parts))))
        return readings


def patch_streams(register: Register, cameras: Sequence[str]) -> list[StreamKey]:
    """The streams that are looked at, of cameras named `station/camera`.

    Raises:
        UnknownStationError, UnknownCameraError: the register has none of that name.
    """
    named = [name.partition("/") for name in cameras]
    return [StreamKey(station, camera_of(register, station, camera).id, "sub") for station, _, camera in named]


def _overlap(row: Row, start: int) -> int:
    return max(0, min(row.end_ms or 0, start + patch.MINUTE_MS) - max(row.start_ms, start))
