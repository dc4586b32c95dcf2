"""Films a set: draws its frames, burns the clock in, encodes main and sub stream as a good camera would.

H.264, no B-frames, a closed GOP each second. A piece of a minute is filmed at a time, so that processes can share the
work; pieces join without a seam because each begins with a key frame and the encoder's settings are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from aigaq.election import Zone
from aigaq.simulator.clock_strip import HEIGHT, WIDTH, ClockFace
from aigaq.simulator.paint import Bytes2D, Canvas, Placed, halved
from aigaq.simulator.sets import LOOP, SETS, Stage, caption

MAIN_FPS: Final = 16
SUB_FPS: Final = 8
PIECES: Final = 6
"""Into which a minute is cut."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of one zone's minute, and the files it is filmed into."""

    zone: Zone
    number: int
    main: Path
    sub: Path

    @property
    def frames(self) -> range:
        """Numbers of its main stream's frames in the minute."""
        count = int(LOOP) * MAIN_FPS // PIECES
        return range(self.number * count, (self.number + 1) * count)


class _Camera:
    """Encodes one stream."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, *, crf: int, peak: int) -> None:
        self._container: OutputContainer = av.open(str(path), "w", format="mp4")
        rules = f"keyint={fps}:min-keyint={fps}:scenecut=0:bframes=0:open-gop=0:colorprim=bt709:transfer=bt709"
        rate = f"colormatrix=bt709:vbv-maxrate={peak}:vbv-bufsize={peak}"
        options = {"preset": "superfast", "crf": str(crf), "x264-params": f"{rules}:{rate}"}
        self._stream: VideoStream = self._container.add_stream("libx264", rate=fps, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.thread_count = 1
        self._time_base = Fraction(1, fps)
        self._frames = 0

    def film(self, planes: Sequence[Bytes2D]) -> None:
        flat = np.concatenate([plane.reshape(-1) for plane in planes])
        picture = flat.reshape(-1, planes[0].shape[1])
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = self._frames, self._time_base
        self._frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


def film(piece: Piece) -> Piece:
    """Film a piece into its two files."""
    stage, clock, captions = _props(piece.zone)
    canvas = Canvas(stage.background)
    main = _Camera(piece.main, (WIDTH, HEIGHT), MAIN_FPS, crf=23, peak=1600)
    sub = _Camera(piece.sub, (WIDTH // 2, HEIGHT // 2), SUB_FPS, crf=24, peak=400)
    for number in piece.frames:
        canvas.clear()
        for placed in (*stage.at(number / MAIN_FPS), *captions, *clock.at(number * 10 // MAIN_FPS)):
            canvas.put(placed)
        main.film(canvas.planes)
        if number % (MAIN_FPS // SUB_FPS) == 0:
            sub.film([halved(plane) for plane in canvas.planes])
    main.close()
    sub.close()
    return piece


@cache
def _props(zone: Zone) -> tuple[Stage, ClockFace, tuple[Placed, Placed]]:
    """A set with its captions, built once in each process."""
    stage = SETS[zone]()
    captions = (Placed(caption(stage.name), 16, 16), Placed(caption("AIGAQ · СИМУЛЯЦИЯ"), 16, HEIGHT - 52))
    return stage, ClockFace(), captions


def join(pieces: Sequence[Path], path: Path) -> None:
    """Put pieces one behind the other, bytes of the frames unchanged."""
    with av.open(str(path), "w", format="mp4") as joined:
        track = None
        offset = 0
        for name in pieces:
            with av.open(str(name), "r") as piece:
                source = piece.streams.video[0]
                track = track or joined.add_stream_from_template(source)
                end = offset
                for packet in piece.demux(source):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts += offset
                    packet.dts += offset
                    end = packet.pts + (packet.duration or 0)
                    packet.stream = track
                    joined.mux(packet)
                offset = end
