"""Many ballots fast: still pictures of held ballots with truth, for training and for calibrating a reader.

Only the surroundings of the sheet are kept; JPEG stands in for the video's compression. Rooms and what was laid down do
not change between ballots, hands do now and then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.cast import Presented, cast
from aigaq.simulator.count.hands import some_hand
from aigaq.simulator.count.lens import Sensor
from aigaq.simulator.count.motion import Act, direct
from aigaq.simulator.count.plan import A4_TALL, CountPlan
from aigaq.simulator.count.stage import Seen, Stage, cameras

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
_HANDS: Final = 12
"""Ballots that one pair of hands shows."""
_QUALITY: Final = (30, 85)


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of one presentation; corners in its pixels, x then y, clockwise from the sheet's own top left."""

    presented: Presented
    picture: Bytes
    """RGB."""
    corners: Floats
    """(4, 2)."""
    boxes: Floats
    """(choices, 4, 2)."""
    visible: Floats
    """(choices,): what share of each box can be seen; 0 where the back is shown."""


def render_stills(plan: CountPlan, *, frames: int = 4) -> Iterator[Still]:
    """Pictures by camera 1, `frames` of each presentation one after the other, spread over the time it is held."""
    views = cameras(plan)
    script = direct(plan, cast(plan), views[0])
    stage = Stage(plan, script, views[0])
    size = _size(plan)
    sensor = Sensor(plan.conditions, size, plan.seed)
    rng = np.random.default_rng([plan.seed, 6])
    for number, act in enumerate(script.acts):
        if number % _HANDS == 0:
            stage.holder = some_hand(rng)
        if act.presented is None:
            continue
        stage.skip_to(number)
        for now in _moments(act, frames):
            shot = stage.at(now)
            if shot.seen is not None:
                yield _still(act.presented, shot.picture, shot.seen, sensor, (now, int(rng.integers(*_QUALITY))), size)


def _size(plan: CountPlan) -> tuple[int, int]:
    """Even, and as large as the largest sheet may look, with some room around it."""
    scale = plan.conditions.ballot_px / A4_TALL * 1.35
    wide = max(style.size_mm[0] for style in plan.styles) * scale
    tall = max(style.size_mm[1] for style in plan.styles) * scale
    return min(plan.width, int(wide) // 4 * 4), min(plan.height, int(tall) // 4 * 4)


def _moments(act: Act, frames: int) -> list[float]:
    start = act.raised if act.turn is None else act.turn[1]
    share = (np.arange(frames) + 0.5) / frames
    return [float(start + (act.lowering - start) * s) for s in share]


def _still(
    shown: Presented, picture: Bytes, seen: Seen, sensor: Sensor, taken: tuple[float, int], size: tuple[int, int]
) -> Still:
    wide, tall = size
    middle = seen.corners.mean(axis=0)
    left = int(np.clip(middle[0] - wide / 2, 0, picture.shape[1] - wide))
    top = int(np.clip(middle[1] - tall / 2, 0, picture.shape[0] - tall))
    piece = np.ascontiguousarray(picture[top : top + tall, left : left + wide])
    now, quality = taken
    bgr = cv2.cvtColor(sensor.exposed(piece, now, 0.15), cv2.COLOR_YUV2BGR_I420)
    _, jpeg = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)
    rgb = bgr if decoded is None else decoded
    corner = np.array([left, top])
    return Still(
        shown,
        rgb.astype(np.uint8, copy=False),
        seen.corners - corner,
        seen.boxes - corner,
        seen.visible.mean(axis=1).astype(np.float64),
    )
