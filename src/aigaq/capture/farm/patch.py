"""A blinking patch in a farm's camera without encoding live: two videos, dark and lit, changed at key frames.

Both are the same film but for one rectangle, with closed GOPs of exactly half a second, so that a change between them
at a key frame is what a camera sees that films a screen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from aigaq.capture.farm.errors import FarmVideoError
from aigaq.capture.farm.video import Video
from aigaq.capture.patch_code import SLOT_MS, Box

DARK: Final = 60
LIT: Final = 180
"""Luma of a screen across a room."""
HALF_GOP_MS: Final = SLOT_MS // 2


@dataclass(frozen=True, slots=True)
class Patch:
    """What a camera shows beside its own video, and when. The camera should be wall-aligned."""

    lit: Video
    bright: Callable[[int], bool]
    """Whether the screen is bright at a UTC time in milliseconds; asked at each key frame for the middle of its GOP."""


def film_patch(source: Path, dark: Path, lit: Path, box: Box, *, luma: tuple[int, int] = (DARK, LIT)) -> None:
    """Encode a film twice, with the rectangle in one luma and the other, for `Farm.add(dark, patch=Patch(lit, …))`.

    Raises:
        FarmVideoError: it cannot be read, or half a second is no whole number of its frames.
    """
    try:
        with av.open(str(source), "r") as film:
            stream = film.streams.video[0]
            rate = stream.average_rate or Fraction(1)
            if (rate / 2).denominator != 1:
                raise FarmVideoError(str(source), problem=f"half a second is no whole number of frames at {rate} fps")
            with av.open(str(dark), "w", format="mp4") as first, av.open(str(lit), "w", format="mp4") as second:
                takes = [(_camera(out, stream, rate), out, y) for out, y in zip((first, second), luma, strict=True)]
                for number, frame in enumerate(film.decode(stream)):
                    planes = frame.to_ndarray(format="yuv420p")
                    for camera, out, y in takes:
                        out.mux(camera.encode(_frame(planes, box, y, number, rate)))
                for camera, out, _ in takes:
                    out.mux(camera.encode(None))
    except (FFmpegError, OSError, IndexError) as error:
        raise FarmVideoError(str(source), problem=str(error)) from error


def _camera(out: OutputContainer, like: VideoStream, rate: Fraction) -> VideoStream:
    gop = rate // 2
    rules = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:open-gop=0"
    camera = out.add_stream("libx264", rate=rate, options={"preset": "superfast", "crf": "24", "x264-params": rules})
    camera.width, camera.height, camera.pix_fmt = like.width, like.height, "yuv420p"
    camera.codec_context.thread_count = 1
    return camera


def _frame(planes: np.ndarray, box: Box, luma: int, number: int, rate: Fraction) -> av.VideoFrame:
    planes[box.top : box.top + box.height, box.left : box.left + box.width] = luma
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = number, 1 / rate
    return frame
