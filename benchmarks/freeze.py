"""What one frozen camera does to the others: our box, one ffmpeg for each camera, and one ffmpeg for all."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.box import BoxFolder
from benchmarks.lab import FarmProcess, Scale, Table, ffmpeg, running, scratch
from benchmarks.recording import hls

CAMERAS = 20
STEP = 0.25


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        f"One of {CAMERAS} cameras freezes (connection open, no RTP)",
        ("way", "others: longest standstill, s", "others that stood still > 3 s", "frozen one is back after, s"),
        note="standstill: no byte more in a camera's folder; half a second is a part, two are a segment",
    )
    with FarmProcess.of_clip(CAMERAS) as farm:
        for name, way in (("aigaq station", _ours), ("ffmpeg, one per camera", _each), ("ffmpeg, one for all", _all)):
            with scratch() as folder:
                folders, commands = way(folder, list(farm.urls.values()))
                with running(commands):
                    table.rows.append((name, *_look(farm, folders, scale)))
    return table


def _look(farm: FarmProcess, folders: Sequence[Path], scale: Scale) -> tuple[str, str, str]:
    """Freeze camera 0 for a while and look at everybody's growth."""
    frozen = scale.pick(10, 6)
    time.sleep(scale.pick(12, 10))
    watch = Growth(folders)
    watch.for_seconds(5)
    farm.fault("0", freeze=True)
    watch.for_seconds(frozen)
    farm.fault("0", freeze=False)
    watch.worst[0] = 0.0
    back = watch.until_growth(0, scale.pick(20, 8))
    others = watch.worst[1:]
    return f"{max(others):.1f}", f"{sum(w > 3 for w in others)} of {len(others)}", back


class Growth:
    """How long each folder has not grown."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        now = time.monotonic()
        self._sizes = [size(f) for f in folders]
        self._grown = [now] * len(folders)
        self.worst = [0.0] * len(folders)

    def for_seconds(self, seconds: float) -> None:
        """Watch."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(STEP)
            self.look()

    def until_growth(self, number: int, seconds: float) -> str:
        """Seconds until this folder grows again."""
        start, before = time.monotonic(), self._sizes[number]
        while time.monotonic() - start < seconds:
            time.sleep(STEP)
            self.look()
            if self._sizes[number] > before:
                return f"{time.monotonic() - start:.1f}"
        return f"not within {seconds:.0f}"

    def look(self) -> None:
        """One look at all."""
        now = time.monotonic()
        for n, folder in enumerate(self._folders):
            found = size(folder)
            if found > self._sizes[n]:
                self._sizes[n], self._grown[n] = found, now
            self.worst[n] = max(self.worst[n], now - self._grown[n])


def size(folder: Path) -> int:
    """Bytes of the files in a folder, that of a file being renamed not twice."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _ours(folder: Path, urls: Sequence[str]) -> tuple[list[Path], list[list[object]]]:
    box = BoxFolder.make(folder / "box", urls)
    spool = box.folder / "data" / "spool" / "bench" / "box"
    return [spool / f"c{n}" for n in range(len(urls))], [box.command]


def _each(folder: Path, urls: Sequence[str]) -> tuple[list[Path], list[list[object]]]:
    folders = [folder / str(n) for n in range(len(urls))]
    return folders, [hls(url, f) for url, f in zip(urls, folders, strict=True)]


def _all(folder: Path, urls: Sequence[str]) -> tuple[list[Path], list[list[object]]]:
    """One process with an input and an output for each camera."""
    command: list[object] = ffmpeg()
    for url in urls:
        command += ["-rtsp_transport", "tcp", "-i", url]
    folders = [folder / str(n) for n in range(len(urls))]
    for n, out in enumerate(folders):
        out.mkdir()
        command += ["-map", f"{n}:v", "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_segment_type", "fmp4"]
        command += ["-hls_list_size", "0", "-hls_segment_filename", out / "%05d.m4s", out / "live.m3u8"]
    return folders, [command]
