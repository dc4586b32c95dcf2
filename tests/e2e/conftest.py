"""A centre with footage, and Chromium to look at it. What a page writes to the console fails its test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.e2e.centre import serve

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def centre(tmp_path_factory, person_video) -> Iterator:
    """See `centre.serve`."""
    yield from serve(tmp_path_factory.mktemp("centre"), person_video)


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    """Chromium for one file of tests: while Playwright's synchronous face is open no asynchronous test can run."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


class Visitor:
    """Opens pages and keeps what went wrong on them."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser = browser
        self._base_url = base_url
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, path: str, *, width: int = 1280, **options: object) -> Page:
        context = self._browser.new_context(
            base_url=self._base_url, viewport={"width": width, "height": 900}, timezone_id="America/New_York", **options
        )
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{path}: {error}"))
        page.goto(path)
        return page

    def _heard(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def visitor(browser, centre) -> Iterator[Visitor]:
    """Opens pages; after the test nothing may have been written to the console, which is where CSP violations go."""
    found = Visitor(browser, centre.url)
    yield found
    found.close()
    assert not found.complaints
