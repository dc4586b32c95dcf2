import importlib.util
import sys
from pathlib import Path

import pytest

from aigaq.base import ManualClock

# Helpers beside the tests; --import-mode=importlib does not put this folder on the path.
_spec = importlib.util.spec_from_file_location("station_bench", Path(__file__).with_name("bench.py"))
bench = importlib.util.module_from_spec(_spec)
sys.modules["station_bench"] = bench
_spec.loader.exec_module(bench)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(bench.T0)


@pytest.fixture
def quick_disk(monkeypatch):
    """No waiting for the disk, where a test is not about power cuts."""
    monkeypatch.setattr("os.fsync", lambda fd: None)
    monkeypatch.setattr("os.fdatasync", lambda fd: None)
