"""From the sightings of one held ballot to a straight, fused sheet and its boxes. Decides nothing."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from aigaq.recount.model import Frame
from aigaq.recount.reading.sheets.behind import sheets_seen
from aigaq.recount.reading.sheets.fuse import fuse
from aigaq.recount.reading.sheets.ink import inks, inside
from aigaq.recount.reading.sheets.labels import labels
from aigaq.recount.reading.sheets.light import COARSE, Light, coarse_size, light_of
from aigaq.recount.reading.sheets.model import BoxSight, SheetReading
from aigaq.recount.reading.sheets.paper import endorsed, form, outside
from aigaq.recount.reading.sheets.patches import SIDE, Grid, Patches, grid_of, sample
from aigaq.recount.reading.sheets.pattern import FINE, Bytes, Doubles, Floats, Pattern, pattern_of
from aigaq.recount.reading.sheets.register import Registered, is_sheet, register, resolution
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle

MOST: Final = 5
"""More cost more and show little more."""
_WHOLE: Final = 3
"""Of so many the whole sheet is made straight, of the others only the boxes."""
CROP: Final = 48
_LEAST_AGREED: Final = 0.45
_LEAST_FRAMED: Final = 0.5
_LEAST_LABEL: Final = 0.3
_FRAME_SEEN: Final = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One sighting made straight."""

    sighting: Sighting
    registered: Registered
    light: Light
    patches: Patches


def read_sheet(style: LoadedStyle, sightings: list[Sighting]) -> SheetReading:
    """Read one presentation, at most 7 sightings, best first. Where none fits the style `boxes` is empty."""
    size_mm = style.style.size_mm
    sightings = [sighting for sighting in sightings if is_sheet(sighting.corners, size_mm)]
    shown = float(np.median([resolution(s.corners, size_mm) for s in sightings])) if sightings else 0.0
    pattern = pattern_of(style, FINE[0] if shown < FINE[0] * 1.2 else FINE[1])
    grid = grid_of(pattern)
    views = list[View]()
    for sighting in sightings[:MOST]:
        view = _view(pattern, grid, sighting, views[0].registered.bend if views else None)
        if view is not None:
            views.append(view)
    return _fused(pattern, grid, views) if views else _nothing(pattern)


def _view(pattern: Pattern, grid: Grid, sighting: Sighting, start: Doubles | None) -> View | None:
    registered = register(pattern, sighting, start)
    if registered.agreed < _LEAST_AGREED:
        return None
    coarse = coarse_size(pattern)
    grey = _straight(sighting.grey, registered, (coarse[0] * 2, coarse[1] * 2), 1)
    rgb = _straight(sighting.rgb, registered, coarse, sighting.grey.shape[1] / sighting.rgb.shape[1])
    light = light_of(pattern, grey, rgb)
    patches = sample(grid, registered, sighting.grey, light)
    if patches.fits < _LEAST_FRAMED:
        return None
    return View(sighting, registered, light, patches)


def _whole(pattern: Pattern, view: View) -> Bytes:
    """The whole sheet, paper as light as the blank's."""
    grey = _straight(view.sighting.grey, view.registered, pattern.size, 1)
    gain = cv2.resize(view.light.gain, pattern.size, interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(grey, gain, dtype=cv2.CV_8U).astype(np.uint8, copy=False)


def _straight(picture: Bytes, registered: Registered, size: tuple[int, int], factor: float) -> Bytes:
    x, y = registered.at(size)
    if factor != 1:
        x, y = ((m + np.float32(0.5)) / np.float32(factor) - np.float32(0.5) for m in (x, y))
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _fused(pattern: Pattern, grid: Grid, views: list[View]) -> SheetReading:
    best = views[:_WHOLE]
    covered = [_grown(view.light.covered, pattern.size) for view in best]
    sheet, seen = fuse([_whole(pattern, view) for view in best], covered)
    style = pattern.style.style
    paper = form(pattern, sheet, seen, [view.light for view in views])
    return SheetReading(
        style=style.id,
        px_per_mm=pattern.px_per_mm,
        fused=sheet,
        visible=seen,
        boxes=_boxes(pattern, grid, views, labels(pattern, sheet, seen)),
        needs_endorsement=pattern.style.style.endorsements > 0,
        endorsed=endorsed(pattern, sheet, seen),
        outside=outside(pattern, sheet, seen),
        form_ok=paper,
        sheets=sheets_seen([(view.sighting, view.registered) for view in views]),
        registered=_error(grid, views),
        used=len(views),
        box_px=_box_px(pattern, views),
        contrast=float(np.median([view.patches.contrast for view in views])),
        frames=tuple(_frame(view) for view in views),
    )


def _nothing(pattern: Pattern) -> SheetReading:
    wide, tall = pattern.size
    empty = np.zeros((tall, wide), np.uint8)
    return SheetReading(
        style=pattern.style.style.id,
        px_per_mm=pattern.px_per_mm,
        fused=empty,
        visible=empty,
        boxes=(),
        needs_endorsement=pattern.style.style.endorsements > 0,
        endorsed=None,
        outside=0.0,
        form_ok=None,
        sheets=1,
        registered=float("inf"),
        used=0,
        box_px=0.0,
        contrast=0.0,
        frames=(),
    )


def _grown(mask: Bytes, size: tuple[int, int]) -> Bytes:
    return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)


