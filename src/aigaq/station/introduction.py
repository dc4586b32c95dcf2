"""Has the centre know who signs: enrolment and delegation go before anything that only the new key has signed.

While a new key is on its way, requests are signed with the one before, which is good for twelve hours more.
"""

import asyncio
import random
from typing import Final, Never

from aigaq.base import N_, Clock
from aigaq.station.alarms import Alarms
from aigaq.station.center import Center, RefusalError
from aigaq.station.errors import CenterUnreachableError, NotEnrolledError
from aigaq.station.lanes import Backoff
from aigaq.station.signing import Session
from aigaq.station.upload import nap

LOOK_S: Final = 5.0


class Introduction:
    """Works until cancelled; `introduce` gives it a new session."""

    def __init__(self, center: Center, session: Session, clock: Clock, alarms: Alarms) -> None:
        self._center = center
        self._session = session
        self._clock = clock
        self._alarms = alarms
        self._news = asyncio.Event()

    def introduce(self, session: Session) -> None:
        """Have the centre know this session; requests are signed with it once it does."""
        self._session = session
        self._center.introduced.clear()
        self._news.set()

    async def run(self) -> Never:
        """Bring each new session to the centre, and again what the centre seems to have forgotten."""
        backoff = Backoff(random.random)
        while True:
            self._news.clear()
            try:
                if not self._center.introduced.is_set():
                    await self._bring(self._session)
            except RefusalError as refusal:
                self._alarms.ring(NotEnrolledError(problem=str(refusal)))
                backoff.failed(self._now())
            except CenterUnreachableError as error:
                self._alarms.ring(CenterUnreachableError(problem=error.facts["problem"]))
                backoff.failed(self._now())
            else:
                backoff.succeeded()
            await nap(self._news, max(backoff.until - self._now(), 0) or LOOK_S)

    async def _bring(self, session: Session) -> None:
        if session.enrolment is None or session.delegation is None:
            problem = session.problem.facts["problem"] if session.problem else N_("it has no enrolment yet")
            self._alarms.ring(NotEnrolledError(problem=problem))
            return
        for leaf in (session.enrolment, session.delegation):
            await self._center.post_leaf(leaf)
        self._center.key = session.key
        self._alarms.clear(CenterUnreachableError)
        self._alarms.clear(NotEnrolledError)
        self._center.admitted.set()
        if session is self._session:
            self._center.introduced.set()

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9
