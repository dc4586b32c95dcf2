"""The page of the live help: one word, large, on a screen beside the counting table. It stores nothing."""

import html
import json
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Final

from aigaq.base import DEFAULT_LANGUAGE, LANGUAGES, N_, Language, as_language, translate
from aigaq.recount.help import Advice
from aigaq.recount.help_feed import Guide
from aigaq.recount.words import WHY

ADVICE: Final = {
    Advice.SHOW: N_("Show the next ballot"),
    Advice.CLOSER: N_("Closer to the camera"),
    Advice.STILL: N_("Hold it still"),
    Advice.SHARPER: N_("Blurred"),
    Advice.UNCOVER: N_("Take your fingers off the squares"),
    Advice.HOLD: N_("Hold on"),
    Advice.ENOUGH: N_("Lay it down"),
    Advice.COUNTED: N_("Counted"),
    Advice.AGAIN: N_("Show it again"),
    Advice.TURN: N_("Show the front"),
    Advice.BLIND: N_("No picture from the camera"),
}
_TEXTS: Final = {
    "title": N_("Showing ballots to the camera"),
    "counted": N_("ballots counted"),
    "shown": N_("ballots shown"),
}
_LOST: Final = N_("This page has lost the program that reads the camera")
_FILES: Final = {"/help.js": "text/javascript", "/help.css": "text/css"}
_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'"
_Scope = dict[str, Any]
_Answer = tuple[int, str, bytes, list[tuple[bytes, bytes]]]


class HelpPage:
    """The page and its state, as an ASGI application."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide

    async def __call__(self, scope: _Scope, _receive: object, send: Any) -> None:  # noqa: ANN401 - ASGI
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
            return 307, "text/plain", b"", [(b"location", f"/{DEFAULT_LANGUAGE}".encode())]
        if path == "/state":
            return 200, "application/json", json.dumps(self.state()).encode(), []
        if path in _FILES:
            return 200, _FILES[path], _file(path.removeprefix("/")), []
        if language := as_language(path.removeprefix("/")):
            return 200, "text/html", _page(language), []
        return 404, "text/plain", b"", []

    def state(self) -> dict[str, Any]:
        """What the page asks for four times a second."""
        now = self._guide.state
        return {"advice": now.advice, "why": now.why, "counted": now.counted, "shown": now.shown}


@cache
def _page(language: Language) -> bytes:
    words = {
        "advice": {advice: translate(text, language) for advice, text in ADVICE.items()},
        "why": {why: translate(text, language) for why, text in WHY.items()},
        "lost": translate(_LOST, language),
    }
    texts = {name: html.escape(translate(text, language)) for name, text in _TEXTS.items()}
    texts |= {
        "language": language,
        "blind": html.escape(translate(ADVICE[Advice.BLIND], language)),
        "words": html.escape(json.dumps(words, ensure_ascii=False)),
        "links": " ".join(f'<a href="/{code}" hreflang="{code}" lang="{code}">{code}</a>' for code in LANGUAGES),
    }
    return Template(_file("help.html").decode()).substitute(texts).encode()


@cache
def _file(name: str) -> bytes:
    return (files("aigaq.recount") / "help_page" / name).read_bytes()
