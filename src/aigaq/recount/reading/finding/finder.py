"""From pictures to presentations: what paper comes up before the camera, which style it is, from when to when.

Nothing is bridged and nothing is dropped in silence: a gap of the film ends what is held, paper that fits no style is
told as such, and movement that belongs to no presentation is told as activity.
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
from aigaq.recount.reading.finding.activity import Activity
from aigaq.recount.reading.finding.align import Fit, align
from aigaq.recount.reading.finding.glimpse import best
from aigaq.recount.reading.finding.scene import Patch, Scene, covered, overlap
from aigaq.recount.reading.finding.search import PIXELS, Found, Known, Searcher, faces
from aigaq.recount.reading.finding.stranger import Stranger
from aigaq.recount.reading.finding.track import SURE, Track, holds
from aigaq.recount.reading.finding.which import which
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
_STILL: Final = 0.45
"""Paper of which more moves is on its way."""
_GONE: Final = 2
"""Pictures in a row without the sheet that end a presentation, where the room is seen again behind it."""
_HIDDEN: Final = 6
"""Pictures in a row for which something may hide a sheet."""
_COVERED: Final = 0.7
"""Share of a sheet's place that must differ from the room where it is only hidden."""
_BEFORE: Final = 3
"""Pictures that are looked through backwards once a sheet is found."""
_FRESH: Final = 2
_EVERYWHERE: Final = 400_000
"""Pixels of a whole picture that is searched."""
_ELSEWHERE: Final = 0.2
"""Overlap with the sheet that is followed below which paper is another sheet."""
_FILLED: Final = 0.65
"""Share of the place where a sheet is usually held that paper must fill."""
_LARGE: Final = 0.5
"""Of the usual area: less paper is no sheet that is held up."""


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
        self._activity = Activity()
        self._track: Track | None = None
        self._stranger: Stranger | None = None
        self._before: deque[tuple[Picture, Bytes]] = deque(maxlen=_BEFORE)
        self._tried: list[tuple[Patch, float]] = []
        self._usual: deque[Patch] = deque(maxlen=15)
        """Where sheets were held, one patch for each presentation."""
        self._fresh = _FRESH
        """Pictures in which to look everywhere, since the room is not known yet."""
        self._now = 0.0

    def feed(self, picture: Picture) -> Iterator[Shown | Gap]:
        """Take the next picture; give what has ended."""
        small = cv2.cvtColor(picture.small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        self._scene.look(picture.small)
        self._activity.move(self._now, picture.at_s, self._scene.motion)
        self._now = picture.at_s
        yield from self._follow(picture, small)
        patches = self._papers(small)
        found = self._look_around(picture, small) or self._look_for(patches, picture, small)
        if found is not None:
            yield from self._begin(*found, picture, small)
        elif self._track is None:
            yield from self._strange(patches, picture)
        if self._track is None and self._stranger is None:
            yield from self._activity.late(picture.at_s)
        self._before.append((picture, small))

    @property
    def held(self) -> tuple[str, Sighting] | None:
        """The style and the newest sighting of the sheet that is held up now."""
        track = self._track
        if track is None or track.gone or track.to_s < self._now:
            return None
        return track.known.id, best(track.glimpses[-1:])[0]

    def interrupt(self) -> Iterator[Shown | Gap]:
        """Footage ends here: so does what is held."""
        yield from self._end_track()
        yield from self._end_stranger()
        yield from self._activity.end(self._now)
        self._before.clear()
        self._tried.clear()
        self._scene = Scene()
        self._fresh = _FRESH

    def _follow(self, picture: Picture, small: Bytes) -> Iterator[Shown | Gap]:
        track = self._track
        if track is None:
            return
        place = (track.corners + 0.5) / small.shape[::-1]
        if track.follow(picture, small):
            self._scene.hold(place)
        elif track.gone >= _HIDDEN or (track.gone >= _GONE and self._scene.changed(place) < _COVERED):
            yield from self._end_track()

    def _papers(self, small: Bytes) -> list[Patch]:
        """Paper that may be a sheet which is held up, but for the one that is surely followed."""
        patches = [p for p in self._scene.papers()[:3] if p.area >= _LARGE * self._area()]
        track = self._track
        if track is None or track.gone or track.likeness < SURE:
            return patches
        own = _patch((track.corners + 0.5) / small.shape[::-1])
        return [p for p in patches if overlap(p, own) < _ELSEWHERE]

    def _look_around(self, picture: Picture, small: Bytes) -> tuple[Known, Fit] | None:
        """Where footage begins, a sheet may be held up already: looked for wherever sheets are held, or everywhere."""
        if not self._fresh or self._track is not None:
            return None
        self._fresh -= 1
        tall, wide = picture.grey.shape
        everywhere = Patch(0.0, 0.0, 1.0, 1.0, 1.0, 0.0, None)
        box, pixels = ((0, 0, wide, tall), _EVERYWHERE) if not self._usual else (self._box(everywhere, picture), PIXELS)
        found = self._searcher.search(picture.grey, box, "orb" if self._fresh % 2 else "sift", pixels)
        return None if found is None else self._fitted(found, picture, small)

    def _look_for(self, patches: list[Patch], picture: Picture, small: Bytes) -> tuple[Known, Fit] | None:
        for patch in patches:
            tries = self._tries(patch, picture.at_s)
            if patch.moving > _STILL:
                self._tried = [t for t in self._tried if overlap(patch, t[0]) < 0.5]
            if patch.moving > _STILL or tries is None:
                continue
            self._tried.append((patch, picture.at_s))
            framed = self._framed(patch, small) if tries else None
            if framed is not None and framed[1].likeness >= SURE:
                return framed
            found = self._searcher.search(picture.grey, self._box(patch, picture), "orb" if tries % 2 else "sift")
            return framed if found is None else self._fitted(found, picture, small) or framed
        return None

    def _framed(self, patch: Patch, small: Bytes) -> tuple[Known, Fit] | None:
        """The style that fits into the patch's own four corners, either way up."""
        if patch.quad is None:
            return None
        quad = patch.quad * small.shape[::-1] - 0.5
        fits = list[tuple[Known, Fit]]()
        for known in self._searcher.known:
            turned = 0 if _is_tall(quad) == (known.size_mm[1] >= known.size_mm[0]) else 1
            fits += [(known, align(small, known.coarse, np.roll(quad, turned + up, axis=0))) for up in (0, 2)]
        likely = sorted(fits, key=lambda pair: -pair[1].likeness)[:2]
        fine = [(known, align(small, known.template, fit.corners)) for known, fit in likely]
        known, fit = max(fine, key=lambda pair: pair[1].likeness)
        return (known, fit) if holds(fit, known) else None

    def _box(self, patch: Patch, picture: Picture) -> tuple[int, int, int, int]:
        """The patch with some room; without the piles that it may touch, once it is known where sheets are held."""
        low, high = np.array([patch.left, patch.top]) - 0.025, np.array([patch.right, patch.bottom]) + 0.025
        if self._usual:
            usual = np.array([(p.left, p.top, p.right, p.bottom) for p in self._usual])
            room = (usual[:, 2:] - usual[:, :2]).max(axis=0) * 0.15
            inner = np.maximum(low, usual[:, :2].min(axis=0) - room), np.minimum(high, usual[:, 2:].max(axis=0) + room)
            if float(np.prod(np.maximum(inner[1] - inner[0], 0.0))) > self._area() * _LARGE:
                low, high = inner
        size = np.array(picture.grey.shape[::-1])
        (left, top), (right, bottom) = (np.clip(low, 0, 1) * size).astype(int), (np.clip(high, 0, 1) * size).astype(int)
        return int(left), int(top), int(right), int(bottom)

    def _area(self) -> float:
        """What a held sheet usually covers of the picture."""
        return float(np.median([p.area for p in self._usual])) if len(self._usual) >= 3 else 0.0

    def _tries(self, patch: Patch, now: float) -> int | None:
        """How often this paper was searched; None where it is too early for more: 0.1 s, 0.3 s, 0.6 s, 1.2 s after."""
        self._tried = [t for t in self._tried if now - t[1] < 10]
        same = [at for other, at in self._tried if overlap(patch, other) > 0.7]
        too_early = same and now - same[-1] < 0.15 * 2 ** (len(same) - 1) - 0.05
        return None if too_early else len(same)

    def _fitted(self, found: Found, picture: Picture, small: Bytes) -> tuple[Known, Fit] | None:
        """The style of that shape which fits best, and how."""
        corners = (found.corners + 0.5) * (small.shape[1] / picture.grey.shape[1]) - 0.5
        alike = [k for k in self._searcher.known if same_shape(k, found.known)]
        fits = [(k, align(small, k.template, corners)) for k in alike]
        if max(fit.likeness for _, fit in fits) < SURE:
            rough = [(k, align(small, k.coarse, corners).corners) for k in alike]
            fits += [(k, align(small, k.template, at)) for k, at in rough]
        known, fit = max(fits, key=lambda pair: pair[1].likeness)
        return (known, fit) if holds(fit, known) else None

    def _begin(self, known: Known, fit: Fit, picture: Picture, small: Bytes) -> Iterator[Shown | Gap]:
        """A sheet was found: the one that was hidden, or another."""
        track = Track(known, fit, picture, small)
        since, corners = track.trace_back(list(reversed(self._before)))
        old = self._track
        if old is not None and self._goes_on(old, track, since, corners):
            if old.gone or fit.likeness > old.likeness:
                old.at(fit, picture, small)
            return
        if old is not None and not old.gone and old.likeness < SURE:  # It was laid wrongly onto this sheet.
            if fit.likeness > old.likeness:
                track.from_s = min(track.from_s, old.from_s)
                self._track = track
            return
        yield from self._end_track()
        stranger = self._stranger
        if stranger is not None and track.from_s - stranger.to_s < self._activity.turn:
            track.from_s = min(track.from_s, stranger.from_s)
            self._stranger = None
        self._track = track
        self._tried.clear()

    def _goes_on(self, old: Track, new: Track, since: float, corners: Doubles) -> bool:
        """Whether a sheet that was found is the one that is followed: without a break, or by what it bears."""
        if old.gone < _GONE or since <= old.to_s:
            return old.is_at(new.corners) or (since <= old.to_s and old.is_at(corners))
        return old.known is new.known and old.is_at(new.corners) and old.is_sheet(new)

    def _strange(self, patches: list[Patch], picture: Picture) -> Iterator[Shown | Gap]:
        """Paper that is held up, and nothing known was found on it."""
        one, calm = self._stranger, [p for p in patches if p.moving <= _STILL]
        if one is not None and one.gone < _GONE:
            one.follow(calm, picture)
            return
        if one is not None and picture.at_s - one.to_s > self._activity.turn:
            yield from self._end_stranger()
        patch = next((p for p in calm if self._is_held(p, picture)), None)
        if patch is not None:
            yield from self._end_stranger()
            self._stranger = Stranger(patch, picture)

    def _is_held(self, patch: Patch, picture: Picture) -> bool:
        """Where sheets are usually held; before that is known, where it faces the camera and is large."""
        if self._usual:
            return float(np.median([covered(p, patch) for p in self._usual])) > _FILLED
        tall, wide = picture.grey.shape
        if patch.quad is None or patch.area < 0.03:
            return False
        corners = patch.quad * (wide, tall)
        sizes = [k.size_mm for k in self._searcher.known]
        return any(faces(corners, size, 0.65) for wide, tall in sizes for size in ((wide, tall), (tall, wide)))

    def _end_track(self) -> Iterator[Shown | Gap]:
        track, self._track = self._track, None
        if track is None:
            return
        yield from self._end_stranger()
        yield from self._activity.shown(track.from_s, track.to_s)
        last = track.glimpses[-1]
        self._usual.append(_patch((last.corners + 0.5) / last.picture.grey.shape[::-1]))
        known = which(track, self._searcher.known)
        upside_down = bool(track.corners[:2, 1].mean() > track.corners[2:, 1].mean())
        yield Shown(track.from_s, track.to_s, known.id, upside_down, back_only=False, sightings=best(track.glimpses))

    def _end_stranger(self) -> Iterator[Shown | Gap]:
        one, self._stranger = self._stranger, None
        if one is None or not one.held:
            return
        yield from self._activity.shown(one.from_s, one.to_s)
        back = one.is_back(self._searcher.known)
        yield Shown(one.from_s, one.to_s, None, upside_down=False, back_only=back, sightings=best(one.glimpses))


def _patch(corners: Doubles) -> Patch:
    """The place of a sheet as a patch; corners in shares of the picture."""
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    area = abs(float(cv2.contourArea(corners.astype(np.float32))))
    return Patch(float(left), float(top), float(right), float(bottom), area, 0.0, corners)


def _is_tall(quad: Doubles) -> bool:
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    return bool(sides[1] + sides[3] >= sides[0] + sides[2])


def same_shape(a: Known, b: Known) -> bool:
    """Sheets of the same ratio of sides look alike from the camera."""
    return abs(a.size_mm[0] * b.size_mm[1] / (a.size_mm[1] * b.size_mm[0]) - 1) < 0.05
