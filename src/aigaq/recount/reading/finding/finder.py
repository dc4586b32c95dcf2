"""From pictures to presentations: what paper comes up before the camera, which style it is, from when to when.

Nothing is bridged and nothing is dropped in silence: a gap of the film ends what is held, and movement that belongs to
no presentation is told as activity.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.model import Gap
from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding.align import align
from aigaq.recount.reading.finding.scene import Patch, Scene
from aigaq.recount.reading.finding.search import Found, Searcher
from aigaq.recount.reading.finding.track import Track, glimpse, holds
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
_STILL: Final = 0.45
"""Paper of which more moves is on its way."""
_GONE: Final = 2
"""Pictures in a row without the sheet that end a presentation."""
_BEFORE: Final = 3
"""Pictures that are looked through backwards once a sheet is found."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One presentation. Seconds of the film."""

    from_s: float
    to_s: float
    style: str | None
    """None where the sheet fits no style, or only its back was shown."""
    upside_down: bool
    back_only: bool
    sightings: tuple[Sighting, ...]
    """Best first, at most 7."""


def presentations(pictures: Iterable[Picture | Gap], styles: Mapping[str, LoadedStyle]) -> Iterator[Shown | Gap]:
    """What is shown in a film, as soon as it has ended, and its gaps; never more than some seconds in memory."""
    finder = Finder(styles)
    for one in pictures:
        if isinstance(one, Gap):
            yield from finder.interrupt()
            yield one
        else:
            yield from finder.feed(one)
    yield from finder.interrupt()


class Finder:
    """Follows one film."""

    def __init__(self, styles: Mapping[str, LoadedStyle]) -> None:
        self._searcher = Searcher(styles)
        self._scene = Scene()
        self._track: Track | None = None
        self._before: deque[tuple[Picture, Bytes]] = deque(maxlen=_BEFORE)
        self._tried: list[tuple[Patch, float]] = []

    def feed(self, picture: Picture) -> Iterator[Shown | Gap]:
        """Take the next picture; give what has ended."""
        small = cv2.cvtColor(picture.small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        self._scene.look(picture.small)
        track = self._track
        if track is not None and track.follow(picture, small):
            self._scene.hold(self._shares(track.corners, small))
        elif track is not None and track.gone >= _GONE:
            yield _shown(track)
            self._track = None
        if self._track is None or self._track.gone:
            found = self._look_for(picture)
            if found is not None:
                yield from self._begin(found, picture, small)
        self._before.append((picture, small))

    def interrupt(self) -> Iterator[Shown | Gap]:
        """Footage ends here: so does what is held."""
        if self._track is not None:
            yield _shown(self._track)
        self._track = None
        self._before.clear()
        self._scene = Scene()

    def _shares(self, corners: Doubles, small: Bytes) -> Doubles:
        return (corners + 0.5) / (small.shape[1], small.shape[0])

    def _look_for(self, picture: Picture) -> Found | None:
        for patch in self._scene.papers([])[:2]:
            if patch.moving > _STILL or self._was_tried(patch, picture.at_s):
                continue
            tall, wide = picture.grey.shape
            left, top = max(0.0, patch.left - 0.02) * wide, max(0.0, patch.top - 0.03) * tall
            right, bottom = min(1.0, patch.right + 0.02) * wide, min(1.0, patch.bottom + 0.03) * tall
            found = self._searcher.search(picture.grey, (int(left), int(top), int(right), int(bottom)))
            self._tried.append((patch, picture.at_s))
            return found
        return None

    def _was_tried(self, patch: Patch, now: float) -> bool:
        """The same paper in the same place is searched again after 0.2 s, then after 0.4 s, 0.8 s and so on."""
        self._tried = [t for t in self._tried if now - t[1] < 10]
        same = [at for other, at in self._tried if _overlap(patch, other) > 0.7]
        return bool(same) and now - same[-1] < 0.2 * 2 ** (len(same) - 1)

    def _begin(self, found: Found, picture: Picture, small: Bytes) -> Iterator[Shown]:
        scale = small.shape[1] / picture.grey.shape[1]
        fit = align(small, found.known.template, (found.corners + 0.5) * scale - 0.5)
        if not holds(fit, found.known):
            return
        if self._track is not None:
            yield _shown(self._track)
        self._track = track = Track(found.known, glimpse(picture, fit, small), small)
        self._tried.clear()
        corners = fit.corners
        for earlier, grey in reversed(self._before):
            back = align(grey, found.known.template, corners, rounds=6)
            if not holds(back, found.known):
                break
            corners = back.corners
            track.keep(glimpse(earlier, back, grey))


def _shown(track: Track) -> Shown:
    top = track.corners[:2].mean(axis=0)
    bottom = track.corners[2:].mean(axis=0)
    return Shown(
        track.from_s, track.to_s, track.known.id, bool(top[1] > bottom[1]), back_only=False, sightings=track.sightings()
    )


def _overlap(a: Patch, b: Patch) -> float:
    wide = min(a.right, b.right) - max(a.left, b.left)
    tall = min(a.bottom, b.bottom) - max(a.top, b.top)
    if wide <= 0 or tall <= 0:
        return 0.0
    both = wide * tall
    return both / ((a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top) - both)
