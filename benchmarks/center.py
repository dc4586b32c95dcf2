"""A whole small election for a benchmark: the demo's cameras, one real box, a real centre, and Chromium before it."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from aigaq.app.demo_files import ENROLMENT, Ports, demo_register, mount, write_demo
from aigaq.base import SystemClock, from_ms, utc_ms
from aigaq.ledger.enrolment import post_leaf
from aigaq.simulator import make_scenes
from benchmarks.lab import FOLDER, LOG, FarmProcess, running

HLS_JS = Path(__file__).parents[1] / "ui/node_modules/hls.js/dist/hls.light.min.js"
PAGE_JS = Path(__file__).parent / "page.js"


@dataclass(frozen=True, slots=True)
class Center:
    """A running centre with one station."""

    origin: str
    station: str
    camera: str
    camera_url: str
    """Of the camera's sub stream, for peers."""

    @property
    def media(self) -> str:
        """The sub stream's playlists."""
        return f"{self.origin}/media/{self.station}/{self.camera}/sub"


@contextmanager
def center(folder: Path) -> Iterator[Center]:
    """Everything started, and the first footage there."""
    films = make_scenes(FOLDER)
    now = from_ms(utc_ms(SystemClock()))
    plan = demo_register(now, 1, "rtsp://127.0.0.1:0")
    cameras = {mount(c, s): getattr(films[c.zone], s) for c in plan.cameras() for s in ("main", "sub")}
    with FarmProcess(cameras, wall_aligned=True) as farm, ExitStack() as stack:
        base = next(iter(farm.urls.values())).rpartition("/")[0]
        register = demo_register(now, 1, base)
        port, patch, *witnesses = (free_port() for _ in range(5))
        ports = Ports(port, patch, tuple(witnesses))
        files = write_demo(folder, register, SystemClock(), ports)
        aigaq: list[object] = [sys.executable, "-m", "aigaq"]
        keepers = [
            [*aigaq, "witness", "run", "--config", path, "--listen", f"127.0.0.1:{at}"]
            for path, at in zip(files.witnesses, witnesses, strict=True)
        ]
        stack.enter_context(running([*keepers, [*aigaq, "center", "run", "--config", files.center]]))
        wait_for(f"{ports.center_url}/policy.txt")
        for path in files.stations.values():
            post_leaf(ports.center_url, (path.parent / "data" / ENROLMENT).read_bytes())
        stack.enter_context(running([[*aigaq, "station", "run", "--config", path] for path in files.stations.values()]))
        camera = next(iter(register.cameras()))
        found = Center(ports.center_url, camera.station, camera.id, farm.urls[mount(camera, "sub")])
        wait_for(f"{found.media}/live.m3u8")
        yield found


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 60) -> None:
    """Until an address answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise SystemExit(f"nothing at {url} after {seconds:g} s; see {LOG}")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A plain file server, for playlists that ffmpeg writes."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/live.m3u8")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def browser() -> Iterator[Page]:
    """A page of headless Chromium that can read the clock in a video."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("chromium is missing: apt-get install -y chromium")
    with sync_playwright() as playwright:
        arguments = ["--autoplay-policy=no-user-gesture-required", "--no-sandbox"]
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        page = chromium.new_context(bypass_csp=True, viewport={"width": 1440, "height": 900}).new_page()
        page.add_init_script(path=PAGE_JS)
        yield page
        chromium.close()


def player(page: Page, origin: str) -> None:
    """An empty page of that origin with hls.js and a video."""
    page.goto(f"{origin}/no-such-page", wait_until="commit")
    page.set_content("<video muted playsinline style='width:640px'></video>")
    page.add_script_tag(path=HLS_JS)
