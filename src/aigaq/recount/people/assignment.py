"""Which ballots people read, and who reads which: decided by hashes of a public seed, so that nobody chooses. Pure."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.model import Outcome, Reading
from aigaq.recount.people.model import NEEDS_WHOLE, Because, Item, Level, Policy, machine_answer

_TOP: Final = float(1 << 64)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)


def digest(*words: str) -> str:
    """SHA-256 of the words, each ended by a zero byte, so that no two lists of words give the same bytes."""
    return hashlib.sha256(b"".join(word.encode() + b"\0" for word in words)).hexdigest()


def number(*words: str) -> int:
    """The first 64 bits of `digest`."""
    return int(digest(*words)[:16], 16)


def item_id(seed: str, count: str, n: int) -> str:
    """The name of a ballot among all that people read."""
    return digest("item", seed, count, str(n))[:16]


def drawn(share: float, *words: str) -> bool:
    """Whether the public draw takes what these words name; it takes this share of all."""
    return number(*words) < share * _TOP


def items(seed: str, count: str, readings: Iterable[Reading], policy: Policy) -> Iterator[Item]:
    """The ballots of a count that people read: all that the machine is not sure of, and the audit sample."""
    for reading in readings:
        name = item_id(seed, count, reading.n)
        because = _because(reading, drawn(policy.audit_share, "audit", seed, name))
        if because:
            sure = reading.outcome is Outcome.AUTOMATIC and reading.same_as is None
            level = Level.BOXES if _boxes_tell(reading) else Level.WHOLE
            yield Item(name, count, reading.n, reading.style, because, level, machine_answer(reading), sure)


def _because(reading: Reading, audited: bool) -> Because | None:  # noqa: FBT001 - a fact, not a switch
    if reading.same_as is not None:
        return Because.REPEAT
    if reading.outcome is not Outcome.AUTOMATIC:
        return Because.MACHINE
    return Because.AUDIT if audited else None


def _boxes_tell(reading: Reading) -> bool:
    """Whether the boxes alone can tell whom the ballot counts for."""
    return bool(reading.style and reading.boxes) and reading.endorsed is not False and not NEEDS_WHOLE & {*reading.why}


def order(seed: str, viewer: str, positions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """For one viewer the rank of each ballot, lowest first.

    Rendezvous hashing: SHA-256 places the viewer and each ballot (`number("ballot", seed, item)`), and the finaliser
    of SplitMix64 mixes the two places, so that half a million ballots are ranked in milliseconds. Anyone can repeat it.

    Args:
        seed: The public seed.
        viewer: The viewer's public name.
        positions: Of the ballots, `(n,)`.
    """
    mixed = positions ^ np.uint64(number("viewer", seed, viewer))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


def position(seed: str, item: str) -> int:
    """Where a ballot stands in `order`."""
    return number("ballot", seed, item)


def is_gold_turn(seed: str, viewer: str, turn: int, policy: Policy) -> bool:
    """Whether a viewer's question with this number, from 0, is to be one whose answer is known."""
    share = policy.trial_gold_share if turn < policy.trial else policy.gold_share
    return drawn(share, "gold", seed, viewer, str(turn))
