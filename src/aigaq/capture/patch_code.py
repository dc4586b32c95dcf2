"""What a blinking patch shows and when, and how far a reading is from it. Pure; pixels are `aigaq.capture.patch`.

A screen in view of a camera repeats bits that nobody could know before the beacon was witnessed: whoever finds them in
the video knows that it was not recorded earlier. A minute of UTC has 120 slots of half a second. Slots 0-63 are the
frame: 1101, so that a late camera's delay can be told, then 60 bits; slots 64-119 are its first 56 slots inverted, so
that the patch is found by being its own opposite 32 s later, which neither people nor light are.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SLOT_MS: Final = 500
MINUTE_MS: Final = 60_000
SYNC: Final = (1, 1, 0, 1)
"""Barker's code of length 4: shifted by one or two slots it contradicts itself."""
BITS: Final = 60
FRAME_SLOTS: Final = len(SYNC) + BITS
MAX_WRONG: Final = 6
"""Of 60: by chance a reading comes this near with a probability below 10^-10."""


def expected_bits(note_hash: bytes, origin: str, minute: int) -> bytes:
    """The frame of one minute, 8 bytes: the sync pattern, then the first 60 bits of the hash.

    Args:
        note_hash: SHA-256 of the witnessed note that the station held (its beacon).
        origin: name of the station log.
        minute: UTC minutes since the Unix epoch.
    """
    message = b"aigaq/optical/v1\n" + note_hash + origin.encode() + str(minute).encode()
    bits = int.from_bytes(hashlib.sha256(message).digest()[:8]) >> len(SYNC)
    sync = int("".join(map(str, SYNC)), 2)
    return (sync << BITS | bits).to_bytes(8)


def slots_of(frame: bytes) -> tuple[int, ...]:
    """Dark (0) or bright (1) for each of the 120 slots of the minute."""
    number = int.from_bytes(frame)
    once = tuple(number >> (FRAME_SLOTS - 1 - n) & 1 for n in range(FRAME_SLOTS))
    rest = MINUTE_MS // SLOT_MS - FRAME_SLOTS
    return once + tuple(1 - bit for bit in once[:rest])


def bright_at(frame: bytes, utc_ms: int) -> bool:
    """Whether the patch is bright then, by the frame of that minute."""
    return bool(slots_of(frame)[utc_ms % MINUTE_MS // SLOT_MS])


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PatchReading:
    """What one blinking patch said in one minute."""

    minute: int
    """UTC minutes since the Unix epoch."""
    bits: bytes
    """The frame, 8 bytes, as `expected_bits` makes it."""
    errors: int
    """Slots, of at most 120 seen, that say otherwise than `bits`: how doubtful the reading is."""
    box: Box
    """Where it was seen."""
    delay_ms: int
    """How long after the box's clock the patch appeared in the video: camera, network, screen."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The reading of a minute that comes nearest to what was to be shown; None where no patch was seen."""

    reading: PatchReading | None
    wrong: int
    """Bits of 60 that differ; 60 without a reading."""

    @property
    def matched(self) -> bool:
        """The patch answered."""
        return self.reading is not None and self.wrong <= MAX_WRONG


def wrong_bits(response: bytes, challenge: bytes) -> int:
    """In how many bits two frames differ."""
    return (int.from_bytes(response) ^ int.from_bytes(challenge)).bit_count()


def judge(readings: Iterable[PatchReading], expected: bytes, minute: int) -> Judgement:
    """Compare what was seen in a minute with what was to be shown."""
    seen = [r for r in readings if r.minute == minute]
    best = min(seen, key=lambda r: (wrong_bits(r.bits, expected), r.errors), default=None)
    return Judgement(best, wrong_bits(best.bits, expected) if best else BITS)
