import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("archive", deadline=None)
settings.load_profile("archive")

# Helpers beside the tests; --import-mode=importlib does not put this folder on the path.
_spec = importlib.util.spec_from_file_location("archive_box", Path(__file__).with_name("box.py"))
box_module = importlib.util.module_from_spec(_spec)
sys.modules["archive_box"] = box_module
_spec.loader.exec_module(box_module)


@pytest.fixture(scope="session")
def reel(small_video):
    return box_module.cut(small_video)


@pytest.fixture
def center(tmp_path):
    return box_module.Center(tmp_path / "center")


@pytest.fixture
def watched(tmp_path):
    """A centre with a witness."""
    return box_module.Center(tmp_path / "watched", witness=True)


@pytest.fixture
async def http(center):
    async with center.serving() as client:
        yield client


@pytest.fixture
def make_box(tmp_path, reel, center):
    async def make(station="example-001", *, enrol=True, name=None):
        made = box_module.Box(center.register.election.id, station, tmp_path / (name or station), reel)
        if enrol:
            await center.enrol(made)
        return made

    return make


@pytest.fixture
async def uplink(http, make_box):
    return box_module.Uplink(http, await make_box())
