"""The centre as one ASGI app: media, logs and ingest raw, the rest through FastAPI."""

from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.requests import Request

from aigaq.archive import verifier_http
from aigaq.archive.api import api_router
from aigaq.archive.asgi import App, Receive, Scope, Send, language
from aigaq.archive.ingest_http import IngestHttp
from aigaq.archive.log_http import LogHttp
from aigaq.archive.media import Media
from aigaq.archive.service import Archive
from aigaq.base import AigaqError

_MEDIA: Final = "/media/"
_LOG: Final = "/log/"
_INGEST: Final = "/ingest/v1/"


def create_asgi(archive: Archive, pages: FastAPI | None = None) -> App:
    """The app of a centre. The routes for programs are added to the pages; without pages they stand alone."""
    rest = pages or _bare()
    rest.include_router(api_router(archive))
    ingest = IngestHttp(archive.ingest, archive.live, archive.tails.init)
    return _Center(archive.media, LogHttp(archive.logs), ingest, rest)


class _Center:
    """Dispatch by first part of the path: a playlist or a tile must not pass through a framework."""

    def __init__(self, media: Media, log: LogHttp, ingest: IngestHttp, rest: App) -> None:
        self._media = media
        self._log = log
        self._ingest = ingest
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(_MEDIA):
            await self._media(scope, receive, send)
        elif path.startswith(_LOG):
            await self._log(scope, receive, send)
        elif path.startswith(_INGEST):
            await self._ingest(scope, receive, send)
        elif path == verifier_http.PATH:
            await verifier_http.verifier(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def _bare() -> FastAPI:
    """The routes for programs without pages; errors are JSON."""
    app = FastAPI(title="Aigaq archive", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")

    async def refused(request: Request, error: Exception) -> JSONResponse:
        known = error if isinstance(error, AigaqError) else AigaqError()
        told = known.explain(language(request.scope))
        body = {"code": told.code, "where": told.where, "why": told.why, "hint": told.hint}
        return JSONResponse(body, known.http_status, {"Vary": "Accept-Language", "Cache-Control": "no-store"})

    app.add_exception_handler(AigaqError, refused)
    return app
