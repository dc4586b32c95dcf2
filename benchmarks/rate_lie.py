"""Wall-clock error behind a camera that stamps 25 frames and sends 24: our box beside ffmpeg's PROGRAM-DATE-TIME.

The camera's picture carries the true time of each frame. Both recorders say when each segment begins; the picture that
opens it says when that was.
"""

import io
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import av

from aigaq.election import Zone
from aigaq.simulator import make_scenes, read_clock
from aigaq_verify import SegmentRecord
from benchmarks.box import BoxFolder
from benchmarks.lab import FOLDER, FarmProcess, Scale, Table, running, scratch
from benchmarks.recording import hls

LIE = 24 / 25


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Wall-clock error behind a camera that lies about its rate by 4 %",
        ("way", "segments", "first, s", "last, s", "largest, s", "growth, s per hour"),
        note="error = claimed begin of a segment minus the clock in its first picture",
    )
    film = make_scenes(FOLDER)[Zone.OBSERVER_AREA].main
    seconds = scale.pick(75, 25)
    with FarmProcess({"cam": film}, wall_aligned=True) as farm:
        farm.fault("cam", stamp_rate=LIE)
        with scratch() as folder:
            box = BoxFolder.make(folder / "box", [farm.urls["cam"]])
            with running([box.command, hls(farm.urls["cam"], folder / "ffmpeg")]):
                time.sleep(seconds + 4)
            table.rows.append(("aigaq station", *_errors(_ours(box))))
            table.rows.append(("ffmpeg, PROGRAM-DATE-TIME", *_errors(_ffmpeg(folder / "ffmpeg"))))
    return table


def _errors(found: Iterator[tuple[float, float]]) -> tuple[str, str, str, str, str]:
    """From (claimed, shown) pairs in order."""
    pairs = list(found)
    errors = [(claimed - shown + 30) % 60 - 30 for claimed, shown in pairs]
    growth = (errors[-1] - errors[0]) / (pairs[-1][0] - pairs[0][0]) * 3600
    largest = max(errors, key=abs)
    return str(len(pairs)), f"{errors[0]:+.3f}", f"{errors[-1]:+.3f}", f"{largest:+.3f}", f"{growth:+.1f}"


def _ours(box: BoxFolder) -> Iterator[tuple[float, float]]:
    for record in box.records()["c0"]:
        if isinstance(record, SegmentRecord):
            init = box.folder / "data" / "init" / f"{record.init_sha256.hex()}.mp4"
            media = box.folder / "data" / "spool" / record.object_name
            yield record.start_ms / 1000, _shown(init.read_bytes() + media.read_bytes())


def _ffmpeg(folder: Path) -> Iterator[tuple[float, float]]:
    playlist = (folder / "live.m3u8").read_text()
    init = (folder / "init.mp4").read_bytes()
    for stamp, name in re.findall(r"PROGRAM-DATE-TIME:(\S+)\n(?:#.*\n)*(\d+\.m4s)", playlist):
        claimed = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
        yield claimed, _shown(init + (folder / name).read_bytes())


def _shown(data: bytes) -> float:
    """The clock in the first picture: a key frame, which the film has at whole seconds."""
    with av.open(io.BytesIO(data), "r") as media:
        clock = read_clock(next(media.decode(video=0)).to_ndarray(format="gray"))
    if clock is None or clock % 1:
        raise SystemExit(f"no whole second in the picture: {clock}")
    return clock
