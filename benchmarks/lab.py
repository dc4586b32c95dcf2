"""What all benchmarks share: the clip, the farm in its own process, meters of CPU and memory, and tables."""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

FOLDER: Final = Path(tempfile.gettempdir()) / "aigaq-benchmarks"
"""Videos made once; everything else is removed after use."""
LOG: Final = FOLDER / "last.log"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Scale:
    """How long to look."""

    quick: bool = False

    def pick(self, full: float, quick: float) -> float:
        """The length for this run."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Table:
    """One benchmark's result."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    note: str = ""


def clip_1080p() -> Path:
    """1080p25, 4 Mb/s, GOP 2 s, no B-frames, 10 s: a moving test picture under noise, as sensors make it."""
    path = FOLDER / "clip-1080p25-4m.mp4"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        picture = "testsrc2=size=1920x1080:rate=25,noise=alls=14:allf=t"
        rate = ["-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-x264-params", "nal-hrd=cbr:force-cfr=1"]
        shape = ["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-bf", "0", "-pix_fmt", "yuv420p"]
        draft = path.with_suffix(".draft.mp4")
        encode = ["-c:v", "libx264", "-preset", "veryfast", *rate, *shape, "-t", "10", draft]
        subprocess.run([*ffmpeg(), "-y", "-f", "lavfi", "-i", picture, *encode], check=True)
        draft.rename(path)
    return path


def ffmpeg() -> list[str]:
    """ffmpeg, silent but for what matters."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise SystemExit("ffmpeg is missing: apt-get install -y ffmpeg")
    return [program, "-nostdin", "-v", "fatal"]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aigaq-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class FarmProcess:
    """A camera farm in a process of its own, so that its cost is not ours."""

    def __init__(self, cameras: dict[str, Path], *, wall_aligned: bool = False) -> None:
        command = [sys.executable, "-m", "benchmarks.farm_process"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        spec = {"cameras": {name: str(path) for name, path in cameras.items()}, "wall_aligned": wall_aligned}
        self.urls: dict[str, str] = self._say(spec)

    @classmethod
    def of_clip(cls, cameras: int) -> Self:
        """So many cameras `0`, `1` … that show the clip."""
        clip = clip_1080p()
        return cls({str(n): clip for n in range(cameras)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def fault(self, camera: str, **changes: object) -> None:
        """Change a camera's faults."""
        self._say({"camera": camera, "changes": changes})

    def _say(self, order: object) -> dict[str, str]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no way to the farm")
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@dataclass(frozen=True, slots=True)
class Usage:
    """What some processes took in a window."""

    seconds: float
    cpu: float
    pss: int

    def per_stream_minute(self, streams: int) -> float:
        """CPU seconds for one stream's minute."""
        return self.cpu / (self.seconds / 60 * streams)


def measure(pids: Iterable[int], *, warm_up: float, window: float) -> Usage:
    """CPU and proportional memory of processes, after they have settled."""
    pids = list(pids)
    time.sleep(warm_up)
    cpu, start = sum(map(cpu_seconds, pids)), time.monotonic()
    time.sleep(window)
    return Usage(time.monotonic() - start, sum(map(cpu_seconds, pids)) - cpu, sum(map(memory, pids)))


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> int:
    """Bytes that belong to a process, its share of what several use included."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


@contextmanager
def running(commands: Iterable[Sequence[object]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are killed afterwards; what they say is kept until the next benchmark."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log:
        started = [subprocess.Popen([str(w) for w in command], stdout=log, stderr=log) for command in commands]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def stored(folder: Path) -> int:
    """Bytes of media in a folder."""
    kinds = {".m4s", ".mp4", ".part"}
    total = 0
    for path in folder.rglob("*"):
        if path.suffix in kinds:
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
    return total


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median with the smallest and the largest."""
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def machine() -> str:
    """What this was measured on."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    system = os.uname()
    load = os.getloadavg()[0]
    peer = subprocess.run([*ffmpeg(), "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    data, start = bytes(64 << 20), time.process_time()
    hashlib.sha256(data).digest()
    hashing = 64 * 1.048576 / (time.process_time() - start)
    return (
        f"{cpu[1] if cpu else system.machine}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB · "
        f"{system.sysname} {system.release} · Python {sys.version.split()[0]} · ffmpeg {peer} · "
        f"SHA-256 {hashing:.0f} MB/s · load before {load:.1f}"
    )
