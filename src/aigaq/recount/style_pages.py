"""The editor of ballot styles as pages: everything works as a plain form, the script only draws it.

There are no accounts yet. So the editor answers a browser on the same machine alone, and nothing that came through a
proxy; whoever can reach it may change the styles of readings to come, never those of readings that were made.
"""

import ipaddress
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aigaq.base import Language
from aigaq.election import ID_PATTERN, BallotStyle
from aigaq.recount.errors import EditorClosedError, StyleFormError, StyleMissingError
from aigaq.recount.style_words import part_of
from aigaq.recount.styles import LoadedStyle, find_layout, load_style, load_styles, save_style
from aigaq.recount.styles.checking import Problems
from aigaq.recount.styles.folder import BLANK_FILE
from aigaq.recount.styles.form import Form, form_of, problems_of, read_form, style_of_form, with_found, with_row
from aigaq.web import render

TEMPLATES: Final = Path(__file__).parent / "templates"
FORM_BYTES: Final = 300_000
FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def style_router(folder: Path) -> APIRouter:
    """The pages that show and change the styles of a folder, below `/{language}/recount/styles`."""
    pages = _Pages(folder)
    router = APIRouter(
        prefix="/{language:language}/recount/styles", include_in_schema=False, dependencies=[Depends(only_here)]
    )
    router.add_api_route("", pages.every, methods=["GET", "HEAD"])
    router.add_api_route("/{id}", pages.one, methods=["GET", "HEAD"])
    router.add_api_route("/{id}", pages.change, methods=["POST"])
    router.add_api_route("/{id}/blank.png", pages.blank, methods=["GET", "HEAD"])
    return router


async def only_here(request: Request) -> None:
    """Refuse whoever is not a browser of this machine, asking this very page.

    Raises:
        EditorClosedError: the connection, the name or the page that sent it is another.
    """
    headers = request.headers
    host = urlsplit(f"//{headers.get('host', '')}")
    same = headers.get("origin") in {None, f"{request.url.scheme}://{headers.get('host')}"}
    direct = not any(name in headers for name in FORWARDED)
    if not (direct and same and _is_here(host.hostname) and _is_here(request.client.host if request.client else None)):
        raise EditorClosedError(request.url.path)


def _is_here(name: str | None) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


class _Pages:
    """Handlers; each reads, asks the registry and renders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def every(self, request: Request) -> Response:
        """The styles in use."""
        try:
            styles = list((await anyio.to_thread.run_sync(load_styles, self._folder)).values())
        except StyleMissingError:
            styles = []
        return render(request, "recount_styles.html", {"styles": styles})

    async def one(self, request: Request, id: str, saved: str = "") -> Response:  # noqa: A002 - the word of the format
        """The editor with a style in it."""
        loaded = await self._load(id)
        return _editor(request, loaded, form_of(loaded.style), {"saved": bool(saved)})

    async def blank(self, id: str) -> Response:  # noqa: A002 - the word of the format
        """The picture of the blank."""
        await self._load(id)
        png = await anyio.to_thread.run_sync((self._folder / id / BLANK_FILE).read_bytes)
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    async def change(self, request: Request, language: Language, id: str) -> Response:  # noqa: A002 - as above
        """What a button of the form asks for: save, find boxes, one more row, or the form without some rows."""
        loaded = await self._load(id)
        fields = await _fields(request)
        form, action = read_form(fields), fields.get("action", "")
        if action == "find":
            layout = await anyio.to_thread.run_sync(find_layout, loaded.blank)
            found = with_found(form, layout) if len(layout.boxes) > 1 else form
            return _editor(request, loaded, found, {"found": len(layout.boxes)})
        if action == "add":
            return _editor(request, loaded, with_row(form, loaded.style.size_mm), {})
        if action != "save":
            return _editor(request, loaded, form, {})
        problems = Problems()
        style = style_of_form(form, loaded.style, problems)
        if not problems.found:
            problems_of(style, problems)
        meanwhile = fields.get("sha256") != loaded.sha256
        if problems.found or meanwhile:
            told = {"problems": _lines(problems, language), "meanwhile": meanwhile}
            return _editor(request, loaded, form, told, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        await anyio.to_thread.run_sync(self._save, style, loaded)
        return RedirectResponse(f"/{language}/recount/styles/{id}?saved=1", HTTPStatus.SEE_OTHER)

    async def _load(self, id: str) -> LoadedStyle:  # noqa: A002 - the word of the format
        if not ID_PATTERN.fullmatch(id):
            raise StyleMissingError(id[:40], name="style.toml")
        return await anyio.to_thread.run_sync(load_style, self._folder / id)

    def _save(self, style: BallotStyle, before: LoadedStyle) -> None:
        save_style(style, before.blank, self._folder)


def _editor(
    request: Request, loaded: LoadedStyle, form: Form, told: Mapping[str, object], *, status: int = HTTPStatus.OK
) -> Response:
    context = {"saved": False, "found": None, "problems": (), "meanwhile": False, **told}
    wide, tall = loaded.style.size_mm
    context |= {"style": loaded.style, "sha256": loaded.sha256, "form": form, "wide": wide, "tall": tall}
    return render(request, "recount_style.html", context, status=status)


def _lines(problems: Problems, language: Language) -> list[str]:
    return [f"{part_of(p.key, language)}: {p.text(language)}" for p in problems.found]


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a sent form.

    Raises:
        StyleFormError: it is longer than any form, or is none.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES:
            raise StyleFormError(request.url.path)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"))
    except ValueError as error:
        raise StyleFormError(request.url.path) from error
