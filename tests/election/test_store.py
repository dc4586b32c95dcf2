"""The imported register is one file, replaced whole; a changed one is refused."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from aigaq.election import (
    FolderInUseError,
    NotSavedError,
    Register,
    RegisterDamagedError,
    RegisterError,
    example_register,
    load_register,
    save_register,
    write_register,
)
from aigaq.election.store import TAIL, _head

DAY = date(2031, 3, 16)


def test_saving_replaces_the_former_register(tmp_path: Path) -> None:
    save_register(example_register(DAY), tmp_path / "data")
    save_register(example_register(date(2032, 1, 4)), tmp_path / "data")
    assert load_register(tmp_path / "data") == example_register(date(2032, 1, 4))
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["register.json"]


def test_a_failed_write_leaves_the_former_register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_register(example_register(DAY), tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotSavedError, match="No space"):
        save_register(example_register(date(2032, 1, 4)), tmp_path)
    assert load_register(tmp_path) == example_register(DAY)
    assert [p.name for p in tmp_path.iterdir()] == ["register.json"], "nothing half-done is left behind"


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(NotSavedError):
        save_register(example_register(DAY), tmp_path / "x" / "y")
    with pytest.raises(NotSavedError):
        write_register(example_register(DAY), tmp_path / "x" / "y")


def test_a_changed_register_is_refused_at_any_byte(tmp_path: Path) -> None:
    path = save_register(example_register(DAY), tmp_path)
    stored = path.read_bytes()
    for at in [*range(120), *range(120, len(stored), 97), len(stored) - 1]:
        path.write_bytes(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])
        with pytest.raises(RegisterDamagedError):
            load_register(tmp_path)
        path.write_bytes(stored[:at])
        with pytest.raises(RegisterDamagedError):
            load_register(tmp_path)


def test_another_version_with_a_right_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "register.json").write_bytes(_head(b"{}") + b"{}" + TAIL)
    with pytest.raises(RegisterDamagedError, match="another version"):
        load_register(tmp_path)


def test_a_source_folder_is_no_data_folder(tmp_path: Path) -> None:
    write_register(example_register(DAY), tmp_path)
    with pytest.raises(FolderInUseError):
        save_register(example_register(DAY), tmp_path)
    with pytest.raises(FolderInUseError):
        write_register(example_register(DAY), tmp_path)


def test_the_error_holds_every_mistake(tmp_path: Path) -> None:
    wide = [replace(s, registered_voters=-n) for n, s in enumerate(example_register(DAY).stations(), start=1)]
    register = Register(example_register(DAY).election, example_register(DAY).territories(), wide)
    write_register(register, tmp_path)
    with pytest.raises(RegisterError) as caught:
        load_register(tmp_path)
    assert [(p.row, p.value) for p in caught.value.problems] == [(2, "-1"), (3, "-2"), (4, "-3")]
    assert "row 3, column registered_voters: “-2”" in str(caught.value)
    assert "жол: 3, registered_voters бағаны: “-2”" in caught.value.explain("kk").why


def test_an_unreadable_register(tmp_path: Path) -> None:
    (tmp_path / "register.json").mkdir()
    with pytest.raises(RegisterDamagedError, match="directory"):
        load_register(tmp_path)
