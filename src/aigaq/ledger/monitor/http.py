"""What a monitor publishes: its state as JSON, its fork proofs as files, and a page for people."""

import json
import re
from pathlib import Path
from typing import Final

from aigaq.base import as_language
from aigaq.ledger.monitor.follow import Monitor
from aigaq.ledger.monitor.page import render_page
from aigaq.ledger.witness import HTML, PAGE_HEADERS, App, Receive, Scope, Send, answer, reader_language

_JSON: Final = "application/json"
_PROOF: Final = re.compile(r"/(fork-[0-9a-f]{16}\.json)")


def create_app(monitor: Monitor, folder: Path) -> App:
    """The monitor as an ASGI application; `folder` holds its fork proofs."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        path = scope["path"]
        proof = _PROOF.fullmatch(path)
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 405, b"GET only\n", headers=[(b"allow", b"GET")])
        elif path == "/status.json":
            await answer(send, 200, json.dumps(monitor.status(), ensure_ascii=False).encode(), _JSON)
        elif proof and (folder / proof[1]).is_file():
            await answer(send, 200, (folder / proof[1]).read_bytes(), _JSON)
        elif path == "/" or as_language(path[1:]):
            language = as_language(path[1:]) or reader_language(scope)
            await answer(send, 200, render_page(monitor, language), HTML, PAGE_HEADERS)
        else:
            await answer(send, 404, b"nothing here\n")

    return app
