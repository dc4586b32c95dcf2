"""What the box follows while it records: the beacon at the centre, and the calendar of its keys.

Neither can stop the recording.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, Never

import structlog

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger import KeyFileError
from aigaq.station.alarms import Alarms
from aigaq.station.beacon import OLD_MS, Beacons, ForkSeenError, keep_fork, kept_forks
from aigaq.station.center import Center, RefusalError
from aigaq.station.errors import (
    BeaconForkError,
    CenterUnreachableError,
    EnrolmentEndsError,
    NoBeaconError,
)
from aigaq.station.signing import ENDS_SOON_MS, Session, StationKeys
from aigaq.station.writer import Writer

BEACON_S: Final = 10.0
"""Between questions for the beacon; jittered, so that ten thousand boxes do not ask at once."""
KEYS_S: Final = 5.0

log = structlog.get_logger(__name__)


class BeaconFollower:
    """Asks the centre for the newest witnessed checkpoint, and has records name it once it is checked and kept."""

    def __init__(
        self, center: Center, beacons: Beacons, writer: Writer, clock: Clock, alarms: Alarms, data: Path,
        *, jitter: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._center = center
        self._beacons = beacons
        self._writer = writer
        self._clock = clock
        self._alarms = alarms
        self._data = data
        self._jitter = jitter

    async def run(self) -> Never:
        """Follow until cancelled."""
        for proof in kept_forks(self._data):
            self._alarms.ring(BeaconForkError(str(proof), file=proof.name))
        while True:
            problem = await self.ask()
            held = self._beacons.held
            old = held is None or utc_ms(self._clock) - held.witnessed_ms > OLD_MS
            self._alarms.set(NoBeaconError(problem=problem), when=old)
            await self._clock.sleep(BEACON_S * (0.8 + 0.4 * self._jitter()))

    async def ask(self) -> str:
        """Ask once; why there is nothing newer, in words."""
        try:
            note = await self._center.witnessed()
            if note is None:
                return N_("the centre has published none yet")
            taken = await asyncio.to_thread(self._beacons.offer, note)
        except (CenterUnreachableError, RefusalError) as error:
            return str(error.facts["problem"]) if isinstance(error, CenterUnreachableError) else str(error)
        except NoBeaconError as error:
            return str(error.facts["problem"])
        except ForkSeenError as fork:
            await self._keep(fork)
            return N_("the log has forked")
        if taken is not None:
            self._writer.post_beacon(taken)
        return N_("the centre has published no newer one")

    async def _keep(self, fork: ForkSeenError) -> None:
        try:
            proof = await asyncio.to_thread(keep_fork, self._data, self._beacons.policy, fork.held, fork.other)
        except OSError as error:
            log.warning("a fork of the national log could not be kept", why=str(error))
            return
        self._alarms.ring(BeaconForkError(str(proof), file=proof.name))


class KeyKeeper:
    """Takes the session key of each new day into use, and an enrolment file when it comes."""

    def __init__(
        self, keys: StationKeys, session: Session, writer: Writer, clock: Clock, alarms: Alarms,
        changed: Callable[[Session], None],
    ) -> None:  # fmt: skip
        self.session = session
        self._keys = keys
        self._writer = writer
        self._clock = clock
        self._alarms = alarms
        self._changed = changed

    async def run(self) -> Never:
        """Keep until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(KEYS_S)

    async def look(self) -> None:
        """See whether the key, the enrolment or both have changed."""
        try:
            session = await asyncio.to_thread(self._keys.session, utc_ms(self._clock))
        except KeyFileError as error:
            self._alarms.ring(error)
            return
        self._alarms.clear(KeyFileError)
        before, self.session = self.session, session
        if session.key.public != before.key.public:
            log.info("new session key", until_ms=session.key_until_ms)
            self._writer.post_key(session.key)
        if (session.key.public, session.delegation) != (before.key.public, before.delegation):
            self._changed(session)
        self._watch_end(session)

    def _watch_end(self, session: Session) -> None:
        left_ms = (session.enrolled_until_ms or 0) - utc_ms(self._clock)
        ending = session.enrolled_until_ms is not None and left_ms < ENDS_SOON_MS
        self._alarms.set(EnrolmentEndsError(hours=max(0, left_ms // 3_600_000)), when=ending)
