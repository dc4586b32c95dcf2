"""Several pictures of one sheet made one: at every pixel the middle of what can be seen there."""

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def fuse(pictures: list[Bytes], hidden: list[Bytes]) -> tuple[Bytes, Bytes]:
    """The fused picture and in how many pictures each pixel is seen; `hidden` is not 0 where a picture does not count.

    The middle is the mean of the two middle values for an even number, and of the three middle ones for an odd number
    of five or more. Where no picture counts, the middle of all stands, for people to look at.
    """
    seen = np.zeros(pictures[0].shape, np.uint8)
    for mask in hidden:
        seen += (mask == 0).astype(np.uint8)
    counted = [np.where(mask != 0, np.uint8(255), picture) for picture, mask in zip(pictures, hidden, strict=True)]
    fused = np.zeros_like(pictures[0])
    ordered = _sorted(counted)
    for count in range(1, len(pictures) + 1):
        here = seen == count
        if here.any():
            np.copyto(fused, _middle(ordered[:count]), where=here)
    if (seen == 0).any():
        np.copyto(fused, _middle(_sorted(pictures)), where=seen == 0)
    return fused, seen


def _middle(ordered: list[Bytes]) -> Bytes:
    count = len(ordered)
    half = count // 2
    if count % 2 == 0:
        return cv2.addWeighted(ordered[half - 1], 0.5, ordered[half], 0.5, 0).astype(np.uint8, copy=False)
    if count < 5:
        return ordered[half]
    outer = cv2.addWeighted(ordered[half - 1], 0.5, ordered[half + 1], 0.5, 0)
    return cv2.addWeighted(outer, 2 / 3, ordered[half], 1 / 3, 0).astype(np.uint8, copy=False)


def _sorted(pictures: list[Bytes]) -> list[Bytes]:
    """Pixel by pixel in rising order: neighbours are exchanged, which is cheap on whole pictures."""
    row = list(pictures)
    for turn in range(len(row)):
        for n in range(turn % 2, len(row) - 1, 2):
            low, high = cv2.min(row[n], row[n + 1]), cv2.max(row[n], row[n + 1])
            row[n], row[n + 1] = low.astype(np.uint8, copy=False), high.astype(np.uint8, copy=False)
    return row
