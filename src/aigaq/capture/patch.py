"""Finds a blinking patch anywhere in a video without being told where, and reads it. It knows no beacon and no station.

A cell of the picture is believed when it does what only a patch does: it holds still for half seconds of the box's
clock, and is its own opposite 32 s later (`aigaq.capture.patch_code`). Exposure, moving people and compression do
neither. Apart from `aigaq.capture`, because a box that only records needs no numpy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from aigaq.base import N_
from aigaq.capture.errors import CaptureError
from aigaq.capture.patch_code import (
    BITS,
    FRAME_SLOTS,
    MAX_WRONG,
    MINUTE_MS,
    SLOT_MS,
    SYNC,
    Box,
    Judgement,
    PatchReading,
    bright_at,
    expected_bits,
    judge,
    slots_of,
    wrong_bits,
)

__all__ = [
    "BITS",
    "MAX_WRONG",
    "MINUTE_MS",
    "SLOT_MS",
    "Box",
    "Gray",
    "Judgement",
    "NotReadableError",
    "PatchReading",
    "bright_at",
    "expected_bits",
    "find_and_decode",
    "frames_of",
    "judge",
    "slots_of",
    "wrong_bits",
]


class NotReadableError(CaptureError):
    """A recording cannot be decoded."""

    code = "capture.not_readable"
    why = N_("The video cannot be decoded: {problem}.")
    hint = N_("Give clip.zip, or an initialisation segment and the segments after it, in order.")


Gray = npt.NDArray[np.uint8]
"""One picture, height x width, luma."""
Floats = npt.NDArray[np.float32]

BIN_MS: Final = 125
_PER_SLOT: Final = SLOT_MS // BIN_MS
_SLOTS: Final = MINUTE_MS // SLOT_MS
EARLY: Final = 2
LATE: Final = 10
"""Bins before and after the minute that are kept: pictures arrive up to 0.25 s early (a clock) and 1.25 s late."""
_BINS: Final = EARLY + _SLOTS * _PER_SLOT + LATE
COLUMNS: Final = 213
"""Cells across the picture: 3 px of 640."""
_CHUNK: Final = 4_096
ALIKE: Final = 0.55
"""Least anticorrelation with itself 32 s later for a closer look; noise of a whole picture stays below 0.7."""
LOOKS: Final = 48
MAX_ERRORS: Final = 14
"""Of 120 slots. A reading with more is no reading."""
MIN_LEVELS: Final = 1.5
"""Grey levels between dark or bright and the middle of both."""
STILL: Final = 6
"""A patch changes between slots so many times more than inside them; people and noise do about as much in both."""
MIN_PAIRS: Final = 40
"""Slots that must have been seen together with their opposites: with fewer, people walking can look like a patch."""
_SMOOTH: Final = 13
_LUMA_FIRST: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "nv12", "gray"})


def find_and_decode(frames: Iterable[tuple[int, Gray]]) -> list[PatchReading]:
    """Read every patch in a video, minute by minute.

    Args:
        frames: UTC milliseconds and picture, in order of time, at 6 to 60 a second.

    Returns:
        One reading for each minute and each different frame of bits, the clearest first within a minute. A minute is
        read if each of its 64 bits was seen at least once and 40 of them twice: if less than about 8 s of it lack.
    """
    reader = _Reader()
    found: list[PatchReading] = []
    for utc_ms, picture in frames:
        found += reader.add(utc_ms, picture)
    return found + reader.end()


def frames_of(source: Path | IO[bytes]) -> Iterator[tuple[int, Gray]]:
    """The pictures of a recording of ours (init and segments, one behind the other), timed by its own clock.

    Raises:
        NotReadableError: it cannot be decoded to the end; the pictures before were given.
    """
    where = str(source) if isinstance(source, Path) else ""
    try:
        with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
            for frame in container.decode(video=0):
                if frame.pts is not None and frame.time_base is not None:
                    yield round(frame.pts * frame.time_base * 1000), _luma(frame)
    except (FFmpegError, OSError, IndexError) as error:
        raise NotReadableError(where, problem=str(error)) from error


def _luma(frame: av.VideoFrame) -> Gray:
    plane = (frame if frame.format.name in _LUMA_FIRST else frame.reformat(format="gray")).planes[0]
    return np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


@dataclass(slots=True)
class _Cells:
    """How one size of picture is cut into square cells."""

    shape: tuple[int, int]
    side: int = field(init=False)
    rows: int = field(init=False)
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.shape
        self.side = max(3, round(width / COLUMNS))
        self.rows, self.columns = height // self.side, width // self.side

    def means(self, picture: Gray) -> Floats:
        side = self.side
        whole = picture[: self.rows * side, : self.columns * side]
        strips = whole.reshape(self.rows, side, self.columns * side).sum(1, dtype=np.uint32)
        sums = strips.reshape(self.rows, self.columns, side).sum(2, dtype=np.uint32)
        return (sums.ravel() / np.float32(side * side)).astype(np.float32)

    def box(self, chosen: npt.NDArray[np.intp]) -> Box:
        rows, columns = np.divmod(chosen, self.columns)
        top, left = int(rows.min()), int(columns.min())
        width, height = int(columns.max()) - left + 1, int(rows.max()) - top + 1
        return Box(left * self.side, top * self.side, width * self.side, height * self.side)


class _Reader:
    """Gathers pictures into bins of an eighth of a second, and reads a minute once it is complete."""

    def __init__(self) -> None:
        self._cells: _Cells | None = None
        self._bins: dict[int, tuple[Floats, int]] = {}
        self._minute = 0

    def add(self, utc_ms: int, picture: Gray) -> list[PatchReading]:
        height, width = picture.shape
        number = utc_ms // BIN_MS
        done: list[PatchReading] = []
        if self._cells is None or self._cells.shape != (height, width) or number < max(self._bins, default=0):
            done = self.end()
            self._cells = _Cells((height, width))
        if not self._bins:
            self._minute = (utc_ms + EARLY * BIN_MS) // MINUTE_MS
        while number >= _first_bin(self._minute) + _BINS:
            done += self._read()
            later = {n: held for n, held in self._bins.items() if n >= _first_bin(self._minute + 1)}
            self._bins = later
            self._minute = self._minute + 1 if later else (utc_ms + EARLY * BIN_MS) // MINUTE_MS
        means = self._cells.means(picture)
        total, count = self._bins.get(number, (None, 0))
        self._bins[number] = (means if total is None else total + means, count + 1)
        return done

    def end(self) -> list[PatchReading]:
        found: list[PatchReading] = []
        while self._cells is not None and self._bins:
            found += self._read()
            self._bins = {n: held for n, held in self._bins.items() if n >= _first_bin(self._minute + 1)}
            self._minute += 1
        self._cells = None
        return found

    def _read(self) -> list[PatchReading]:
        if self._cells is None:
            return []
        first = _first_bin(self._minute)
        held = [(n - first, total / count) for n, (total, count) in self._bins.items() if 0 <= n - first < _BINS]
        if len(held) < FRAME_SLOTS or not held[0][1].size:
            return []
        cube = np.full((_BINS, len(held[0][1])), np.nan, np.float32)
        for row, means in held:
            cube[row] = means
        return _search(self._minute, _without_exposure(cube), self._cells)


def _first_bin(minute: int) -> int:
    return minute * (MINUTE_MS // BIN_MS) - EARLY


def _without_exposure(cube: Floats) -> Floats:
    """Undo what makes the whole picture lighter or darker: each bin divided by its gain."""
    sample = cube[:, :: max(1, cube.shape[1] // 2_000)]
    usual = np.nanmean(sample, axis=0)
    lit = usual > 8
    if not lit.any():
        return cube
    seen = ~np.isnan(sample[:, 0])
    gain = np.ones(len(cube), np.float32)
    gain[seen] = np.median(sample[seen][:, lit] / usual[lit], axis=1)
    cube /= np.maximum(gain, np.float32(0.05))[:, None]
    return cube


def _search(minute: int, cube: Floats, cells: _Cells) -> list[PatchReading]:
    """Look closer at the cells that are most their own opposite, and keep what reads as a frame."""
    found: dict[bytes, tuple[float, PatchReading]] = {}
    taken = np.zeros(cube.shape[1], bool)
    for cell in _suspects(cube):
        if taken[cell]:
            continue
        seed = _best(cube[:, cell])
        if seed is None:
            continue
        chosen = _alike(cube, seed, cell, cells)
        taken[chosen] = True
        whole = _best(_combined(cube, seed, chosen)) or seed
        reading = PatchReading(minute, whole.frame, whole.errors, cells.box(chosen), (whole.delay - EARLY) * BIN_MS)
        if whole.frame not in found or whole.clear > found[whole.frame][0]:
            found[whole.frame] = (whole.clear, reading)
    return [reading for _, reading in sorted(found.values(), key=lambda pair: -pair[0])]


def _suspects(cube: Floats) -> list[int]:
    """Cells by how much they are their own opposite 32 s later, the most so first."""
    best = np.zeros(cube.shape[1], np.float32)
    for start in range(0, cube.shape[1], _CHUNK):
        chunk = cube[:, start : start + _CHUNK]
        for phase in range(_PER_SLOT):
            alike = _opposite(_high_pass(_slots(chunk, phase)))
            np.maximum(best[start : start + _CHUNK], alike, out=best[start : start + _CHUNK])
    order = np.argsort(-best)[:LOOKS]
    return [int(cell) for cell in order if best[cell] > ALIKE]


def _slots(bins: Floats, delay: int) -> Floats:
    """Means of the slots that begin `delay` bins after the first bin; a slot's first bin holds the change itself."""
    count = (len(bins) - delay) // _PER_SLOT
    grouped = bins[delay : delay + count * _PER_SLOT].reshape(count, _PER_SLOT, -1)[:, 1:]
    seen = ~np.isnan(grouped[:, :, 0])
    sums = np.where(seen[:, :, None], grouped, 0).sum(1, dtype=np.float32)
    counts = seen.sum(1).astype(np.float32)
    counts[counts == 0] = np.nan
    return sums / counts[:, None]


