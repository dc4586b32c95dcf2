"""The imported register: one file in the data folder, replaced whole or not at all.

`register.json` carries a SHA-256 of its content, so that a damaged or hand-edited file is refused, not half believed.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from aigaq.base import N_
from aigaq.election.errors import FolderInUseError, NotSavedError, RegisterDamagedError
from aigaq.election.model import Election, PollingStation, Territory
from aigaq.election.reading import SOURCE_FILES, Progress, checked, no_progress, read_folder
from aigaq.election.register import Register

FILE: Final = "register.json"
HEAD: Final = b'{"format": 1, "sha256": "%s", "register":\n'
TAIL: Final = b"\n}\n"


@dataclass(frozen=True, slots=True)
class _Content:
    election: Election
    territories: tuple[Territory, ...]
    stations: tuple[PollingStation, ...]


_CONTENT: Final = TypeAdapter(_Content)


def load_register(folder: Path, progress: Progress = no_progress) -> Register:
    """The register of a folder: the imported one of a data folder, else the source files themselves.

    Raises:
        NoRegisterError: neither is there.
        RegisterError: the source files hold mistakes.
        RegisterDamagedError: the imported register was changed, or cannot be read.
    """
    path = folder / FILE
    if path.exists():
        return _load(path)
    return checked(read_folder(folder, progress), folder)


def save_register(register: Register, data: Path) -> Path:
    """Make it the register of a data folder; whatever was there stays until the new one is on disk.

    Raises:
        FolderInUseError: the folder holds source files; a copy beside them would silently win over later edits.
        NotSavedError: the disk did not take it.
    """
    if found := next((name for name in SOURCE_FILES if (data / name).exists()), None):
        raise FolderInUseError(str(data), name=found)
    content = _Content(register.election, tuple(register.territories()), tuple(register.stations()))
    body = _CONTENT.dump_json(content, indent=1)
    path = data / FILE
    try:
        data.mkdir(parents=True, exist_ok=True)
        _replace(path, _head(body) + body + TAIL)
    except OSError as error:
        raise NotSavedError(str(path), problem=error.strerror or type(error).__name__) from error
    return path


def _head(body: bytes) -> bytes:
    return HEAD % hashlib.sha256(body).hexdigest().encode()


def _load(path: Path) -> Register:
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise RegisterDamagedError(str(path), problem=error.strerror or type(error).__name__) from error
    body = stored[len(_head(b"")) : -len(TAIL)]
    if stored != _head(body) + body + TAIL:
        raise RegisterDamagedError(str(path), problem=N_("its checksum does not fit"))
    try:
        content = _CONTENT.validate_json(body)
    except ValidationError as error:
        raise RegisterDamagedError(str(path), problem=N_("its form is that of another version")) from error
    return Register(content.election, content.territories, content.stations)


def _replace(path: Path, data: bytes) -> None:
    """Write beside it, sync, rename over it, sync the folder: a crash leaves the old or the new one."""
    beside = path.with_name(f".{FILE}.{os.getpid()}")
    try:
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
