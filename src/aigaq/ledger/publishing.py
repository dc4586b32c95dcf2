"""Brings the log's checkpoint out of the house: to its witnesses, and with their cosignatures to a mirror.

Whatever fails here is an alarm, once; the log itself never waits for it (P5).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.center_log import CenterLog
from aigaq.ledger.errors import LedgerError, LogDamagedError, MirrorError, NotKeptError
from aigaq.ledger.feeder import Feeder
from aigaq.ledger.mirror import Mirror
from aigaq_verify import Policy


class Publishing:
    """The way out of one log. `writer` is the thread that writes, `readers` are those that read."""

    def __init__(
        self,
        core: CenterLog,
        policy: Policy,
        clock: Clock,
        alarm: Callable[[LedgerError], None],
        *,
        writer: Executor,
        readers: Executor,
    ) -> None:
        self.mirror: Mirror | None = None
        self._core = core
        self._clock = clock
        self._alarm = alarm
        self._writer = writer
        self._readers = readers
        self._feeder = Feeder(policy, self._consistency, clock)
        self._copied = 0
        self._failing = False

    @property
    def feeder(self) -> Feeder:
        """The witnesses and what they said."""
        return self._feeder

    async def feed(self) -> None:
        """Ask all witnesses for the newest checkpoint; publish it if a quorum cosigned."""
        head, newest = self._core.national.head, self._core.witnessed.newest
        if not self._feeder.states or (newest and newest[0] >= head.size):
            return
        try:
            note, conflicts = await self._feeder.cosign(head.note)
            for conflict in conflicts:
                self._alarm(conflict)
            if note is not None:
                add = self._writer.submit(self._core.witnessed.add, head.size, utc_ms(self._clock), note)
                await asyncio.wrap_future(add)
        except (OSError, sqlite3.Error) as error:
            self._alarm(NotKeptError(str(error), problem=N_("the disk refuses it")))
        except ValueError as error:
            self._alarm(LogDamagedError(str(error), problem=N_("a tile is missing or cut off")))

    async def copy(self) -> None:
        """Bring the newest witnessed checkpoint, and what it counts, to the mirror."""
        newest = self._core.witnessed.newest
        if self.mirror is None or newest is None or newest[0] == self._copied:
            return
        try:
            await self.mirror.copy(newest[0], newest[2], lambda tile: self._core.national.tiles.data(*tile))
        except MirrorError as error:
            if not self._failing:
                self._alarm(error)
            self._failing = True
        else:
            self._copied, self._failing = newest[0], False

    async def close(self) -> None:
        """Close the connections."""
        await self._feeder.close()

    async def _consistency(self, old: int, new: int) -> list[bytes]:
        work = self._core.national.consistency
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, old, new)
