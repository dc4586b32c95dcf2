"""What is done to crops while training: marks drawn onto empty boxes, light, folds, blur, noise, small shifts."""

from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aigaq.recount.reading.second import BOX_SHARE, CROP, EMPTY, MARKED, UNREADABLE
from aigaq.simulator.count.marks import INKS, MARK_KINDS, Mark, ink

_FINE: Final = 2
_GRAZE: Final = 0.12
"""Of a neighbour's ink, at most so much may lie in this box; more would be a mark here to anybody."""


def mark_bank(count: int, seed: int, *, grazing: bool) -> tuple[np.ndarray, np.ndarray]:
    """Ink on crops, coverage 0 to 255 (count, 48, 48), and the ink's grey against white paper (count,)."""
    rng = np.random.default_rng([seed, 79, int(grazing)])
    covers, greys = [], []
    names = list(INKS)
    while len(covers) < count:
        mark, wide = _some_mark(rng, names, grazing=grazing)
        cover = _on_crop(mark, wide)
        low, high = round(CROP * (1 - BOX_SHARE) / 2), round(CROP * (1 + BOX_SHARE) / 2)
        inside = cover[low:high, low:high].sum() / max(cover.sum(), 1e-6)
        if grazing and (inside > _GRAZE or cover.max() < 0.2):
            continue
        covers.append(np.rint(cover * 255).astype(np.uint8))
        greys.append(np.dot(INKS[mark.ink], (0.299, 0.587, 0.114)) / 235)
    return np.stack(covers), np.array(greys, np.float32)


def _some_mark(rng: np.random.Generator, names: list, *, grazing: bool) -> tuple[Mark, float]:
    wide = float(rng.uniform(10, 18.5))
    over = grazing or rng.random() < 0.3
    size = wide * (rng.uniform(1.1, 1.7) if over else rng.uniform(0.4, 0.9))
    x, y = rng.normal(0, wide * (0.14 if over else 0.07), 2)
    if grazing:
        pitch = wide + rng.uniform(3, 6)
        step = rng.choice((-1, 1)) * pitch
        x, y = (x + step, y) if rng.random() < 0.25 else (x, y + step)
    faint = rng.random() < 0.45
    strength = float(rng.uniform(0.26, 0.5) if faint else rng.uniform(0.6, 0.98))
    kind = MARK_KINDS[int(rng.integers(len(MARK_KINDS)))]
    middle = wide / BOX_SHARE / 2
    made = Mark(
        "c",
        kind,
        names[int(rng.integers(len(names)))],
        strength,
        middle + float(x),
        middle + float(y),
        float(size),
        int(rng.integers(1 << 31)),
    )
    return made, wide


def _on_crop(mark: Mark, wide: float) -> np.ndarray:
    side = CROP * _FINE
    inked = ink(mark, side * BOX_SHARE / wide)
    canvas = np.zeros((side, side), np.float32)
    tall, across = inked.cover.shape
    y0, x0 = max(0, inked.top), max(0, inked.left)
    y1, x1 = min(side, inked.top + tall), min(side, inked.left + across)
    if y0 < y1 and x0 < x1:
        canvas[y0:y1, x0:x1] = inked.cover[y0 - inked.top : y1 - inked.top, x0 - inked.left : x1 - inked.left]
    return cv2.resize(canvas, (CROP, CROP), interpolation=cv2.INTER_AREA)