def _boxes(pattern: Pattern, grid: Grid, views: list[View], label: list[float]) -> tuple[BoxSight, ...]:
    parts = [(view.patches, _unframed(view.patches)) for view in views]
    grey, seen = fuse(
        [patches.grey.reshape(-1, SIDE) for patches, _ in parts], [hidden.reshape(-1, SIDE) for _, hidden in parts]
    )
    fused, counts = grey.reshape(-1, SIDE, SIDE), np.stack([_within(part) for part in seen.reshape(-1, SIDE, SIDE)])
    found = inks(grid, fused, counts)
    shade = np.stack([_shades(grid, view.light) for view in views]).min(axis=0)
    framed = np.stack([(p.framed > _FRAME_SEEN).mean(axis=1) for p, _ in parts]).max(axis=0)
    return tuple(
        BoxSight(
            choice=choice.id,
            crop=_crop(fused[n]),
            blank=_crop(grid.blank[n]),
            visible=min(_area_seen(grid, n, counts[n]), float(framed[n])),
            ink=found[n].share,
            peak=found[n].peak,
            shade=float(shade[n]),
            label=label[n],
        )
        for n, choice in enumerate(pattern.style.style.choices)
    )


def _unframed(patches: Patches) -> Bytes:
    """What of a sighting's patches does not count: covered, or a box whose frame is not where it should be."""
    lost = np.median(patches.framed, axis=1) < _FRAME_SEEN
    return np.where(lost[:, None, None], np.uint8(255), patches.covered)


def _within(seen: Bytes) -> Bytes:
    """What is seen, without the soft edge of what covers it."""
    return cv2.erode(seen, np.ones((5, 5), np.uint8)).astype(np.uint8, copy=False)


def _area_seen(grid: Grid, n: int, seen: Bytes) -> float:
    left, top, right, bottom = (round(v) for v in grid.sides[n].tolist())
    return float((seen[top : bottom + 1, left : right + 1] > 0).mean())


def _shades(grid: Grid, light: Light) -> Floats:
    """The deepest shadow in each box."""
    at = (grid.x * np.float32(COARSE) - np.float32(0.5), grid.y * np.float32(COARSE) - np.float32(0.5))
    shade = cv2.remap(light.shade, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, SIDE, SIDE)
    return np.array([shade[n][inside(grid, n)].max() for n in range(grid.boxes)], np.float32)


def _crop(patch: Bytes) -> Bytes:
    return cv2.resize(patch, (CROP, CROP), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _error(grid: Grid, views: list[View]) -> float:
    """The frames' median distance from where they were expected, pixels of the film."""
    per_view = [
        float(np.median(np.abs(view.patches.moved))) * view.registered.px_per_mm / float(np.median(grid.px_per_mm))
        for view in views
    ]
    return float(np.median(per_view))


def _box_px(pattern: Pattern, views: list[View]) -> float:
    side = float(np.median([min(choice.box.w, choice.box.h) for choice in pattern.style.style.choices]))
    return side * float(np.median([view.registered.px_per_mm for view in views]))


def _frame(view: View) -> Frame:
    x, y = view.registered.maps
    ox, oy = view.sighting.origin_px
    corners = [(float(x[r, c]) + ox, float(y[r, c]) + oy) for r, c in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
    return Frame(view.sighting.at_s, tuple(corners))