def _smooth(slots: Floats) -> Floats:
    """Moving mean over `_SMOOTH` slots, of those that were seen."""
    seen = ~np.isnan(slots)
    sums = np.cumsum(np.pad(np.where(seen, slots, 0), ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    counts = np.cumsum(np.pad(seen, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    ends = np.arange(len(slots))
    low, high = np.maximum(ends - _SMOOTH // 2, 0), np.minimum(ends + _SMOOTH // 2 + 1, len(slots))
    return ((sums[high] - sums[low]) / np.maximum(counts[high] - counts[low], 1)).astype(np.float32)


def _high_pass(slots: Floats) -> Floats:
    """What differs from the level around; what differs thrice as much as usual is somebody in the way, and not seen."""
    rest = np.abs(np.nan_to_num(slots - _smooth(slots)))
    clear = np.where(rest > 3 * np.median(rest, axis=0), np.float32(np.nan), slots)
    return clear - _smooth(clear)


def _opposite(slots: Floats) -> Floats:
    """Minus the correlation of each cell's slots with those a frame later."""
    now, later = slots[:-FRAME_SLOTS], slots[FRAME_SLOTS:]
    both = ~np.isnan(now) & ~np.isnan(later)
    now, later = np.where(both, now, np.float32(0)), np.where(both, later, np.float32(0))
    scale = np.sqrt((now**2).sum(0) * (later**2).sum(0))
    alike = -(now * later).sum(0) / np.maximum(scale, np.float32(1e-3))
    return np.where(both.sum(0) < MIN_PAIRS, np.float32(0), alike)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """One cell or patch, read at one delay."""

    delay: int
    frame: bytes
    wave: Floats
    """What was shown in each of the 120 slots, -1 or 1."""
    errors: int
    clear: float
    """Amplitude over what is left unexplained."""


def _best(bins: Floats) -> _Decoded | None:
    """Read a signal at every delay; the clearest reading that begins with the sync pattern."""
    tries = (_decode(bins, delay) for delay in range(EARLY + LATE + 1))
    return max((t for t in tries if t is not None), key=lambda t: t.clear, default=None)


def _decode(bins: Floats, delay: int) -> _Decoded | None:
    slots = _slots(bins[:, None], delay)[:_SLOTS]
    if not _enough(~np.isnan(slots[:, 0])):
        return None
    rest = _high_pass(slots)[:, 0]
    size = float(np.nanmedian(np.abs(rest)))
    wave = _wave(np.clip(rest, -size, size))
    for _ in range(4):
        strange = np.clip(rest - size * wave, -2 * size, 2 * size).astype(np.float32)
        rest -= _smooth(strange[:, None])[:, 0]
        size = float(np.nanmedian(rest * wave))
        wave = _wave(np.clip(rest, -size, size))
    unseen = np.isnan(rest)
    if (~unseen[:FRAME_SLOTS] & ~_again(unseen)).sum() < MIN_PAIRS:
        return None
    errors = int((rest * wave < 0).sum() + (unseen[:FRAME_SLOTS] & _again(unseen)).sum())
    if size < MIN_LEVELS or errors > MAX_ERRORS or tuple(wave[: len(SYNC)] > 0) != tuple(bit > 0 for bit in SYNC):
        return None
    inside = bins[delay : delay + _SLOTS * _PER_SLOT].reshape(_SLOTS, _PER_SLOT)[:, 1:] - slots
    restless = float(np.nanmedian(np.abs(inside)))
    if size < STILL * restless:
        return None
    unexplained = float(np.nanmedian(np.abs(rest - size * wave))) + restless
    bits = int("".join("1" if value > 0 else "0" for value in wave[:FRAME_SLOTS]), 2)
    return _Decoded(delay, bits.to_bytes(8), wave, errors, size / max(unexplained, 1e-3))


def _enough(seen: npt.NDArray[np.bool_]) -> bool:
    """Every slot of the frame was seen once, and enough of them twice."""
    once, again = seen[:FRAME_SLOTS], ~_again(~seen)
    return bool((once | again).all()) and (once & again).sum() >= MIN_PAIRS


def _again(unseen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """For each slot of the frame whether its repetition was not seen; the last eight have none."""
    return np.pad(unseen[FRAME_SLOTS:], (0, 2 * FRAME_SLOTS - _SLOTS), constant_values=True)


def _wave(rest: Floats) -> Floats:
    """The frame and its inverted repetition that come nearest to these slots."""
    votes = np.nan_to_num(rest[:FRAME_SLOTS]).copy()
    repeated = np.nan_to_num(rest[FRAME_SLOTS:])
    votes[: len(repeated)] -= repeated
    once = np.where(votes > 0, np.float32(1), np.float32(-1))
    return np.concatenate([once, -once[: len(repeated)]])


def _alike(cube: Floats, seed: _Decoded, cell: int, cells: _Cells) -> npt.NDArray[np.intp]:
    """The cells joined to this one that show the same."""
    slots = _high_pass(_slots(cube, seed.delay)[:_SLOTS])
    wave = _high_pass(seed.wave[:, None])[:, 0]
    known, slots = ~np.isnan(slots), np.nan_to_num(slots)
    scale = np.sqrt((slots**2).sum(0) * (known * wave[:, None] ** 2).sum(0))
    same = ((wave @ slots) / np.maximum(scale, np.float32(1e-3)) > 0.5).reshape(cells.rows, cells.columns)
    grown = np.zeros_like(same)
    grown.flat[cell] = True
    while True:
        wider = grown.copy()
        wider[1:] |= grown[:-1]
        wider[:-1] |= grown[1:]
        wider[:, 1:] |= wider[:, :-1].copy()
        wider[:, :-1] |= wider[:, 1:].copy()
        wider &= same | grown
        if (wider == grown).all():
            return np.flatnonzero(grown)
        grown = wider


def _combined(cube: Floats, seed: _Decoded, chosen: npt.NDArray[np.intp]) -> Floats:
    """One signal of a patch's cells, each by the share that the patch has in it."""
    slots = _high_pass(_slots(cube[:, chosen], seed.delay)[:_SLOTS])
    weights = np.nanmean(slots * seed.wave[:, None], axis=0)
    return (cube[:, chosen] @ weights / max(float(np.abs(weights).sum()), 1e-6)).astype(np.float32)
