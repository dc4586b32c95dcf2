"""Marks rows as sealed, behind the commits of the logs and never ahead: no checkpoint waits for the tables."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from aigaq.archive import rows
from aigaq.archive.errors import ArchiveError
from aigaq.archive.rows import Sealed
from aigaq.archive.store import Database
from aigaq.ledger import PublicLog

SEAL_AT_ONCE: Final = 4096
"""Leaves in one transaction: a station that was away for hours must not hold up the others."""
AGAIN_S: Final = 5
log = logging.getLogger(__name__)


class Sealer:
    """Brings the tables up to the stations' logs."""

    def __init__(self, database: Database, public: PublicLog) -> None:
        self._database = database
        self._public = public
        self._grown: dict[str, None] = {}
        self._news = asyncio.Event()

    def heard(self, station: str, _old: int, _new: int) -> None:
        """A station's log has grown."""
        self._grown[station] = None
        self._news.set()

    async def run(self) -> None:
        """Mark what is sealed, whenever something is."""
        while True:
            await self._news.wait()
            self._news.clear()
            grown, self._grown = self._grown, {}
            try:
                await self.catch_up(grown)
            except ArchiveError as error:
                log.warning("sealed rows will be marked again: %s", error)
                self._grown = grown | self._grown
                await asyncio.sleep(AGAIN_S)
                self._news.set()

    async def catch_up(self, stations: Iterable[str]) -> None:
        """Mark everything that the logs of these stations hold."""
        held = await self._database.read(lambda c: rows.sealed_sizes(c, list(stations)))
        batch: list[Sealed] = []
        room = SEAL_AT_ONCE
        for station, size in held.items():
            for start in range(size, self._public.station_size(station), SEAL_AT_ONCE):
                end = min(start + SEAL_AT_ONCE, self._public.station_size(station))
                batch.append(Sealed(station, start, await self._public.leaf_hashes(station, start, end)))
                room -= end - start
                if room <= 0:
                    await self._seal(batch)
                    batch, room = [], SEAL_AT_ONCE
        await self._seal(batch)

    async def _seal(self, batch: list[Sealed]) -> None:
        if batch:
            await self._database.write(lambda c: rows.seal(c, batch))
