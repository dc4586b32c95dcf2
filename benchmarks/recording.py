"""What recording costs: our box, sealed and synced, beside one ffmpeg for each camera and beside the floor."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.box import BoxFolder
from benchmarks.lab import FarmProcess, Scale, Table, Usage, ffmpeg, measure, running, scratch, stored


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Recording 1080p25 H.264, 4 Mb/s over RTSP/TCP",
        ("way", "cameras", "CPU-s per stream-minute", "PSS MB per camera", "stored Mb/s per camera"),
        note="ours: hashed, synced, journalled, sealed · ffmpeg: none of it · floor: receive, write, hash, sync",
    )
    for cameras in (20, 50):
        with FarmProcess.of_clip(cameras) as farm:
            for name, way in WAYS.items():
                with scratch() as folder:
                    usage, rate = way(folder, list(farm.urls.values()), scale)
                per = usage.per_stream_minute(cameras)
                memory = usage.pss / cameras / 1e6
                table.rows.append((name, str(cameras), f"{per:.3f}", f"{memory:.1f}", f"{rate / cameras:.2f}"))
    return table


def _window(pids: Sequence[int], folder: Path, scale: Scale) -> tuple[Usage, float]:
    """Usage, and bits per second that reached the folder meanwhile."""
    time.sleep(scale.pick(8, 4))
    before, start = stored(folder), time.monotonic()
    usage = measure(pids, warm_up=0, window=scale.pick(30, 10))
    return usage, (stored(folder) - before) * 8 / (time.monotonic() - start) / 1e6


def _ours(folder: Path, urls: Sequence[str], scale: Scale) -> tuple[Usage, float]:
    box = BoxFolder.make(folder / "box", urls)
    with running([box.command]) as processes:
        box.wait_for_footage(len(urls))
        return _window([p.pid for p in processes], folder, scale)


def _ffmpeg(folder: Path, urls: Sequence[str], scale: Scale) -> tuple[Usage, float]:
    with running([hls(url, folder / str(n)) for n, url in enumerate(urls)]) as processes:
        return _window([p.pid for p in processes], folder, scale)


def _kept(folder: Path, urls: Sequence[str], scale: Scale) -> tuple[Usage, float]:
    folders = [folder / str(n) for n in range(len(urls))]
    recorders = [hls(url, place) for url, place in zip(urls, folders, strict=True)]
    with running([*recorders, [sys.executable, "-m", "benchmarks.keeper", *folders]]) as processes:
        return _window([p.pid for p in processes], folder, scale)


def _floor(folder: Path, urls: Sequence[str], scale: Scale) -> tuple[Usage, float]:
    with running([[sys.executable, "-m", "benchmarks.floor", folder, *urls]]) as processes:
        return _window([p.pid for p in processes], folder, scale)


def hls(url: str, folder: Path, *, size: int = 0) -> list[object]:
    """One camera into 2 s fMP4 segments with wall times, the way video recorders in Python do it."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = ["-f", "hls", "-hls_time", "2", "-hls_segment_type", "fmp4", "-hls_list_size", size]
    names = ["-hls_flags", "program_date_time", "-hls_segment_filename", folder / "%05d.m4s", folder / "live.m3u8"]
    return [*ffmpeg(), "-rtsp_transport", "tcp", "-i", url, "-c", "copy", *kind, *names]


WAYS: Final = {
    "aigaq station": _ours,
    "ffmpeg -c copy, HLS fMP4, one per camera": _ffmpeg,
    "the same, each file hashed and synced": _kept,
    "floor": _floor,
}
