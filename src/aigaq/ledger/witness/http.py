"""The addresses of a witness: `add-checkpoint` for logs, `checkpoint` and `refused` for monitors, a page for people."""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from typing import Final

from aigaq.base import as_language
from aigaq.ledger.witness.asgi import (
    JSON,
    App,
    ClientGoneError,
    Receive,
    Scope,
    Send,
    answer,
    read_body,
    reader_language,
)
from aigaq.ledger.witness.errors import RefusedError, StaleError, WitnessDiskError
from aigaq.ledger.witness.page import HTML, PAGE_HEADERS, render_page
from aigaq.ledger.witness.protocol import MAX_REQUEST
from aigaq.ledger.witness.service import Witness

SIZE: Final = "text/x.tlog.size"
_LOG_PATH: Final = re.compile(r"/([0-9a-f]{64})/(checkpoint|refused)")
_logger = logging.getLogger(__name__)


def create_app(witness: Witness) -> App:
    """The witness as an ASGI application."""
    origins = {origin_hash(origin): origin for origin in witness.logs}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        reading = method in {"GET", "HEAD"}
        if path == "/add-checkpoint":
            if method == "POST":
                await _add_checkpoint(witness, receive, send)
            else:
                await answer(send, 405, b"POST only\n", headers=[(b"allow", b"POST")])
        elif reading and (found := _LOG_PATH.fullmatch(path)):
            await _show_log(witness, origins, found, send)
        elif reading and (path == "/" or as_language(path[1:])):
            language = as_language(path[1:]) or reader_language(scope)
            await answer(send, 200, render_page(witness, language), HTML, PAGE_HEADERS)
        else:
            await answer(send, 404, b"nothing here\n")

    return app


def origin_hash(origin: str) -> str:
    """How a log is named in the addresses for monitors: SHA-256 of its origin, in lower-case hex."""
    return hashlib.sha256(origin.encode()).hexdigest()


async def _add_checkpoint(witness: Witness, receive: Receive, send: Send) -> None:
    try:
        body = await read_body(receive, MAX_REQUEST)
        await answer(send, 200, witness.add_checkpoint(body))
    except ClientGoneError:
        return
    except StaleError as error:
        await answer(send, 409, f"{error.held}\n".encode(), SIZE)
    except (RefusedError, WitnessDiskError) as error:
        _logger.warning("%s %s", error.code, error.facts)
        await answer(send, error.http_status, f"{error}\n".encode())


async def _show_log(witness: Witness, origins: Mapping[str, str], found: re.Match[str], send: Send) -> None:
    origin = origins.get(found[1])
    if origin is None:
        await answer(send, 404, b"this witness does not follow that log\n")
    elif found[2] == "refused":
        kept = [{"kind": r.kind, "at_ms": r.at_ms, "note": r.note.decode()} for r in witness.refused(origin)]
        await answer(send, 200, json.dumps(kept, ensure_ascii=False).encode(), JSON)
    elif note := witness.held(origin).note:
        await answer(send, 200, note)
    else:
        await answer(send, 404, b"nothing cosigned yet\n")
