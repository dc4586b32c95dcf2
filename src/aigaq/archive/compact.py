"""Puts the segments of a closed minute into one object, bytes unchanged (I5). Safe to kill at any point, and to repeat.

Order: write and sync the minute object, read it back and check every hash, then in one transaction point the rows at it
and name the single objects as doomed, then remove these. A crash before the transaction leaves an object that the next
pass writes again under the same name; a crash after it leaves doomed names that the next pass removes.
"""

import asyncio
import hashlib
import logging
from typing import Final

from aigaq.archive import rows
from aigaq.archive.blobs import Blobs
from aigaq.archive.errors import StoreFailedError
from aigaq.archive.footage import Footage
from aigaq.archive.model import Row
from aigaq.archive.names import minute_name, segment_name
from aigaq.archive.store import Database
from aigaq.base import Clock, utc_ms

SETTLED_MS: Final = 15_000
"""A minute is left alone until this long after its end: its last segment ends later, and uploads overtake others."""
OLD_MS: Final = 600_000
"""A minute that ended this long ago is compacted even if rows are missing; late ones get an object of their own."""
BATCH: Final = 2000
MAX_BUNDLE: Final = 512 << 20
log = logging.getLogger(__name__)


class Compactor:
    """The background work of the archive."""

    def __init__(self, election: str, database: Database, blobs: Blobs, footage: Footage, clock: Clock) -> None:
        self._election = election
        self._database = database
        self._blobs = blobs
        self._footage = footage
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> int:
        """One pass over all closed minutes; returns how many minute objects were made."""
        async with self._one_at_a_time:
            await self._remove_doomed()
            made = 0
            now = utc_ms(self._clock)
            for one in await self._database.read(lambda c: rows.alone(c, now - SETTLED_MS, BATCH)):
                made += await self._minute(one, now)
            return made

    async def _minute(self, one: rows.Alone, now_ms: int) -> bool:
        old = one.minute_ms + 60_000 + OLD_MS < now_ms
        if not old and not await self._database.read(lambda c: rows.is_complete(c, one)):
            return False
        members = await self._database.read(lambda c: rows.minute_rows(c, one))
        if sum(row.size for row in members) > MAX_BUNDLE:
            return False
        try:
            name, places = await asyncio.to_thread(self.bundle, members)
        except StoreFailedError as error:
            log.warning("a minute cannot be compacted: %s", error)
            return False
        singles = [segment_name(self._election, row) for row in members]
        await self._database.write(lambda c: rows.move(c, places, name, singles))
        await self._remove_doomed()
        return True

    def bundle(self, members: list[Row]) -> tuple[str, list[tuple[Row, int]]]:
        """Write the minute object, check it, and say where each segment lies in it.

        Raises:
            StoreFailedError: a segment is missing or damaged, or the new object does not read back right.
        """
        places: list[tuple[Row, int]] = []
        data = bytearray()
        for row in members:
            places.append((row, len(data)))
            data += self._footage.segment(row)
        name = minute_name(self._election, members[0], hashlib.sha256(data).digest())
        self._blobs.put_once(name, bytes(data))
        for row, at in places:
            if hashlib.sha256(self._blobs.get(name, at, row.size)).digest() != row.sha256:
                raise StoreFailedError(name, problem="the minute object does not read back as written")
        return name, places

    async def _remove_doomed(self) -> None:
        names = await self._database.read(rows.doomed_names)
        if names:
            await asyncio.to_thread(self._blobs.remove, names)
            await self._database.write(lambda c: rows.forget_doomed(c, names))
