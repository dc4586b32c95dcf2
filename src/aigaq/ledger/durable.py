"""Files that are either whole or absent, whenever the power fails."""

import os
from collections.abc import Iterable
from pathlib import Path

TEMPORARY = ".tmp"


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    _fsync(folder, os.O_RDONLY | os.O_DIRECTORY)


def write_whole(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write files so that each appears at once and with all its bytes; durable on return, new folders included.

    All are written before the first is synced: the disk then takes many in about the time of one.
    """
    folders: dict[Path, None] = {}
    drafts: list[tuple[Path, Path]] = []
    for path, data in files:
        folders.update(dict.fromkeys(_make_folder(path.parent)))
        draft = path.with_name(path.name + TEMPORARY)
        draft.write_bytes(data)
        drafts.append((draft, path))
    for draft, _ in drafts:
        _fsync(draft, os.O_RDWR)
    for draft, path in drafts:
        draft.replace(path)
        folders[path.parent] = None
    for folder in folders:
        fsync_folder(folder)


def _fsync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and its parents; returns the folders that have a new name in them."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
    return [new.parent for new in missing]
