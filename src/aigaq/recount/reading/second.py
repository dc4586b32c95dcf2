"""The second reader: a small network that looks at one box beside its blank and knows nothing of the ink rule.

Its weights come from `training/`, made on rendered ballots. It is computed in whole numbers: products of 8-bit weights
and 8-bit activations whose sums stay below 2^24 are exact in float32 in any order, so every processor, library and
batch gives the same answer to the last bit (0003, R4).
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from aigaq.recount.model import MIN_VISIBLE

Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
CROP: Final = 48
"""Side of a crop in pixels."""
BOX_SHARE: Final = 0.6
"""Side of the box in shares of the crop's; the box is in the middle."""
EMPTY: Final = 0
MARKED: Final = 1
UNREADABLE: Final = 2
PAPER: Final = 160
"""What the paper's grey is brought to, so that light and exposure do not matter and gloss still fits."""
EVEN: Final = 160
"""What stands for no difference: ink makes darker."""
ENLARGED: Final = 4
_PAPER_RANK: Final = 0.8
"""Share of a crop's pixels that are darker than what is taken for paper: ink, print and fingers cover less."""
_EXACT: Final = 1 << 24
_BATCH: Final = 64
_DIGITS: Final = 4
_FILE: Final = files("aigaq.recount.reading") / "second.npz"
_BYTES: Final = _FILE.read_bytes()
WEIGHTS_SHA256: Final = hashlib.sha256(_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights as whole numbers (in, out), what is added to each sum, and what brings the sum back to 8 bits."""

    weights: Singles
    bias: Singles
    scale: Singles
    side: int
    """Of the window that slides over the picture; 0 where every input meets every output."""
    stride: int


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in order; the last one's sums times its scale are the logarithms of the odds."""

    layers: tuple[Layer, ...]
    pool_before: int
    """The layer before which each 2 x 2 pixels are made one, the largest."""


def second_reader(crops: Bytes, blanks: Bytes, visible: NDArray[np.floating]) -> Singles:
    """How likely each box is empty, marked, or not to be read; each row sums to 1.

    Args:
        crops: (n, 48, 48) the box in the middle of the fused picture, grey.
        blanks: (n, 48, 48) the same piece of the blank.
        visible: (n,) share of the box that some frame shows; below 0.8 a box is never read (0003, R1).

    Returns:
        (n, 3), rounded to four digits. A row depends on nothing but its own box.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    crops, blanks, visible = np.asarray(crops), np.asarray(blanks), np.asarray(visible, np.float64)
    count = visible.size
    if crops.shape != (count, CROP, CROP) or blanks.shape != crops.shape or visible.ndim != 1:
        raise ValueError(f"crops {crops.shape}, blanks {blanks.shape} and visible {visible.shape} do not fit")
    if crops.dtype != np.uint8 or blanks.dtype != np.uint8:
        raise ValueError(f"crops must be 8-bit grey, not {crops.dtype} and {blanks.dtype}")
    read = np.zeros((count, 3), np.float32)
    for start in range(0, count, _BATCH):
        batch = slice(start, start + _BATCH)
        read[batch] = _likely(logits(network(), look(crops[batch], blanks[batch])))
    read[~(visible >= MIN_VISIBLE)] = (0, 0, 1)
    return read


def look(crops: Bytes, blanks: Bytes) -> Singles:
    """What the network sees, (n, 48, 48, 3): crop and blank, their papers equally bright, and what differs, enlarged.

    Whole numbers 0 to 255.
    """
    crop, blank = _evened(crops), _evened(blanks)
    differs = np.clip(EVEN + ENLARGED * (crop - blank), 0, 255)
    return np.stack([crop, blank, differs.astype(np.float32)], axis=-1)


def _evened(crops: Bytes) -> Singles:
    flat = crops.reshape(len(crops), CROP * CROP)
    paper = np.partition(flat, int(CROP * CROP * _PAPER_RANK), axis=1)[:, int(CROP * CROP * _PAPER_RANK)]
    gain = np.float32(PAPER) / np.maximum(paper, 1).astype(np.float32)
    return np.minimum(np.rint(crops * gain[:, None, None]), 255).astype(np.float32)


def logits(net: Network, seen: Singles) -> NDArray[np.float64]:
    """Logarithms of the odds, (n, 3)."""
    now = seen
    for number, layer in enumerate(net.layers):
        if number == net.pool_before:
            now = _pooled(now)
        sums = _windows(now, layer) @ layer.weights
        sums += layer.bias
        if layer is net.layers[-1]:
            return sums.astype(np.float64) * layer.scale
        sums *= layer.scale
        np.rint(sums, out=sums)
        now = np.minimum(np.maximum(sums, 0, out=sums), 255, out=sums)
    raise ValueError("a network has layers")


def _windows(now: Singles, layer: Layer) -> Singles:
    """Rows of what each output looks at: (n, y, x, rows * columns * channels), or (n, all)."""
    if layer.side == 0:
        return now.reshape(len(now), -1)
    edge = layer.side // 2
    padded = np.pad(now, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    windows = sliding_window_view(padded, (layer.side, layer.side), axis=(1, 2))[:, :: layer.stride, :: layer.stride]
    n, y, x, channels = windows.shape[:4]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n, y, x, layer.side**2 * channels)


def _pooled(now: Singles) -> Singles:
    n, tall, wide, channels = now.shape
    return now.reshape(n, tall // 2, 2, wide // 2, 2, channels).max(axis=(2, 4))


def _likely(odds: NDArray[np.float64]) -> Singles:
    raised = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.round(raised / raised.sum(axis=1, keepdims=True), _DIGITS).astype(np.float32)


@cache
def network() -> Network:
    """The weights that come with the package."""
    return load(_BYTES)


def load(content: bytes) -> Network:
    """Weights from a file's bytes.

    Raises:
        ValueError: sums could grow beyond what float32 holds exactly.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    net = Network(tuple(_layers(arrays)), int(arrays["pool_before"]))
    for layer in net.layers:
        if (255 * np.abs(layer.weights).sum(axis=0) + np.abs(layer.bias)).max() >= _EXACT:
            raise ValueError("the weights are too large to be summed exactly")
    return net


def _layers(arrays: dict[str, NDArray[np.generic]]) -> Iterator[Layer]:
    for number, (side, stride) in enumerate(arrays["shapes"].tolist()):
        weights, bias, scale = (arrays[f"{name}{number}"].astype(np.float32) for name in ("weights", "bias", "scale"))
        yield Layer(weights, bias, scale, side, stride)