class Augment:
    """Changes batches of crops (n, 48, 48) float 0-255; whole grey levels come out."""

    def __init__(self, device: str, count: int, seed: int) -> None:
        self._device = device
        self._own = self._bank(count, seed, grazing=False)
        self._grazes = self._bank(count // 3, seed, grazing=True)

    def _bank(self, count: int, seed: int, *, grazing: bool) -> tuple[Tensor, Tensor]:
        covers, greys = mark_bank(count, seed, grazing=grazing)
        return torch.from_numpy(covers).to(self._device), torch.from_numpy(greys).to(self._device)

    def __call__(
        self, crops: Tensor, blanks: Tensor, target: Tensor, clear: Tensor, px: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`target` (n, 3) soft labels, `clear` whether the box is wholly visible, `px` its side on the screen."""
        n = len(crops)
        crops, blanks, target = crops.float(), blanks.float(), target.clone()
        roll = torch.rand(n, device=self._device)
        empty = (target[:, EMPTY] == 1) & clear
        stamped, grazed = empty & (roll < 0.35), (empty & (roll > 0.75)) | ((target[:, MARKED] == 1) & (roll > 0.9))
        sigma = (15.0 / px * _uniform(n, 0.8, 1.7, self._device)).clamp(0.3, 3)
        crops = self._stamp(crops, stamped, self._own, sigma)
        crops = self._stamp(crops, grazed, self._grazes, sigma)
        target[stamped] = torch.eye(3, device=self._device)[MARKED]
        junk = torch.rand(n, device=self._device) < 0.03
        crops = self._junk(crops, junk)
        target[junk] = torch.eye(3, device=self._device)[UNREADABLE]
        crops = self._lit(self._worse(crops))
        return (*self._flipped(crops, blanks), target)

    def _junk(self, crops: Tensor, which: Tensor) -> Tensor:
        """No box at all: one grey, or a picture that is out of its place."""
        rows = which.nonzero()[:, 0]
        if not len(rows):
            return crops
        grey = _uniform(len(rows), 10, 245, self._device)[:, None, None].expand(-1, CROP, CROP)
        step = int(torch.randint(12, CROP - 12, (1,)))
        astray = crops[rows].roll(step, dims=1 + step % 2)
        crops = crops.clone()
        crops[rows] = torch.where((torch.rand(len(rows), device=self._device) < 0.4)[:, None, None], grey, astray)
        return crops

    def _stamp(self, crops: Tensor, which: Tensor, bank: tuple[Tensor, Tensor], sigma: Tensor) -> Tensor:
        rows = which.nonzero()[:, 0]
        if not len(rows):
            return crops
        pick = torch.randint(len(bank[0]), (len(rows),), device=self._device)
        cover = _blur(bank[0][pick].float() / 255, sigma[rows])
        old = crops[rows]
        paper = old.flatten(1).kthvalue(int(0.7 * CROP * CROP), dim=1).values[:, None, None]
        crops = crops.clone()
        crops[rows] = old * (1 - cover) + cover * bank[1][pick][:, None, None] * paper
        return crops

    def _worse(self, crops: Tensor) -> Tensor:
        """Displaced, blurred, noisy, each in places."""
        n, dev = len(crops), self._device
        crops = crops.clone()
        rows = (torch.rand(n, device=dev) < 0.4).nonzero()[:, 0]
        crops[rows] = self._moved(crops[rows])
        rows = (torch.rand(n, device=dev) < 0.25).nonzero()[:, 0]
        crops[rows] = _blur(crops[rows], _uniform(len(rows), 0.3, 1.6, dev))
        coarse = functional.interpolate(
            torch.randn(n, 1, CROP // 2, CROP // 2, device=dev), size=CROP, mode="bilinear"
        )[:, 0]
        return crops + coarse * _uniform(n, 0, 4, dev)[:, None, None]

    def _moved(self, crops: Tensor) -> Tensor:
        n, dev = len(crops), self._device
        move = torch.zeros(n, 2, 3, device=dev)
        angle = torch.randn(n, device=dev) * 0.015
        grow = 1 + torch.randn(n, device=dev) * 0.02
        move[:, 0, 0], move[:, 1, 1] = grow, grow
        move[:, 0, 1], move[:, 1, 0] = angle, -angle
        move[:, :, 2] = torch.randn(n, 2, device=dev) * 0.6 / (CROP / 2)
        grid = functional.affine_grid(move, [n, 1, CROP, CROP], align_corners=False)
        return functional.grid_sample(crops[:, None], grid, padding_mode="border", align_corners=False)[:, 0]

    def _lit(self, crops: Tensor) -> Tensor:
        """Slanting light, soft shadows, creases, gain and offset."""
        n, dev = len(crops), self._device
        at = torch.linspace(-1, 1, CROP, device=dev)
        turn = _uniform(n, 0, 2 * np.pi, dev)[:, None, None]
        along = at[None, None, :] * torch.cos(turn) + at[None, :, None] * torch.sin(turn)
        light = 1 + along * (torch.randn(n, device=dev) * 0.06)[:, None, None]
        edge = torch.sigmoid((along - _uniform(n, -1, 1, dev)[:, None, None]) * _uniform(n, 2, 14, dev)[:, None, None])
        shadow = (torch.rand(n, device=dev) < 0.25) * _uniform(n, 0, 0.4, dev)
        light = light * (1 - edge * shadow[:, None, None])
        upright = torch.rand(n, device=dev)[:, None, None] < 0.5
        line = torch.where(upright, at[None, None, :], at[None, :, None]) - _uniform(n, -1, 1, dev)[:, None, None]
        depth = (torch.rand(n, device=dev) < 0.25) * _uniform(n, -0.1, 0.12, dev)
        light = light * (
            1 - depth[:, None, None] * torch.exp(-((line / _uniform(n, 0.03, 0.1, dev)[:, None, None]) ** 2))
        )
        gain, lift = _uniform(n, 0.7, 1.15, dev)[:, None, None], _uniform(n, -14, 24, dev)[:, None, None]
        return (crops * light * gain + lift).round().clamp(0, 255)

    def _flipped(self, crops: Tensor, blanks: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.stack([crops, blanks], dim=1)
        for axis in (2, 3):
            which = torch.rand(len(both), device=self._device) < 0.5
            both = torch.where(which[:, None, None, None], both.flip(axis), both)
        return both[:, 0], both[:, 1]


def _uniform(n: int, low: float, high: float, device: str) -> Tensor:
    return torch.rand(n, device=device) * (high - low) + low


def _blur(pictures: Tensor, sigma: Tensor) -> Tensor:
    """Each picture by its own sigma."""
    at = torch.arange(-4, 5, device=pictures.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at[None] / sigma[:, None]) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    padded = functional.pad(pictures[None], (4, 4, 4, 4), mode="replicate")
    across = functional.conv2d(padded, kernel[:, None, None, :], groups=len(pictures))
    return functional.conv2d(across, kernel[:, None, :, None], groups=len(pictures))[0]
