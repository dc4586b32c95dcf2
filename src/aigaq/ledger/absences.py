"""Which stations are silent: decides when the centre owes a leaf that it heard nothing, and when it is over. Pure.

Silence is measured on a clock that never steps. An absence is opened when nothing was heard for 30 s while duty lasts,
closed when the station is heard again or its duty ends. Nothing is believed to be written before it is in the log.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

SILENCE_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Absence:
    """The centre heard nothing of a station; `to_ms` is None while it lasts. UTC ms."""

    station: str
    seq: int
    from_ms: int
    to_ms: int | None
    held_size: int
    held_root: bytes


class Absences:
    """The state of every station on the list."""

    def __init__(
        self,
        stations: Iterable[str],
        duty: Callable[[str], tuple[int, int]],
        held: Callable[[str], tuple[int, bytes]],
        monotonic_ms: int,
    ) -> None:
        """`duty` gives from and to (UTC ms) and is asked once for each station, `held` size and root of its log."""
        self._duty = cache(duty)
        self._held = held
        self._heard = dict.fromkeys(stations, monotonic_ms)
        self._last: dict[str, Absence] = {}

    def written(self, absence: Absence) -> None:
        """This leaf stands in the log."""
        self._last[absence.station] = absence

    def resume(self, absence: Absence, monotonic_ms: int) -> None:
        """The last leaf of a station, read again after a restart: while it is open the station is silent still."""
        self.written(absence)
        if absence.to_ms is None and absence.station in self._heard:
            self._heard[absence.station] = monotonic_ms - SILENCE_MS

    def heard(self, station: str, monotonic_ms: int) -> None:
        """Something new came from it."""
        if station in self._heard:
            self._heard[station] = monotonic_ms

    def last_heard(self, station: str) -> int | None:
        """When on the monotonic clock; None for a station that is not on the list."""
        return self._heard.get(station)

    @property
    def open(self) -> Mapping[str, Absence]:
        """The absences that last."""
        return {station: last for station, last in self._last.items() if last.to_ms is None}

    def due(self, utc_ms: int, monotonic_ms: int) -> Iterator[Absence]:
        """The leaves that are owed now."""
        for station, heard in self._heard.items():
            last, silent = self._last.get(station), monotonic_ms - heard
            if last is None or last.to_ms is not None:
                if silent >= SILENCE_MS and (opened := self._opened(station, last, utc_ms - silent, utc_ms)):
                    yield opened
            elif (end := self._end(station, silent, utc_ms)) is not None:
                yield replace(last, to_ms=max(last.from_ms, end))

    def _opened(self, station: str, last: Absence | None, since: int, utc_ms: int) -> Absence | None:
        begin, end = self._duty(station)
        since = max(since, begin, last.to_ms or 0 if last else 0)
        if utc_ms >= end or utc_ms - since < SILENCE_MS:
            return None
        return Absence(station, last.seq + 1 if last else 0, since, None, *self._held(station))

    def _end(self, station: str, silent: int, utc_ms: int) -> int | None:
        if silent < SILENCE_MS:
            return utc_ms - silent
        end = self._duty(station)[1]
        return end if utc_ms >= end else None
