"""A pinhole camera with a barrel lens: points of the room to pixels, and pixels back to rays.

Millimetres: x to the right of camera 1, y up from the table's top, z towards camera 1.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_UNDISTORTIONS: Final = 6


@dataclass(frozen=True)
class Camera:
    """Where a camera stands, what it looks at, its focal length in pixels, and its lens."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    focal: float
    width: int
    height: int
    barrel: float = -0.05
    """First radial coefficient of the Brown-Conrady model."""

    @cached_property
    def axes(self) -> Floats:
        """Unit vectors to the right, down and forward, as rows."""
        forward = np.subtract(self.target, self.eye)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(forward, right), forward])

    def project(self, points: Floats) -> Floats:
        """Pixels (…, 2) of points (…, 3); a pixel's centre is at whole numbers. Points must lie before the camera."""
        seen = (points - np.array(self.eye)) @ self.axes.T
        plane = seen[..., :2] / seen[..., 2:]
        bent = plane * (1 + self.barrel * (plane**2).sum(axis=-1, keepdims=True))
        return bent * self.focal + self._centre

    def rays(self, pixels: Floats) -> Floats:
        """Directions (…, 3) from the eye through pixels (…, 2), not of unit length."""
        bent = (pixels - self._centre) / self.focal
        plane = bent
        for _ in range(_UNDISTORTIONS):
            plane = bent / (1 + self.barrel * (plane**2).sum(axis=-1, keepdims=True))
        ones = np.ones((*plane.shape[:-1], 1))
        return np.concatenate([plane, ones], axis=-1) @ self.axes

    def scale_at(self, point: Floats) -> float:
        """Pixels per millimetre across the line of sight, in the middle of the picture, at that point's depth."""
        return self.focal / float((point - np.array(self.eye)) @ self.axes[2])

    @property
    def _centre(self) -> Floats:
        return np.array([(self.width - 1) / 2, (self.height - 1) / 2])
