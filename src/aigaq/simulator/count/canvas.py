"""Laying pictures over a frame: premultiplied RGBA patches, with blur of motion, and the record of what covers what."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.sculpt import Sprite

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
_STILL: Final = 1.2
"""Pixels of movement that no one sees as blur."""


def lay(frame: Bytes, patch: Bytes, left: int, top: int) -> None:
    """Lay a premultiplied RGBA patch over an RGB frame."""
    cut = _common(frame, patch, left, top)
    if cut is None:
        return
    ours, theirs = cut
    piece = patch[theirs]
    below = frame[ours]
    through = cv2.cvtColor(cv2.bitwise_not(np.ascontiguousarray(piece[..., 3])), cv2.COLOR_GRAY2RGB)
    dimmed = cv2.multiply(below, through, scale=1 / 255)
    frame[ours] = cv2.add(dimmed, cv2.cvtColor(piece, cv2.COLOR_RGBA2RGB))


def dim(frame: Bytes, shadow: Bytes, left: int, top: int) -> None:
    """Darken a frame by a grey patch: 255 leaves it as it is."""
    cut = _common(frame, shadow, left, top)
    if cut is None:
        return
    ours, theirs = cut
    through = cv2.cvtColor(np.ascontiguousarray(shadow[theirs]), cv2.COLOR_GRAY2RGB)
    frame[ours] = cv2.multiply(frame[ours], through, scale=1 / 255)


def hide(cover: Bytes, patch: Bytes, left: int, top: int) -> None:
    """Note in a grey frame what a patch covers."""
    cut = _common(cover, patch, left, top)
    if cut is None:
        return
    ours, theirs = cut
    cover[ours] = cv2.max(cover[ours], np.ascontiguousarray(patch[theirs][..., 3]))


def _common(frame: Bytes, patch: Bytes, left: int, top: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    tall, wide = frame.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(wide, left + patch.shape[1]), min(tall, top + patch.shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))


def turned(sprite: Sprite, matrix: Floats, frame: tuple[int, int]) -> tuple[Bytes, int, int] | None:
    """A sprite through an affine map from its mm to the frame's pixels: the patch and its place in the frame."""
    scale = 1 / sprite.px_per_mm
    to_mm = np.array([[scale, 0, -sprite.origin[0] * scale], [0, scale, -sprite.origin[1] * scale], [0.0, 0.0, 1.0]])
    whole = (matrix @ to_mm)[:2]
    tall, wide = sprite.rgba.shape[:2]
    corners = np.array([(0, 0, 1), (wide, 0, 1), (wide, tall, 1), (0, tall, 1)]) @ whole.T
    left, top = np.floor(corners.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    left, top = max(int(left), -64), max(int(top), -64)
    right, bottom = min(int(right), frame[0] + 64), min(int(bottom), frame[1] + 64)
    if left >= right or top >= bottom:
        return None
    local = whole - np.array([[0, 0, left], [0, 0, top]], np.float64)
    patch = cv2.warpAffine(sprite.rgba, local, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    return patch.astype(np.uint8, copy=False), left, top


def smeared(patch: Bytes, left: int, top: int, move: Floats) -> tuple[Bytes, int, int]:
    """A patch that moved by `move` pixels while the shutter was open: the mean along its way, by repeated halving."""
    length = float(np.hypot(*move))
    if length < _STILL:
        return patch, left, top
    room_x, room_y = (int(abs(v)) + 2 for v in move)
    wider = _bytes(cv2.copyMakeBorder(patch, room_y, room_y, room_x, room_x, cv2.BORDER_CONSTANT))
    step = np.asarray(move) / 2
    while np.abs(step).max() >= 0.5:
        right, down = np.rint(step).astype(int).tolist()
        wider = _bytes(cv2.addWeighted(wider, 0.5, _shifted(wider, right, down), 0.5, 0))
        step = step / 2
    return wider, left - room_x - round(move[0] / 2), top - room_y - round(move[1] / 2)


def _bytes(picture: cv2.typing.MatLike) -> Bytes:
    return picture.astype(np.uint8, copy=False)


def _shifted(picture: Bytes, right: int, down: int) -> Bytes:
    out = np.zeros_like(picture)
    tall, wide = picture.shape[:2]
    out[max(0, down) : tall + min(0, down), max(0, right) : wide + min(0, right)] = picture[
        max(0, -down) : tall + min(0, -down), max(0, -right) : wide + min(0, -right)
    ]
    return out
