"""How much one token or one network may do: buckets that fill with time. Pure; bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

KEPT: Final = 100_000
"""Buckets in memory. The one that was used longest ago is forgotten: it has filled up again by then."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and so many a minute in the long run."""

    at_once: float
    a_minute: float


class Buckets:
    """One bucket for each name."""

    def __init__(self, limit: Limit, kept: int = KEPT) -> None:
        self._limit = limit
        self._kept = kept
        self._full: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now_s: float) -> bool:
        """Whether one more is allowed; it is counted where it is."""
        held, since = self._full.pop(name, (self._limit.at_once, now_s))
        held = min(self._limit.at_once, held + (now_s - since) * self._limit.a_minute / 60)
        allowed = held >= 1
        self._full[name] = (held - 1 if allowed else held, now_s)
        if len(self._full) > self._kept:
            self._full.popitem(last=False)
        return allowed
