"""Takes pictures of the running demo: `screenshots.py [--url URL] [--into FOLDER] [--readme]`.

Without `--url` it starts a demo of its own and waits for its first gap. Every page is taken in three languages, at
1440 and 390 pixels, by day and by night; `--readme` renews only the picture in the README.
"""

import argparse
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from aigaq.base import SystemClock, utc_ms

ROOT: Final = Path(__file__).resolve().parent.parent
README_PICTURE: Final = ROOT / "docs" / "images" / "demo.png"
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
STATION: Final = "station/example-001"
LOW_DELAY_MS: Final = 12_000
"""By then the station sends parts of the watched camera, and the player has changed over."""
PAGES: Final = {"stations": "", "station": STATION, "check": "check", "proof": "proof?station=example-001&t={moment}"}
LANGUAGES: Final = ("kk", "ru", "en")
CAMERA: Final = "box"
CLIP_S: Final = 20
VERDICT_MS: Final = 2500
SIZES: Final = {1440: 900, 390: 844}
HISTORY_S: Final = 100
"""The demo's first camera fails after 25 s for 12 s; then the archive has something to show."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="take this running demo instead of a new one")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--readme", action="store_true", help="only the picture in the README")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("screenshots: no Chromium here; Debian: apt-get install chromium", file=sys.stderr)
        return 1
    with running(options.url) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        take_readme_picture(browser, url)
        if not options.readme:
            take_all(browser, url, options.into)
        browser.close()
    return 0


@contextmanager
def running(url: str | None) -> Generator[str]:
    """The address of the demo that was named, or of one that runs for us."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).parent / "aigaq", "demo", "--port", "0", "--folder", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield address(demo)
        finally:
            demo.terminate()
            demo.wait(60)


def address(demo: "subprocess.Popen[str]") -> str:
    """Wait until the demo says where it is, and until its archive has a gap."""
    assert demo.stdout  # noqa: S101 - asked for above
    for line in demo.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            print(f"screenshots: {found[0]} runs; waiting {HISTORY_S} s for some history", file=sys.stderr)
            time.sleep(HISTORY_S)
            return found[0]
    print("screenshots: the demo did not start; run `aigaq demo` to see why", file=sys.stderr)
    sys.exit(1)


def take_readme_picture(browser: Browser, url: str) -> None:
    page = opened(browser, f"{url}/en/{STATION}", 1440, "light")
    page.set_viewport_size({"width": 1440, "height": 1210})
    page.wait_for_timeout(LOW_DELAY_MS)
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README_PICTURE)
    print(README_PICTURE.relative_to(ROOT))


def take_all(browser: Browser, url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    moment = utc_ms(SystemClock()) - 60_000
    query = f"station=example-001&camera={CAMERA}&stream=sub&from={moment}&to={moment + CLIP_S * 1000}"
    clip = fetched(f"{url}/api/v1/clip.zip?{query}", folder / "clip.zip")
    trust = fetched(f"{url}/policy.txt", folder / "policy.txt")
    pages = {name: path.format(moment=moment) for name, path in PAGES.items()}
    for language, width, scheme in itertools.product(LANGUAGES, SIZES, ("light", "dark")):
        for name, path in pages.items():
            page = opened(browser, f"{url}/{language}/{path}", width, scheme)
            take(page, folder / f"{name}-{language}-{width}-{scheme}.png")
        page = opened(browser, f"{url}/verifier.html#{language}", width, scheme)
        page.set_input_files("#trust-file", trust)
        page.set_input_files("#file", clip)
        page.wait_for_timeout(VERDICT_MS)
        take(page, folder / f"verifier-{language}-{width}-{scheme}.png")


def take(page: Page, target: Path) -> None:
    page.screenshot(path=target, full_page=True)
    page.context.close()
    print(target)


def fetched(address: str, target: Path) -> Path:
    target.write_bytes(httpx2.get(address).raise_for_status().content)
    return target


def opened(browser: Browser, address: str, width: int, scheme: str) -> Page:
    """A page that has come to rest, with its video playing where it has one."""
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="ru-RU",
    )
    page = context.new_page()
    page.goto(address)
    if page.locator("aigaq-player").count():
        page.wait_for_function("() => document.querySelector('[data-main] video')?.currentTime > 3")
    page.wait_for_load_state("load")
    return page


if __name__ == "__main__":
    sys.exit(main())
