"""Files that are either whole or absent, whenever the power fails."""

import os
from collections.abc import Iterable
from pathlib import Path

TEMPORARY = ".tmp"


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write files so that each appears at once and with all its bytes; durable on return, new folders included."""
    folders: dict[Path, None] = {}
    for path, data in files:
        folders.update(dict.fromkeys(_make_folder(path.parent)))
        draft = path.with_name(path.name + TEMPORARY)
        with draft.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        folders[path.parent] = None
    for folder in folders:
        fsync_folder(folder)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and its parents; returns the folders that have a new name in them."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
    return [new.parent for new in missing]
