"""Blanks as a scanner or a telephone would see them; every distortion is seeded."""

import cv2
import numpy as np
from numpy.typing import NDArray

Sheet = NDArray[np.uint8]


def scanned(sheet: Sheet, *, angle: float, seed: int = 1, dpi: int = 200) -> Sheet:
    """The sheet fills the picture, askew by so many degrees; noise and the softness of a cheap scanner."""
    rng = np.random.default_rng(seed)
    high, wide = sheet.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1)
    turned = cv2.warpAffine(sheet, turn, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(turned, None, fx=dpi / 203.2, fy=dpi / 203.2, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 0.7).astype(np.float32)
    return np.clip(soft + rng.normal(0, 5, soft.shape), 0, 255).astype(np.uint8)


def on_lid(sheet: Sheet, *, angle: float, lid: tuple[int, int, int] = (40, 40, 44), seed: int = 1) -> Sheet:
    """A larger scanner whose lid is seen around the sheet."""
    rng = np.random.default_rng(seed)
    high, wide = sheet.shape[:2]
    size = round(wide * 1.25), round(high * 1.15)
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1)
    turn[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    scan = cv2.warpAffine(sheet, turn, size, flags=cv2.INTER_CUBIC, borderValue=lid).astype(np.float32)
    return np.clip(scan + rng.normal(0, 4, scan.shape), 0, 255).astype(np.uint8)


def photographed(sheet: Sheet, *, seed: int, tilt: float = 0.06, wide: int = 1700) -> Sheet:
    """A sheet on a table, seen at an angle, lit from one side, with the noise of a small sensor."""
    rng = np.random.default_rng(seed)
    high = wide * 4 // 3
    table = _table((high, wide), rng)
    margin = 0.13
    corners = np.array([[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]])
    corners = (corners + rng.uniform(-tilt, tilt, corners.shape)) * (wide, wide * sheet.shape[0] / sheet.shape[1])
    corners[:, 1] += (high - wide * sheet.shape[0] / sheet.shape[1]) / 2
    goal = corners.astype(np.float32)
    whole = np.array([[0, 0], [sheet.shape[1], 0], [sheet.shape[1], sheet.shape[0]], [0, sheet.shape[0]]], np.float32)
    warp = cv2.getPerspectiveTransform(whole - 0.5, goal)
    seen = cv2.warpPerspective(sheet, warp, (wide, high), flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.ones(sheet.shape[:2], np.float32), warp, (wide, high))[:, :, None]
    scene = seen * cover + table * (1 - cover)
    light = np.linspace(0.72, 1.0, wide)[None, :, None] * np.linspace(1.0, 0.85, high)[:, None, None]
    lit = cv2.GaussianBlur((scene * light).astype(np.float32), (0, 0), 0.8)
    return np.clip(lit + rng.normal(0, 5, lit.shape), 0, 255).astype(np.uint8)


def _table(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Wood: streaks of brown."""
    streaks = cv2.resize(rng.normal(0, 9, (shape[0] // 8, 6)).astype(np.float32), shape[::-1])
    return np.clip(np.array([112, 84, 58], np.float32) + streaks[:, :, None], 0, 255)


def coded(sheet: Sheet, kind: str = ".jpg") -> bytes:
    """The file that a scanner or a telephone writes."""
    _, data = cv2.imencode(kind, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return data.tobytes()
