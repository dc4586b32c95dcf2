"""From one presentation to its reading and its pictures: registration, both readers, decision. No files."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.files import MAX_FRAMES, Pictures
from aigaq.recount.model import BoxReading, Frame, Outcome, Reading, Why
from aigaq.recount.reading.decide import decide
from aigaq.recount.reading.finding import Shown
from aigaq.recount.reading.second import MARKED, second_reader
from aigaq.recount.reading.sheets import SheetReading, read_sheet
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
_QUALITY: Final = 82


def read_shown(n: int, shown: Shown, style: LoadedStyle | None) -> tuple[Reading, Pictures, SheetReading | None]:
    """Read presentation `n`; a sheet of no known style is left to people."""
    if style is None:
        why = Why.BACK_ONLY if shown.back_only else Why.UNKNOWN_SHEET
        frames = tuple(_frame(sighting) for sighting in shown.sightings)
        reading = _reading(n, shown, Outcome.HUMAN, why=(why,), frames=frames)
        return reading, Pictures(_jpegs(shown.sightings, frames)), None
    sheet = read_sheet(style, list(shown.sightings))
    second = second_reader(
        np.array([box.crop for box in sheet.boxes], np.uint8).reshape(-1, 48, 48),
        np.array([box.blank for box in sheet.boxes], np.uint8).reshape(-1, 48, 48),
        np.array([box.visible for box in sheet.boxes]),
    )
    outcome, choice, why = decide(sheet, second)
    boxes = tuple(
        BoxReading(box.choice, _share(box.visible), _share(box.ink), _share(float(row[MARKED])))
        for box, row in zip(sheet.boxes, second, strict=True)
    )
    frames = tuple(map(_rounded, sheet.frames)) or tuple(_frame(sighting) for sighting in shown.sightings)
    reading = _reading(n, shown, outcome, choice=choice, why=why, endorsed=sheet.endorsed, boxes=boxes, frames=frames)
    crops = {box.choice: _png(box.crop) for box in sheet.boxes}
    return reading, Pictures(_jpegs(shown.sightings, frames), _png(sheet.fused) if boxes else None, crops), sheet


def seconds(at: float) -> float:
    """Times are told in whole milliseconds."""
    return round(float(at), 3)


def _reading(
    n: int,
    shown: Shown,
    outcome: Outcome,
    *,
    choice: str | None = None,
    why: tuple[Why, ...] = (),
    endorsed: bool | None = None,
    boxes: tuple[BoxReading, ...] = (),
    frames: tuple[Frame, ...] = (),
) -> Reading:
    return Reading(
        n=n,
        from_s=seconds(shown.from_s),
        to_s=seconds(shown.to_s),
        style=shown.style,
        outcome=outcome,
        choice=choice,
        why=why,
        upside_down=shown.upside_down,
        endorsed=endorsed,
        boxes=boxes,
        frames=frames,
    )


def _share(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 4)


def _frame(sighting: Sighting) -> Frame:
    return _rounded(Frame(sighting.at_s, tuple((float(x), float(y)) for x, y in sighting.corners)))


def _rounded(frame: Frame) -> Frame:
    return Frame(seconds(frame.at_s), tuple((round(x, 1), round(y, 1)) for x, y in frame.corners))


def _jpegs(sightings: Sequence[Sighting], frames: Sequence[Frame]) -> tuple[bytes, ...]:
    """The pictures of the best frames, in their order."""
    at = {seconds(sighting.at_s): sighting for sighting in sightings}
    return tuple(_jpeg(at[frame.at_s]) for frame in frames[:MAX_FRAMES])


def _jpeg(sighting: Sighting) -> bytes:
    """In colour, at full resolution: the sharp luma over the small colour picture."""
    grey = sighting.grey
    colour = cv2.cvtColor(cv2.resize(sighting.rgb, grey.shape[::-1]), cv2.COLOR_RGB2YCrCb)
    light = cv2.extractChannel(colour, 0)
    # Luma of film is mostly of limited range (BT.601 §2.5.3): bring it to the range of the colour picture.
    gain = float(light.std()) / max(float(grey.std()), 1e-3)
    even = cv2.convertScaleAbs(
        grey.astype(np.float32), alpha=gain, beta=float(light.mean()) - gain * float(grey.mean())
    )
    picture = cv2.cvtColor(cv2.insertChannel(even, colour, 0), cv2.COLOR_YCrCb2BGR)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _png(picture: Bytes) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
