"""What a SIGKILL at a random moment costs: our box beside ffmpeg writing mp4 files of 10 s."""

import random
import subprocess
import time
from pathlib import Path

from aigaq_verify import GapCause, GapRecord, SegmentRecord
from benchmarks.box import BoxFolder
from benchmarks.lab import FarmProcess, Scale, Table, ffmpeg, running, scratch, spread

CAMERAS = 8
SEGMENT = 10.0


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Footage lost on SIGKILL at a random moment",
        ("way", "kills", "lost seconds: median (least-most)", "of them signed as a gap"),
        note=f"{CAMERAS} cameras at a time; lost = from the end of the last readable footage to the kill",
    )
    with FarmProcess.of_clip(CAMERAS) as farm:
        lost, signed = _ours(list(farm.urls.values()), rounds=int(scale.pick(4, 1)))
        table.rows.append(("aigaq station", str(len(lost)), spread(lost), f"{signed} of {len(lost)}"))
        lost = _ffmpeg(list(farm.urls.values()), rounds=int(scale.pick(2, 1)))
        table.rows.append(("ffmpeg -f segment, mp4 of 10 s", str(len(lost)), spread(lost), "none"))
    return table


def _ours(urls: list[str], *, rounds: int) -> tuple[list[float], int]:
    lost: list[float] = []
    signed = 0
    for _ in range(rounds):
        with scratch() as folder:
            box = BoxFolder.make(folder / "box", urls)
            with running([box.command]) as processes:
                box.wait_for_footage(CAMERAS)
                time.sleep(random.uniform(1, 5))
                processes[0].kill()
                killed_ms = time.time_ns() // 1_000_000  # noqa: TID251 - compared with what other programs wrote
            with running([box.command]):
                box.wait_for_recovery(CAMERAS)
            for records in box.records().values():
                before = [r for r in records if isinstance(r, SegmentRecord) and r.start_ms < killed_ms]
                end = max(r.end_ms for r in before)
                lost.append((killed_ms - end) / 1000)
                signed += any(
                    isinstance(r, GapRecord) and r.cause is GapCause.RESTART and abs(r.from_ms - end) < 2
                    for r in records
                )
    return lost, signed


def _ffmpeg(urls: list[str], *, rounds: int) -> list[float]:
    """Started one after the other, so that the kill meets files of every age."""
    lost: list[float] = []
    for _ in range(rounds):
        with scratch() as folder:
            begun: list[float] = []
            with running([]) as processes:
                for n, url in enumerate(urls):
                    command = [*ffmpeg(), "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "segment"]
                    command += ["-segment_time", str(SEGMENT), "-reset_timestamps", "1", str(folder / f"{n}-%03d.mp4")]
                    processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
                    begun.append(time.time())  # noqa: TID251
                    time.sleep(SEGMENT / len(urls))
                time.sleep(SEGMENT + random.uniform(0, SEGMENT))
                for process in processes:
                    process.kill()
                killed = time.time()  # noqa: TID251 - compared with the times of files
            lost += [killed - max(start, _readable_until(folder, n)) for n, start in enumerate(begun)]
    return lost


def _readable_until(folder: Path, camera: int) -> float:
    """When the last file that can still be opened was finished."""
    return max((p.stat().st_mtime for p in folder.glob(f"{camera}-*.mp4") if _opens(p)), default=0.0)


def _opens(path: Path) -> bool:
    return subprocess.run([*ffmpeg(), "-i", path, "-t", "0.1", "-f", "null", "-"], check=False).returncode == 0
