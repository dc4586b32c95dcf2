"""The pictures that a question shows. What a viewer may not see is not sent: nothing is hidden by the page alone."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.errors import FolderPictureError
from aigaq.recount.files import MAX_FRAMES, ballot_folder
from aigaq.recount.model import Reading
from aigaq.recount.styles import LoadedStyle

SHEET_PX_PER_MM: Final = 4.0
_AROUND: Final = 0.25
"""How much beside a printed box is shown of its side: marks overflow; more could show what else was written."""
_QUALITY: Final = 82
_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """Encoded, as it is sent."""

    data: bytes
    media_type: str


class Pictures:
    """Reads and masks; keeps the newest in memory. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, str], Picture] = OrderedDict()
        self._blanks: dict[str, NDArray[np.uint8]] = {}
        self._lock = Lock()

    def box(self, folder: Path, n: int, choice: str) -> Picture:
        """The fused box of a choice."""
        return Picture(_read(ballot_folder(folder, n) / f"box-{choice}.png"), "image/png")

    def frame(self, folder: Path, n: int, k: int) -> Picture:
        """A picture of the film around the sheet, from 1."""
        return Picture(_read(ballot_folder(folder, n) / f"frame-{k}.jpg"), "image/jpeg")

    def whole(self, folder: Path, n: int) -> Picture:
        """The sheet, made straight."""
        path = ballot_folder(folder, n) / "sheet.png"
        return self._made(path, "whole", lambda: _sheet(path))

    def masked(self, folder: Path, n: int, style: LoadedStyle) -> Picture:
        """The blank with the boxes of the sheet in it: no writing beside them."""
        path = ballot_folder(folder, n) / "sheet.png"
        return self._made(path, "masked", lambda: self._masked(_sheet(path), style))

    def _masked(self, sheet: NDArray[np.uint8], style: LoadedStyle) -> NDArray[np.uint8]:
        shown = self._blank(style, (sheet.shape[1], sheet.shape[0])).copy()
        scale = sheet.shape[1] / style.style.size_mm[0]
        for choice in style.style.choices:
            x, y, w, h = choice.box
            beside = _AROUND * min(w, h)
            left, top = max(0, round((x - beside) * scale)), max(0, round((y - beside) * scale))
            right, bottom = round((x + w + beside) * scale), round((y + h + beside) * scale)
            shown[top:bottom, left:right] = sheet[top:bottom, left:right]
        return shown

    def _blank(self, style: LoadedStyle, size: tuple[int, int]) -> NDArray[np.uint8]:
        found = self._blanks.get(style.sha256)
        if found is None or found.shape[::-1] != size:
            grey = cv2.cvtColor(style.blank, cv2.COLOR_RGB2GRAY)
            found = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
            self._blanks[style.sha256] = found
        return found

    def _made(self, path: Path, kind: str, make: Callable[[], NDArray[np.uint8]]) -> Picture:
        with self._lock:
            key = (path, kind)
            found = self._kept.pop(key, None)
            if found is None:
                _, data = cv2.imencode(".jpg", make(), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
                found = Picture(data.tobytes(), "image/jpeg")
            self._kept[key] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found


def frames_of(reading: Reading) -> range:
    """The numbers of a reading's kept frames."""
    return range(1, min(len(reading.frames), MAX_FRAMES) + 1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderPictureError(path.name) from error


def _sheet(path: Path) -> NDArray[np.uint8]:
    found = cv2.imdecode(np.frombuffer(_read(path), np.uint8), cv2.IMREAD_GRAYSCALE)
    if found is None:
        raise FolderPictureError(path.name)
    return np.asarray(found, np.uint8)
