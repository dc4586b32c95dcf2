"""How fast people's recount lets one read: a scripted viewer in Chromium, with keys and with a finger on a phone.

The script looks at each ballot for as long as it is told, as a person would; what is left is what the page costs.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.e2e.centre import serving
from tests.recount.people.lab import make_desk, make_recount, reading

from aigaq.base import SystemClock
from aigaq.recount import TEMPLATES, people_router
from aigaq.web import create_shell
from benchmarks.lab import Scale, Table, scratch

BALLOTS: Final = 120
LOOK_S: Final = 2.0
"""A person needs about so long to find the mark on a ballot of five rows and to press the key."""
GOAL: Final = 8
NEW: Final = "old => document.querySelector('[name=question]')?.value !== old && !document.querySelector('form[inert]')"
LOADED: Final = "() => [...document.querySelectorAll('.option img')].every((i) => i.complete && i.naturalWidth > 0)"


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """A centre's pages for people's recount on a port of their own."""
    make_recount(folder, {"count": [reading(n, n % 5) for n in range(1, BALLOTS + 1)]})
    app = create_shell(TEMPLATES)
    app.include_router(people_router(make_desk(folder, SystemClock(), audit_share=1.0)))
    ready, stop, address = threading.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with serving(app) as url:
            address.append(url)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        if not ready.wait(30):
            raise SystemExit(f"the pages did not start ({uvicorn.__version__})")
        yield address[0]
    finally:
        stop.set()
        thread.join()


def read(context: BrowserContext, url: str, *, look_s: float, ballots: int, tap: bool) -> tuple[float, float]:
    """Reads so many ballots; ballots a minute, and the median wait for the next one in milliseconds."""
    page = context.new_page()
    page.goto(f"{url}/en/recount/people/read")
    page.wait_for_function(LOADED)
    waits = list[float]()
    start = time.monotonic()
    for number in range(ballots):
        page.wait_for_timeout(1000 * look_s)
        before = page.locator("[name=question]").get_attribute("value")
        pressed = time.monotonic()
        if tap:
            page.locator(".option").nth(number % 5).tap()
        else:
            page.keyboard.press(f"Digit{number % 5 + 1}")
        page.wait_for_function(NEW, arg=before)
        page.wait_for_function(LOADED)
        waits.append(time.monotonic() - pressed)
    elapsed = time.monotonic() - start
    return 60 * ballots / elapsed, 1000 * sorted(waits)[len(waits) // 2]


def run(scale: Scale) -> Table:
    """With keys on a desk, with a finger on a phone; looking, and without looking at all."""
    rows = list[tuple[str, ...]]()
    with scratch() as folder, site(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, tap, look_s in (
            (f"keys, {LOOK_S:g} s to look", False, LOOK_S),
            ("keys, no time to look", False, 0.6),
            (f"phone, {LOOK_S:g} s to look", True, LOOK_S),
        ):
            context = _context(browser, phone=tap)
            rate, wait = read(context, url, look_s=look_s, ballots=3 if scale.quick else 25, tap=tap)
            rows.append((name, f"{rate:.0f}", f"{wait:.0f}"))
            context.close()
        browser.close()
    note = f"Goal: {GOAL} a minute. No more than 60 a minute are taken from one viewer in the long run."
    return Table(
        "Reading ballots in a scripted browser", ("viewer", "ballots a minute", "next one after, ms"), rows, note
    )


def _context(browser: Browser, *, phone: bool) -> BrowserContext:
    if phone:
        return browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    return browser.new_context(viewport={"width": 1440, "height": 900})
