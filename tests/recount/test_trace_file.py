"""Traces of sheets on the disk: the same back again."""

from pathlib import Path

import numpy as np
import pytest

from aigaq.recount.errors import FolderNotWrittenError, FolderWrongError
from aigaq.recount.reading.repeats import Repeats, Trace
from aigaq.recount.reading.trace_file import read_traces, write_traces


def trace(seed: int, *, signed: bool = True) -> Trace:
    rng = np.random.default_rng(seed)
    sign = rng.integers(0, 255, (20, 40), dtype=np.uint8) if signed else None
    return Trace("party-list", ("choice-2",), rng.integers(0, 255, (1, 40, 40), dtype=np.uint8), sign)


def test_traces_come_back_and_are_known_again(tmp_path: Path) -> None:
    kept = {1: trace(1), 3: trace(2, signed=False), 12: trace(1)}
    write_traces(tmp_path / "t.npz", kept)
    back = read_traces(tmp_path / "t.npz")
    assert set(back) == {1, 3, 12}
    for n, one in kept.items():
        assert (back[n].style, back[n].boxes) == (one.style, one.boxes)
        assert (back[n].marks == one.marks).all()
    assert back[3].sign is None
    repeats = Repeats()
    assert [repeats.earlier(n, back[n]) for n in (1, 3, 12)] == [None, None, 1]


def test_none_at_all(tmp_path: Path) -> None:
    write_traces(tmp_path / "t.npz", {})
    assert read_traces(tmp_path / "t.npz") == {}


@pytest.mark.parametrize("data", [None, b"", b"noise" * 100])
def test_what_is_not_there_or_damaged_is_refused(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "t.npz").write_bytes(data)
    with pytest.raises(FolderWrongError):
        read_traces(tmp_path / "t.npz")
    with pytest.raises(FolderNotWrittenError):
        write_traces(tmp_path / "nowhere" / "t.npz", {})
