import asyncio
import contextlib
import importlib.util
import socket
import sys
from datetime import date
from pathlib import Path

import httpx2
import pytest
import uvicorn
from hypothesis import settings

from aigaq.archive import Archive, create_asgi
from aigaq.base import ManualClock
from aigaq.election import example_register
from aigaq.ledger import SigningKey

settings.register_profile("archive", deadline=None)
settings.load_profile("archive")

# Helpers beside the tests; --import-mode=importlib does not put this folder on the path.
_spec = importlib.util.spec_from_file_location("archive_box", Path(__file__).with_name("box.py"))
box_module = importlib.util.module_from_spec(_spec)
sys.modules["archive_box"] = box_module
_spec.loader.exec_module(box_module)


class Center:
    """A centre on a real port, with a clock that the test moves."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or ManualClock(box_module.START)
        self.register = example_register(date(2027, 1, 10))
        key = folder / "center.key"
        folder.mkdir(parents=True, exist_ok=True)
        self.key = SigningKey.load(key) if key.exists() else SigningKey.create(key)
        self.archive = Archive(folder / "data", self.register, self.clock, self.key, log_domain=box_module.DOMAIN)
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_asgi(self.archive)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx2.AsyncClient(base_url=self.url, timeout=20) as http:
                yield http
        finally:
            server.should_exit = True
            await task
            self.archive.close()


@pytest.fixture(scope="session")
def reel(small_video):
    return box_module.cut(small_video)


@pytest.fixture
def center(tmp_path):
    return Center(tmp_path / "center")


@pytest.fixture
async def http(center):
    async with center.serving() as client:
        yield client


@pytest.fixture
def make_box(tmp_path, reel, center):
    def make(station="example-001", *, enrol=True, name=None):
        made = box_module.Box(center.register.election.id, station, tmp_path / (name or station), reel)
        if enrol:
            center.archive.enrolment.add(made.vkey)
        return made

    return make


@pytest.fixture
def uplink(http, make_box):
    return box_module.Uplink(http, make_box())
