"""A bent sheet as a patch of the picture: texture through the lens, light and gloss by its slopes, shadows on it."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import Box
from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.paper import Surface, outline

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
_STEP: Final = 10
_LAMP: Final = np.array([-500.0, 1700.0, 900.0])
_WINDOW: Final = np.array([500.0, 700.0, 2200.0])
"""Behind the camera; the paper mirrors it."""
_EDGE_ON: Final = 0.1
"""Cosine of the angle to the sheet's normal below which nothing of it is drawn."""
_STEEP: Final = 0.75
_GRID: Final = np.stack(np.meshgrid(*2 * [np.linspace(0.06, 0.94, 9)]), axis=-1).reshape(-1, 2)
"""Where in a box it is asked what can be seen."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Both sides of a sheet as RGBA at one resolution, and its size in mm."""

    front: Bytes
    back: Bytes
    px_per_mm: float
    size_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Patch:
    """A painted piece of the picture, premultiplied RGBA, and where it belongs."""

    rgba: Bytes
    left: int
    top: int


def facing(surface: Surface, camera: Camera) -> float:
    """Cosine between the sheet's normal and the line to the eye; negative where its back is seen."""
    look = np.array(camera.eye) - surface.pose.middle
    return float(surface.pose.normal @ look) / float(np.linalg.norm(look))


def paint(surface: Surface, pages: Pages, camera: Camera, *, gloss: float = 1.0, fine: bool = False) -> Patch | None:
    """The sheet as the camera sees it; None from its edge or out of the picture.

    `fine` takes the time to keep small print from breaking up on a sheet that lies flat.
    """
    cosine = facing(surface, camera)
    edge = camera.project(surface.points(outline(pages.size_mm, steps=24)))
    left, top = (max(-40, int(v)) for v in np.floor(edge.min(axis=0)) - 3)
    right = min(camera.width + 40, int(edge[:, 0].max()) + 4)
    bottom = min(camera.height + 40, int(edge[:, 1].max()) + 4)
    if abs(cosine) < _EDGE_ON or left >= right or top >= bottom:
        return None
    wide, tall = -(-(right - left) // _STEP) + 2, -(-(bottom - top) // _STEP) + 2
    columns = left + (np.arange(wide) - 1) * _STEP + (_STEP - 1) / 2
    rows = top + (np.arange(tall) - 1) * _STEP + (_STEP - 1) / 2
    sheet = surface.under(camera, np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float64))
    texture = pages.front if cosine > 0 else pages.back
    if fine:
        texture = cv2.GaussianBlur(texture, (0, 0), sigmaX=0.4, sigmaY=0.5 / abs(cosine))
    half = np.array(pages.size_mm) / 2
    at = (sheet * (1, 1) if cosine > 0 else sheet * (-1, 1)) + half
    texels = _full(at * pages.px_per_mm - 0.5, right - left, bottom - top)
    across, along = cv2.split(texels)
    rgba = cv2.remap(texture, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    if abs(cosine) < _STEEP:
        rgba = _trimmed(rgba, edge - (left, top))
    light, shine = _light(surface, sheet, camera, cosine, gloss)
    lit = cv2.multiply(rgba, _veil(_full(light, right - left, bottom - top)), scale=1 / 128)
    spark = _full(shine, right - left, bottom - top)
    if shine.max() > 1:
        grey = cv2.multiply(cv2.convertScaleAbs(spark), np.ascontiguousarray(rgba[..., 3]), scale=1 / 255)
        lit = cv2.add(lit, cv2.merge([grey, grey, grey, np.zeros_like(grey)]))
    return Patch(lit.astype(np.uint8, copy=False), left, top)


def _trimmed(rgba: cv2.typing.MatLike, edge: Floats) -> cv2.typing.MatLike:
    """Far beyond a steep sheet's edge the search for it may come back onto it: nothing is drawn there."""
    mask = np.zeros(rgba.shape[:2], np.uint8)
    polygon = np.rint(edge).astype(np.int32)
    cv2.fillPoly(mask, [polygon], 255)
    cv2.polylines(mask, [polygon], isClosed=True, color=255, thickness=5)
    return cv2.bitwise_and(rgba, rgba, mask=mask)


def _full(nodes: Floats, wide: int, tall: int) -> NDArray[np.float32]:
    """Node values to every pixel: node n lies in the middle of its cell of `_STEP` pixels."""
    size = (nodes.shape[1] * _STEP, nodes.shape[0] * _STEP)
    full = cv2.resize(nodes.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(full[_STEP : _STEP + tall, _STEP : _STEP + wide]).astype(np.float32, copy=False)


def _veil(light: NDArray[np.float32]) -> Bytes:
    grey = cv2.convertScaleAbs(light, alpha=128)
    return cv2.merge([grey, grey, grey, np.full_like(grey, 128)]).astype(np.uint8, copy=False)


def _light(surface: Surface, sheet: Floats, camera: Camera, cosine: float, gloss: float) -> tuple[Floats, Floats]:
    """How bright each node is (1 is even light), and the lamp's reflection in grey levels."""
    side = 1.0 if cosine > 0 else -1.0
    normal = surface.normals(sheet) * side
    to_lamp = _LAMP - surface.pose.middle
    to_lamp /= np.linalg.norm(to_lamp)
    to_eye = np.array(camera.eye) - surface.pose.middle
    to_eye /= np.linalg.norm(to_eye)
    to_window = _WINDOW - surface.pose.middle
    half = to_window / np.linalg.norm(to_window) + to_eye
    half /= np.linalg.norm(half)
    light = 0.66 + 0.42 * np.maximum(normal @ to_lamp, 0)
    shine = gloss * 52 * np.maximum(normal @ half, 0) ** 90
    return light, shine


def shaded(patch: Patch, other: Bytes, left: int, top: int, *, soft: float, dark: float) -> None:
    """The shadow that what lies before a sheet throws on it; alpha stays."""
    tall, wide = patch.rgba.shape[:2]
    x0, y0 = max(0, left - patch.left), max(0, top - patch.top)
    x1, y1 = min(wide, left - patch.left + other.shape[1]), min(tall, top - patch.top + other.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    ox, oy = x0 - (left - patch.left), y0 - (top - patch.top)
    alpha = np.ascontiguousarray(other[oy : oy + y1 - y0, ox : ox + x1 - x0, 3])
    blurred = cv2.GaussianBlur(alpha, (0, 0), soft)
    grey = cv2.convertScaleAbs(blurred, alpha=-dark, beta=0)
    grey = cv2.bitwise_not(grey)
    veil = cv2.merge([grey, grey, grey, np.full_like(grey, 255)])
    piece = patch.rgba[y0:y1, x0:x1]
    piece[:] = cv2.multiply(piece, veil, scale=1 / 255)


def box_points(box: Box, size_mm: tuple[float, float]) -> Floats:
    """Sheet coordinates (81, 2) of points spread over a box."""
    return np.array([box.x, box.y]) + _GRID * (box.w, box.h) - np.array(size_mm) / 2


def box_corners(box: Box, size_mm: tuple[float, float]) -> Floats:
    """Sheet coordinates (4, 2) of its outer corners, from the top left, clockwise."""
    x, y, w, h = box
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]) - np.array(size_mm) / 2
