"""Lays a blank onto a picture: inverse compositional alignment with a homography (Baker and Matthews 2004).

The blank is small, a few thousand pixels, and known; so its gradients are prepared once. What does not look like the
blank (fingers, marks, a sleeve) loses its weight. No search: the sheet must already be where it is thought to be,
within some tenth of its size.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bytes = NDArray[np.uint8]
PX_PER_MM: Final = 0.32
_BLUR: Final = 6.0
"""Sigma of what counts as lighting, template pixels."""
_TOUGH: Final = 1.2
"""A difference of so many standard deviations has half the weight."""
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class Template:
    """One blank, small, without lighting, and how it changes when it is warped."""

    size: tuple[int, int]
    """Width and height in pixels."""
    look: Floats
    """(h, w), mean 0, standard deviation 1."""
    descent: Floats
    """(h * w, 8): derivative of each pixel by the entries of a homography next to the identity."""
    frame: Doubles
    """(4, 2): its corners in its own pixels, clockwise from the top left."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a blank lies on a picture."""

    corners: Doubles
    """(4, 2) in the picture's pixels."""
    likeness: float
    """Correlation of blank and picture, weighted by what is not hidden; 1 is the same."""
    seen: float
    """Share of the sheet's blocks that look like the blank."""


def make_template(blank: Bytes, size_mm: tuple[float, float], px_per_mm: float = PX_PER_MM) -> Template:
    """Of a grey blank of any resolution."""
    wide, tall = (round(side * px_per_mm) for side in size_mm)
    small = cv2.resize(blank, (wide, tall), interpolation=cv2.INTER_AREA)
    look = normalised(small)
    down, right = np.gradient(look)
    y, x = (grid.astype(np.float32) for grid in np.mgrid[:tall, :wide])
    both = right * x + down * y
    parts = (right * x, right * y, right, down * x, down * y, down, -both * x, -both * y)
    descent = np.stack([part.ravel() for part in parts], axis=1).astype(np.float32)
    frame = np.array([(-0.5, -0.5), (wide - 0.5, -0.5), (wide - 0.5, tall - 0.5), (-0.5, tall - 0.5)])
    return Template((wide, tall), look, descent, frame)


def normalised(picture: cv2.typing.MatLike) -> Floats:
    """Without lighting: the surroundings' mean taken off, then scaled."""
    grey = picture.astype(np.float32)
    rest = grey - cv2.GaussianBlur(grey, (0, 0), _BLUR, borderType=cv2.BORDER_REFLECT)
    rest -= rest.mean()
    return (rest / max(float(rest.std()), 1e-3)).astype(np.float32, copy=False)


def align(picture: Bytes, template: Template, corners: Doubles, *, rounds: int = 10) -> Fit:
    """Move the corners to where the blank fits best."""
    homography = _through(template, corners)
    error = Fit(corners, -1.0, 0.0)
    for turn in range(rounds):
        patch = _look(picture, template, homography)
        fit = _fit(template, patch, homography)
        if fit.likeness > error.likeness:
            error = fit
        elif turn > 2 and fit.likeness < error.likeness - 0.05:
            break
        step = _step(template, patch)
        if step is None:
            break
        homography = homography @ np.linalg.inv(step)
        homography /= homography[2, 2]
        if float(np.abs(_moved(template, step)).max()) < 0.05:
            break
    return error


def judge(picture: Bytes, template: Template, corners: Doubles) -> Fit:
    """How well the blank lies there, unmoved."""
    homography = _through(template, corners)
    return _fit(template, _look(picture, template, homography), homography)


def trace(picture: Bytes, template: Template, corners: Doubles) -> Floats:
    """What a sheet bears beside its blank: marks, folds, a signature. For `resemblance`."""
    fit = align(picture, template, corners, rounds=4)
    patch = _look(picture, template, _through(template, fit.corners))
    return (patch - template.look * (patch * template.look).mean()).astype(np.float32, copy=False)


def resemblance(a: Floats, b: Floats) -> float:
    """Correlation of two traces: nearly 1 for one sheet, some 0.2 to 0.5 for two."""
    return float((a * b).mean()) / max(1e-6, float(a.std()) * float(b.std()))


def _through(template: Template, corners: Doubles) -> Doubles:
    source, target = template.frame.astype(np.float32), corners.astype(np.float32)
    return cv2.getPerspectiveTransform(source, target).astype(np.float64)


def _look(picture: Bytes, template: Template, homography: Doubles) -> Floats:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpPerspective(picture, homography, template.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return normalised(patch)


def _weights(template: Template, patch: Floats) -> Floats:
    error = patch - template.look
    return (1 / (1 + (error / _TOUGH) ** 2)).astype(np.float32)


def _step(template: Template, patch: Floats) -> Doubles | None:
    weight = _weights(template, patch).ravel()
    heavy = template.descent * weight[:, None]
    normal = (template.descent.T @ heavy).astype(np.float64)
    right = (heavy.T @ (patch - template.look).ravel()).astype(np.float64)
    damped = normal + np.diag(np.diag(normal)) * 1e-3
    try:
        a = np.linalg.solve(damped, right)
    except np.linalg.LinAlgError:
        return None
    step = np.array([(1 + a[0], a[1], a[2]), (a[3], 1 + a[4], a[5]), (a[6], a[7], 1.0)])
    return step if np.isfinite(step).all() and abs(np.linalg.det(step)) > 0.2 else None


def _moved(template: Template, step: Doubles) -> Doubles:
    return _project(step, template.frame) - template.frame


def _project(homography: Doubles, points: Doubles) -> Doubles:
    return cv2.perspectiveTransform(points[None].astype(np.float64), homography)[0].astype(np.float64)


def _fit(template: Template, patch: Floats, homography: Doubles) -> Fit:
    product = patch * template.look
    a, b, c = (_blocks(p) for p in (product, patch * patch, template.look * template.look))
    told = c > 0.15
    local = a / np.sqrt(np.maximum(b * c, 1e-6))
    seen = float(np.mean(local[told] > 0.3)) if told.any() else 0.0
    return Fit(_project(homography, template.frame), float(product.mean()), seen)


def _blocks(values: Floats) -> Floats:
    tall, wide = values.shape
    size = (max(1, wide // _BLOCK), max(1, tall // _BLOCK))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
