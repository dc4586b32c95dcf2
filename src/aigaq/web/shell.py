"""The FastAPI app that every room's pages are added to."""

from pathlib import Path
from typing import cast

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from jinja2 import Environment

from aigaq.base import Clock, SystemClock
from aigaq.web.assets import Assets
from aigaq.web.errors import install_error_answers
from aigaq.web.language import in_language, negotiate
from aigaq.web.security import SecurityHeaders
from aigaq.web.templating import create_environment


def create_shell(*templates: Path, clock: Clock | None = None, assets: Assets | None = None) -> FastAPI:
    """An app with layout, languages, error pages, static files and security headers, and as yet no page.

    Args:
        *templates: Template folders of the rooms.
        clock: The system's clock where None.
        assets: The built files of this package where None.

    Raises:
        AssetsMissingError: the scripts and styles are not built.
    """
    assets = assets or Assets.load()
    # The interactive documentation of FastAPI loads scripts from a foreign host; the description itself stays public.
    app = FastAPI(title="Aigaq", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.templates = create_environment(templates, assets=assets, clock=clock or SystemClock())
    app.add_middleware(SecurityHeaders)
    install_error_answers(app)
    app.mount("/static", assets)
    app.add_api_route("/", _start, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/robots.txt", _robots, methods=["GET", "HEAD"], include_in_schema=False)
    return app


def add_to_menu(app: FastAPI, path: str, words: str) -> None:
    """Name a page of a room above in the menu of all pages; `path` goes after the language, `words` are translated."""
    environment: Environment = app.state.templates
    cast("list[tuple[str, str]]", environment.globals["menu"]).append((path, words))


async def _start(request: Request) -> Response:
    language = negotiate(request.headers.get("accept-language"))
    return RedirectResponse(in_language("/", request.url.query, language), 307, {"Vary": "Accept-Language"})


async def _robots() -> Response:
    return Response("User-agent: *\nDisallow: /media/\n", media_type="text/plain")
