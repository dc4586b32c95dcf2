"""`aigaq center run`: the archive's pages and those of the rooms above it, served as one centre."""

import asyncio
import logging
from typing import Annotated, Final

import typer
import uvicorn
from fastapi import FastAPI

from aigaq.archive import Archive, CenterSettings, create_asgi, create_pages, open_archive
from aigaq.archive.cli import CONFIG, Config, center_app
from aigaq.base import N_
from aigaq.recount import (
    TEMPLATES,
    Desk,
    RecountSettings,
    count_router,
    load_recount_settings,
    people_router,
    style_router,
)
from aigaq.web import add_to_menu

__all__ = ["center_app", "center_pages"]
KEEP_ALIVE_S: Final = 60
"""A box comes every ten seconds, and need not shake hands anew each time."""


@center_app.command()
def run(
    *,
    config: Config = CONFIG,
    host: Annotated[str | None, typer.Option(help="Listen here instead.")] = None,
    port: Annotated[int | None, typer.Option(help="Listen on this port instead; 0 takes a free one.")] = None,
) -> None:
    """Run the centre until it is stopped by SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    settings, recount = CenterSettings.load(config), load_recount_settings(config)
    archive = open_archive(settings)
    listen = settings.listen
    asyncio.run(
        serve(archive, center_pages(archive, recount), host or listen.host, listen.port if port is None else port)
    )


async def serve(archive: Archive, pages: FastAPI, host: str, port: int) -> None:
    """Serve a centre until a signal comes."""
    config = uvicorn.Config(
        create_asgi(archive, pages),
        host,
        port,
        lifespan="off",
        ws="none",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
    )
    async with archive:
        await uvicorn.Server(config).serve()


def center_pages(archive: Archive, recount: RecountSettings) -> FastAPI:
    """Every page of a centre."""
    pages = create_pages(archive, TEMPLATES)
    desk = Desk(recount.folder, recount, archive.clock)
    pages.include_router(people_router(desk))
    if recount.edit:
        pages.include_router(style_router(recount.folder / "styles"))
    pages.include_router(count_router(desk))
    add_to_menu(pages, "recount", N_("Recount"))
    return pages
