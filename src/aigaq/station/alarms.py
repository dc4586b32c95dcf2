"""What is wrong now, until it is not: one entry for each code and place, with since when."""

from collections.abc import Iterator
from dataclasses import dataclass

from aigaq.base import AigaqError, Clock, Explanation, utc_ms


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong."""

    since_ms: int
    explanation: Explanation


class Alarms:
    """The board; raised and cleared from the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._raised: dict[tuple[str, str], Alarm] = {}

    def __iter__(self) -> Iterator[Alarm]:
        return iter(sorted(self._raised.values(), key=lambda alarm: alarm.since_ms))

    def ring(self, error: AigaqError) -> None:
        """Something is wrong; the first time counts, the newest words are kept."""
        told = error.explain()
        key = (told.code, told.where)
        since = self._raised[key].since_ms if key in self._raised else utc_ms(self._clock)
        self._raised[key] = Alarm(since, told)

    def clear(self, kind: type[AigaqError], where: str | None = None) -> None:
        """It is right again, at one place or everywhere."""
        for key in [k for k in self._raised if k[0] == kind.code and where in {None, k[1]}]:
            del self._raised[key]

    def set(self, error: AigaqError, *, when: bool) -> None:
        """Ring or clear."""
        if when:
            self.ring(error)
        else:
            self.clear(type(error), error.where)
