"""The page with the blinking patch, for a screen in view of a camera: what it must show now, from the box's clock.

It shows and records nothing itself, and a page that fails costs no footage. The bits of a minute come from the beacon
that the box held five seconds before the minute began, so that a page has time to fetch them.
"""

import asyncio
import html
import json
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Final, Never
from urllib.parse import urlsplit

import uvicorn

from aigaq.base import DEFAULT_LANGUAGE, LANGUAGES, N_, Clock, Language, as_language, translate, utc_ms
from aigaq.capture import MINUTE_MS, expected_bits
from aigaq.station.beacon import Beacon
from aigaq.station.errors import OpticalPortError
from aigaq.station.settings import OpticalSection

EARLY_MS: Final = 5_000
PIN_S: Final = 1.0
_TEXTS: Final = {
    "title": N_("Blinking patch"),
    "what": N_("This screen proves that the video is live. It shows no data of anyone."),
    "put": N_("Put it where a camera sees it, plug it in, and set the screen to full brightness."),
    "start": N_("Start"),
    "wait": N_("Waiting for the first witnessed checkpoint of the log…"),
    "lost": N_("The box does not answer. The screen stops until it does."),
    "awake": N_("This browser may let the screen go dark: set the phone to never switch it off."),
}
_FILES: Final = {"/optical.js": "text/javascript", "/optical.css": "text/css"}
_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'"
_Scope = dict[str, Any]
_Send = Callable[[_Scope], Awaitable[None]]
_Answer = tuple[int, str, bytes, list[tuple[bytes, bytes]]]


class OpticalPage:
    """The page and its schedule, as an ASGI application."""

    def __init__(self, origin: str, clock: Clock, beacon: Callable[[], Beacon | None]) -> None:
        self._origin = origin
        self._clock = clock
        self._beacon = beacon
        self._pinned: dict[int, tuple[Beacon, bytes]] = {}

    def pin(self) -> None:
        """Settle what this minute and, shortly before it begins, the next one shows."""
        now, beacon = utc_ms(self._clock), self._beacon()
        minutes = {now // MINUTE_MS, (now + EARLY_MS) // MINUTE_MS}
        self._pinned = {minute: self._pinned[minute] for minute in minutes if minute in self._pinned}
        for minute in minutes - self._pinned.keys():
            if beacon is not None:
                self._pinned[minute] = beacon, expected_bits(beacon.digest, self._origin, minute)

    def frame(self, minute: int) -> bytes | None:
        """The frame of bits of a minute, once it is settled."""
        return self._pinned[minute][1] if minute in self._pinned else None

    async def __call__(self, scope: _Scope, _receive: Callable[[], Awaitable[_Scope]], send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body, more = self._answer(scope)
        headers = [
            (b"content-type", f"{kind}; charset=utf-8".encode()),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", _POLICY.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: _Scope) -> _Answer:
        path = scope["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            return 405, "text/plain", b"", [(b"allow", b"GET, HEAD")]
        if path == "/":
            language = _preferred(dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1"))
            return 307, "text/plain", b"", [(b"location", f"/{language}".encode())]
        if path == "/schedule":
            return 200, "application/json", json.dumps(self.schedule()).encode(), []
        if path in _FILES:
            return 200, _FILES[path], _file(path.removeprefix("/")), []
        if language := as_language(path.removeprefix("/")):
            return 200, "text/html", self._page(language), []
        return 404, "text/plain", b"", []

    def schedule(self) -> dict[str, Any]:
        """What a page needs: the box's time, the bits of this minute, and of the next once they are settled."""
        self.pin()
        now = utc_ms(self._clock)
        minute = now // MINUTE_MS
        frames = {str(m): frame.hex() for m in (minute, minute + 1) if (frame := self.frame(m))}
        return {"now_ms": now, "station": self._origin, "frames": frames}

    def _page(self, language: Language) -> bytes:
        texts = {name: _escaped(translate(text, language)) for name, text in _TEXTS.items()}
        links = " ".join(f'<a href="/{code}" lang="{code}">{code}</a>' for code in LANGUAGES)
        page = Template(_file("optical.html").decode())
        return page.substitute(texts, language=language, links=links, station=_escaped(self._origin)).encode()


class OpticalServer:
    """Serves the page beside the agent."""

    def __init__(self, page: OpticalPage, section: OpticalSection, clock: Clock) -> None:
        self.port = 0
        """Where it listens, once it does."""
        self._page = page
        self._listen = section.listen
        self._clock = clock

    async def run(self) -> Never:
        """Serve until cancelled.

        Raises:
            OpticalPortError: the address is taken or not ours.
        """
        listener = self._bind()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._page, interface="asgi3", lifespan="off", log_config=None, access_log=False, server_header=False,
            limit_concurrency=64, timeout_keep_alive=30, timeout_graceful_shutdown=1, ws="none",
        )  # fmt: skip
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while True:
                self._page.pin()
                await self._clock.sleep(PIN_S)
        finally:
            server.should_exit = True
            await serving

    def _bind(self) -> socket.socket:
        parts = urlsplit(f"//{self._listen}")
        host = parts.hostname or ""
        try:
            return socket.create_server(
                (host, parts.port or 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64
            )
        except OSError as error:
            raise OpticalPortError(self._listen, problem=error.strerror or str(error)) from error


class _Server(uvicorn.Server):
    """Signals are the agent's."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them as they are."""
        yield


@cache
def _file(name: str) -> bytes:
    return (files("aigaq.station") / "page" / name).read_bytes()


def _escaped(text: str) -> str:
    return html.escape(text)


def _preferred(accepted: str) -> Language:
    """The first language of ours that a browser names (RFC 9110 §12.5.4); browsers name them in order."""
    for part in accepted.split(","):
        if language := as_language(part.partition(";")[0].strip().partition("-")[0].lower()):
            return language
    return DEFAULT_LANGUAGE
