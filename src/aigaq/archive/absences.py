"""Times in which nobody heard a station, as the centre signed them: pairs of opening and closing leaves. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aigaq_verify.records import Leaf


@dataclass(frozen=True, slots=True)
class Absence:
    """One stretch; `to_ms` is None while it lasts. `indices` are its leaves in the national log."""

    seq: int
    from_ms: int
    to_ms: int | None
    indices: tuple[int, ...]

    def touches(self, from_ms: int, to_ms: int) -> bool:
        """Whether it tells of a moment in `[from_ms, to_ms)`."""
        return self.from_ms < to_ms and (self.to_ms is None or self.to_ms > from_ms)


def absences_of(leaves: Iterable[tuple[int, Leaf]]) -> list[Absence]:
    """Absences from the leaves of one station with their indices, by number; the later leaf of a number closes it."""
    found: dict[int, list[tuple[int, Leaf]]] = {}
    for index, leaf in sorted(leaves, key=lambda pair: pair[0]):
        found.setdefault(leaf["seq"], []).append((index, leaf))
    return [_one(seq, told) for seq, told in sorted(found.items())]


def _one(seq: int, told: Sequence[tuple[int, Leaf]]) -> Absence:
    last = told[-1][1]
    return Absence(seq, last["from_ms"], last["to_ms"], tuple(index for index, _ in told))
