"""Shared fixtures: real videos made once per run, the camera farm, and the real peers. A missing peer fails."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from aigaq.base import SystemClock
from aigaq.capture.farm import Farm

settings.register_profile(
    "any speed", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any speed")

REPO: Final = Path(__file__).resolve().parent.parent
SHARED: Final = Path(os.environ.get("AIGAQ_SHARED", REPO.parent / "shared"))
SYSTEM_PYTHON: Final = "/usr/bin/python3"
PEERS: Final = {
    "ffmpeg": "apt-get install -y ffmpeg",
    "ffprobe": "apt-get install -y ffmpeg",
    "chromium": "apt-get install -y chromium",
    "gstreamer": "apt-get install -y python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad",
}
Run = Callable[..., str]


def peer(name: str) -> str:
    """The path of a program that the tests need; where it is missing the test fails and says how to get it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: {PEERS[name]}", pytrace=False)
    return found


def runner(name: str) -> Run:
    """Runs the program, fails with what it said, returns its output."""
    program = peer(name)

    def run(*words: object, timeout: float = 60) -> str:
        command = [program, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
        return done.stdout

    return run


def draw(width: int, height: int, number: int) -> np.ndarray:
    """A frame with texture and movement, so that encoders have something to do."""
    y, x = np.ogrid[:height, :width]
    frame = np.empty((height, width, 3), np.uint8)
    frame[..., 0] = (x + 3 * number) % 256
    frame[..., 1] = (y * 2 + number) % 256
    frame[..., 2] = ((x ^ y) + 5 * number) % 256
    left = (number * 11) % (width - width // 8)
    frame[height // 3 : height // 2, left : left + width // 8] = (250, 240, 200)
    return frame


def encode(
    path: Path,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (640, 360),
    fps: int = 10,
    seconds: float = 6,
    gop: int = 10,
    b_frames: int = 0,
    audio: str = "",
) -> None:
    """Encode `draw` to mp4 or mov, with closed GOPs of exactly `gop` frames; `audio` names a codec for a tone."""
    rules = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:open-gop=0"
    flavour = {"x265-params": f"{rules}:log-level=none:pools=1"} if codec == "libx265" else {"x264-params": rules}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options={"preset": "ultrafast", "crf": "28", **flavour})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        sound = container.add_stream(audio, rate=8000, layout="mono") if audio else None
        for number in range(round(seconds * fps)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(*size, number), format="rgb24")))
        container.mux(stream.encode(None))
        if sound is not None:
            tone(container, sound, seconds)


def tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    """A steady tone of 8 kHz mono."""
    resampler = av.AudioResampler(format=stream.format, layout="mono", rate=8000, frame_size=stream.frame_size or 160)
    samples = (np.sin(np.arange(round(8000 * seconds)) / 5) * 8000).astype(np.int16)[None, :]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = 8000
    frame.pts = 0
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a file once for all workers of a run: `made_once("name.mp4", lambda path: …)`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    folder.mkdir(exist_ok=True)

    def make(name: str, write: Callable[[Path], object]) -> Path:
        path = folder / name
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                draft = folder / f"draft-{name}"
                write(draft)
                draft.rename(path)
        return path

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real footage and other real input."""
    if not (SHARED / "data").is_dir():
        pytest.fail(f"no real input at {SHARED}: set AIGAQ_SHARED to the folder that holds data/", pytrace=False)
    return SHARED


@pytest.fixture(scope="session")
def ffmpeg() -> Run:
    """Runs ffmpeg quietly and returns what it printed."""
    run = runner("ffmpeg")
    return lambda *words, timeout=60: run("-nostdin", "-v", "error", *words, timeout=timeout)


@pytest.fixture(scope="session")
def ffprobe() -> Run:
    """Runs ffprobe and returns what it printed."""
    run = runner("ffprobe")
    return lambda *words, timeout=60: run("-v", "error", *words, timeout=timeout)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return peer("chromium")


@pytest.fixture(scope="session")
def small_video(made_once) -> Path:
    """H.264 640x360, 10 frames per second, closed GOP of 1 s, 6 s."""
    return made_once("small.mp4", encode)


@pytest.fixture(scope="session")
def main_video(made_once) -> Path:
    """H.264 1280x720, 25 frames per second, closed GOP of 1 s, 4 s."""
    return made_once("main.mp4", lambda p: encode(p, size=(1280, 720), fps=25, gop=25, seconds=4))


@pytest.fixture(scope="session")
def other_size_video(made_once) -> Path:
    """As `small_video`, 480x272: other parameter sets at the same rate."""
    return made_once("other-size.mp4", lambda p: encode(p, size=(480, 272)))


@pytest.fixture(scope="session")
def hevc_video(made_once) -> Path:
    """H.265 640x360, 10 frames per second, closed GOP of 1 s, 4 s."""
    return made_once("hevc.mp4", lambda p: encode(p, codec="libx265", seconds=4))


@pytest.fixture(scope="session")
def bframe_video(made_once) -> Path:
    """H.264 640x360 with two B-frames between references: decoding order is not display order."""
    return made_once("bframes.mp4", lambda p: encode(p, b_frames=2, gop=12))


@pytest.fixture(scope="session")
def long_gop_video(made_once) -> Path:
    """H.264 320x180 with a key frame only every 10 s, as "smart codecs" do; 20 s."""
    return made_once("long-gop.mp4", lambda p: encode(p, size=(320, 180), gop=100, seconds=20))


@pytest.fixture(scope="session")
def aac_video(made_once) -> Path:
    """H.264 with an AAC track."""
    return made_once("aac.mp4", lambda p: encode(p, audio="aac"))


@pytest.fixture(scope="session")
def g711_video(made_once) -> Path:
    """H.264 with a G.711 A-law track."""
    return made_once("g711.mov", lambda p: encode(p, audio="pcm_alaw"))


@pytest.fixture(scope="session")
def person_video(made_once, shared, ffmpeg) -> Path:
    """Real footage, 8 s of one person at a time, H.264 with closed GOPs of 1 s."""
    source = shared / "data/videos/one-by-one-person-detection.mp4"
    return made_once("person.mp4", lambda p: transcode(ffmpeg, source, p, start=20))


@pytest.fixture(scope="session")
def street_video(made_once, shared, ffmpeg) -> Path:
    """Real footage, 8 s of people walking, H.264 with closed GOPs of 1 s."""
    return made_once("street.mp4", lambda p: transcode(ffmpeg, shared / "data/videos/vtest.avi", p, start=5))


def transcode(ffmpeg: Run, source: Path, path: Path, *, start: float) -> None:
    """Eight seconds of real footage as a camera would send it."""
    rules = ["-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-bf", "0", "-pix_fmt", "yuv420p"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-an"]
    ffmpeg("-ss", start, "-i", source, "-t", "8", *codec, *rules, "-f", "mp4", "-y", path)


@pytest.fixture
async def farm() -> AsyncIterator[Farm]:
    """A camera farm on a free port; add cameras to it."""
    async with Farm(clock=SystemClock()) as running:
        yield running


@pytest.fixture
def gst_rtsp() -> Iterator[Callable[..., dict[str, str]]]:
    """Serves mp4 files by GStreamer's RTSP server: `gst_rtsp({"cam": path}, codec="h264")` gives their addresses."""
    servers: list[subprocess.Popen[str]] = []

    def serve(files: dict[str, Path], *, codec: str = "h264") -> dict[str, str]:
        words = [f"{name}={path}" for name, path in files.items()]
        command = [SYSTEM_PYTHON, str(REPO / "tests/peers/gst_rtsp_server.py"), "--codec", codec, *words]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        line = server.stdout.readline().strip() if server.stdout else ""
        if not line.isdecimal():
            pytest.fail(f"GStreamer's RTSP server does not start: {PEERS['gstreamer']}", pytrace=False)
        return {name: f"rtsp://127.0.0.1:{line}/{name}" for name in files}

    yield serve
    for server in servers:
        server.kill()
        server.communicate()
