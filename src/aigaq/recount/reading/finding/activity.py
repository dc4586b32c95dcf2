"""Accounts for every second in which something moves: it belongs to a presentation, or it is a gap."""

from collections import deque
from statistics import median
from typing import Final

from aigaq.recount.model import Gap, GapKind

_MOVES: Final = 0.004
"""Share of the picture."""
_JOIN: Final = 0.6
"""Seconds of calm that part two movements."""
_LEAST: Final = 0.5
"""Seconds of movement that are told."""
_USUAL: Final = 2.0
"""Seconds from one presentation's end to the next one's beginning, until the film has shown its own."""
_TURN: Final = 0.4
_WAIT: Final = 20.0
"""Seconds after which movement is told, even if no presentation has followed."""


class Activity:
    """Movement that no presentation accounts for yet."""

    def __init__(self) -> None:
        self._moves: deque[tuple[float, float]] = deque()
        """From and to, in order, apart by more than `_JOIN`."""
        self._pauses: deque[float] = deque(maxlen=15)
        self._after = 0.0
        """Where the newest presentation ended."""

    @property
    def pause(self) -> float:
        """What usually lies between two presentations here, seconds."""
        return median(self._pauses) if len(self._pauses) >= 3 else _USUAL

    @property
    def turn(self) -> float:
        """Seconds within which a sheet may be turned over, always less than lies between two sheets."""
        return min(0.7, 0.55 * self.pause) if len(self._pauses) >= 3 else _TURN

    def move(self, from_s: float, to_s: float, share: float) -> None:
        """So much of the picture moved between two pictures."""
        if share <= _MOVES:
            return
        if self._moves and from_s - self._moves[-1][1] <= _JOIN:
            self._moves[-1] = (self._moves[-1][0], to_s)
        else:
            self._moves.append((from_s, to_s))

    def shown(self, from_s: float, to_s: float) -> list[Gap]:
        """A presentation: the movement just before and after it was raising and lowering it."""
        if from_s - self._after > 0 and self._after > 0:
            self._pauses.append(from_s - self._after)
        gaps = self._told(from_s - self._hand)
        while self._moves and self._moves[0][1] <= to_s + self._hand:
            self._moves.popleft()
        if self._moves and self._moves[0][0] < to_s + self._hand:
            self._moves[0] = (to_s + self._hand, self._moves[0][1])
        self._after = to_s
        return gaps

    def late(self, now: float) -> list[Gap]:
        """What has waited too long for a presentation."""
        return self._told(now - 2.0) if self._moves and now - self._moves[0][0] > _WAIT else []

    def end(self, at_s: float) -> list[Gap]:
        """What is left where footage ends."""
        return self._told(at_s)

    @property
    def _hand(self) -> float:
        """Seconds that it takes to raise or to lower a sheet: never so long that a ballot in between is passed over."""
        return min(1.2, 0.7 * self.pause)

    def _told(self, until: float) -> list[Gap]:
        gaps = list[Gap]()
        while self._moves and self._moves[0][0] < until:
            start, end = self._moves.popleft()
            if end > until:
                self._moves.appendleft((until, end))
            if min(end, until) - start >= _LEAST:
                gaps.append(Gap(start, min(end, until), GapKind.ACTIVITY))
        return gaps
