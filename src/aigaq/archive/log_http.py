"""The logs as everyone reads them (`/log/…`): tiles, entries, notes, from memory or disk. It writes nothing."""

from typing import Final

from aigaq.archive.asgi import COMMON, FOREVER, NO_STORE, Receive, Scope, Send, refuse, require_method
from aigaq.archive.errors import NotFoundError
from aigaq.archive.logs import Logs
from aigaq.base import AigaqError

PREFIX: Final = "/log/"
MOMENT: Final = (b"cache-control", b"public, max-age=1")
"""A checkpoint is replaced each second; a shield in front still answers a crowd with one request."""
STATUS: Final = "status.json"
_TEXT: Final = b"text/plain; charset=utf-8"
_BYTES: Final = b"application/octet-stream"
_JSON: Final = b"application/json"


class LogHttp:
    """ASGI app of the logs, as c2sp.org/tlog-tiles lays down."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            require_method(scope, "GET", "HEAD")
            path = scope["path"].removeprefix(PREFIX)
            found = await self._logs.public.file(path)
            if found is None:
                raise NotFoundError(scope["path"])
        except AigaqError as error:
            await refuse(scope, send, error)
            return
        data, immutable = found
        cache = FOREVER if immutable else NO_STORE if path == STATUS else MOMENT
        headers = [(b"content-type", _kind(path)), (b"content-length", b"%d" % len(data)), cache, *COMMON]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})


def _kind(path: str) -> bytes:
    if path == STATUS:
        return _JSON
    return _BYTES if "tile/" in path else _TEXT
