"""Films a count: every frame in order through the sensor into H.264, beside it the truth and the blanks.

The encoder runs in one thread, so the same plan gives the same frames to the last bit on one machine.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from aigaq.base import N_, AigaqError
from aigaq.simulator.ballots import write_style
from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.cast import cast
from aigaq.simulator.count.lens import Sensor
from aigaq.simulator.count.motion import Script, direct
from aigaq.simulator.count.plan import CountPlan
from aigaq.simulator.count.stage import Seen, Stage, cameras
from aigaq.simulator.count.truth import FORMAT, Witness, activities, presentations

Progress = Callable[[float], None]
Bytes = NDArray[np.uint8]


class CountFilmError(AigaqError):
    """The film of a count cannot be made."""

    code = "simulator.count_film"
    why = N_("The film of the count cannot be made: {problem}.")
    hint = N_("See that the folder can be written and has room, then start again.")


@dataclass(frozen=True, slots=True)
class CountFilm:
    """One camera's film and its truth."""

    film: Path
    truth: Path


def render_count(plan: CountPlan, out_folder: Path, progress: Progress = lambda _: None) -> tuple[CountFilm, ...]:
    """Film a count by each of the plan's cameras.

    Writes `film.mp4` and `truth.json` (for the second camera `film-2.mp4`, `truth-2.json`), and `styles/<id>/`.
    `progress` hears shares of 1.

    Raises:
        CountFilmError: the folder cannot be written, or the encoder gave up.
    """
    views = cameras(plan)
    script = direct(plan, cast(plan), views[0])
    films = list[CountFilm]()
    try:
        for style in plan.styles:
            write_style(style, out_folder / "styles")
        for number, view in enumerate(views):
            tail = f"-{number + 1}" if number else ""
            files = CountFilm(out_folder / f"film{tail}.mp4", out_folder / f"truth{tail}.json")
            films.append(_film(plan, script, view, files, _part(progress, number, len(views))))
    except (OSError, FFmpegError) as error:
        raise CountFilmError(str(out_folder), problem=str(error)) from error
    progress(1.0)
    return tuple(films)


def _part(progress: Progress, number: int, count: int) -> Progress:
    return lambda share: progress((number + share) / count)


def _film(plan: CountPlan, script: Script, view: Camera, files: CountFilm, progress: Progress) -> CountFilm:
    fps = plan.conditions.fps
    frames = ceil(script.seconds * fps)
    stage = Stage(plan, script, view)
    sensor = Sensor(plan.conditions, (plan.width, plan.height), plan.seed)
    witness = Witness()
    encoder = _Encoder(files.film, plan)
    try:
        for number in range(frames):
            now = float(number / fps)
            shot = stage.at(now)
            encoder.add(_mounted(plan, sensor.exposed(shot.picture, now, shot.bright)))
            witness.look(number, _turned(plan, shot.seen))
            progress(number / frames)
    finally:
        encoder.close()
    truth = {
        "format": FORMAT,
        "seed": plan.seed,
        "film": {
            "file": files.film.name,
            "width": plan.width,
            "height": plan.height,
            "fps": float(fps),
            "frames": frames,
        },
        "styles": [style.id for style in plan.styles],
        "presentations": presentations(script, witness, float(fps)),
        "activity": activities(script),
    }
    _write(files.truth, truth)
    return files


def _write(path: Path, truth: dict[str, Any]) -> None:
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _mounted(plan: CountPlan, planes: Bytes) -> Bytes:
    """The frame of a camera that was hung head down."""
    if not plan.camera_upside_down:
        return planes
    flat = planes.reshape(-1)
    size = plan.width * plan.height
    parts = (flat[:size], flat[size : size * 5 // 4], flat[size * 5 // 4 :])
    return np.concatenate([part[::-1] for part in parts]).reshape(planes.shape)


def _turned(plan: CountPlan, seen: Seen | None) -> Seen | None:
    if seen is None or not plan.camera_upside_down:
        return seen
    last = np.array([plan.width - 1, plan.height - 1])
    return Seen(seen.n, seen.front, seen.held, last - seen.corners, last - seen.boxes, seen.visible, seen.speed)


class _Encoder:
    """H.264 as a camera makes it: no B-frames, a key frame every two seconds, a steady bit rate."""

    def __init__(self, path: Path, plan: CountPlan) -> None:
        fps, rate = plan.conditions.fps, plan.conditions.kbit_s
        self._container: OutputContainer = av.open(str(path), "w", format="mp4")
        gop = max(1, round(2 * fps))
        rules = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:vbv-maxrate={rate * 3 // 2}:vbv-bufsize={rate * 2}"
        colour = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
        options = {"preset": "superfast", "x264-params": f"{rules}:{colour}"}
        self._stream: VideoStream = self._container.add_stream("libx264", rate=fps, options=options)
        self._stream.width, self._stream.height = plan.width, plan.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.bit_rate = rate * 1000
        self._stream.codec_context.thread_count = 1
        self._time_base = Fraction(1) / fps
        self._frames = 0

    def add(self, planes: Bytes) -> None:
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = self._frames, self._time_base
        self._frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
