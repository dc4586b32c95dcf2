"""The ballot styles of an election: one folder each; what was once saved is kept under its hash and never changed.

`<folder>/<id>/` is in use; `<folder>/former/<sha256>/` are those that it replaced. A reading names the hash of each
style that it was made with, so whoever looks at it later finds that very style.
"""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import BallotStyle, style_toml
from aigaq.recount.errors import StyleError, StyleMissingError, StyleNotSavedError
from aigaq.recount.styles.checking import Problems, check_style
from aigaq.recount.styles.folder import BLANK_FILE, STYLE_FILE, LoadedStyle, load_style
from aigaq.recount.styles.making import contact_picture

FORMER: Final = "former"
PICTURE_FILE: Final = "style.png"


def save_style(style: BallotStyle, blank: NDArray[np.uint8], folder: Path) -> LoadedStyle:
    """Put a style into use; one with the same id that differs is kept as a former one.

    Args:
        style: To save.
        blank: RGB, 8 px/mm.
        folder: Of the election's styles; made if it is missing.

    Raises:
        StyleError: the style has mistakes; nothing was written.
        StyleNotSavedError: the disk did not take it; what was there is still there.
    """
    png = coded(blank)
    text = style_toml(style, hashlib.sha256(png).hexdigest())
    problems = Problems()
    if check_style(text, problems) is None:
        raise StyleError(style.id, tuple(problems.found))
    home = folder / style.id
    try:
        _write(home, {BLANK_FILE: png, PICTURE_FILE: coded(contact_picture(blank, style)), STYLE_FILE: text.encode()})
    except OSError as error:
        raise StyleNotSavedError(str(home), problem=error.strerror or type(error).__name__) from error
    return load_style(home)


def load_version(folder: Path, id: str, sha256: str) -> LoadedStyle:  # noqa: A002 - the word of the format
    """The style with this hash, in use or former.

    Raises:
        StyleMissingError: it was never saved here.
        StyleError: its files were changed.
    """
    for home in (folder / id, folder / FORMER / sha256):
        if (home / STYLE_FILE).exists() and _hash(home) == sha256:
            return load_style(home)
    raise StyleMissingError(str(folder), name=f"{id} {sha256[:16]}…")


def coded(picture: NDArray[np.uint8]) -> bytes:
    """An RGB picture as PNG."""
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return png.tobytes()


def _hash(home: Path) -> str:
    return hashlib.sha256((home / STYLE_FILE).read_bytes()).hexdigest()


def _write(home: Path, files: dict[str, bytes]) -> None:
    """Write beside it, sync, set the former one aside, rename: a crash loses neither, and none is ever half written."""
    if (home / STYLE_FILE).exists() and (home / STYLE_FILE).read_bytes() == files[STYLE_FILE]:
        return
    beside = home.with_name(f".{home.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        for name, data in files.items():
            _write_file(beside / name, data)
        if home.exists():
            _set_aside(home)
        beside.rename(home)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_file(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _set_aside(home: Path) -> None:
    former = home.parent / FORMER / _hash(home)
    former.parent.mkdir(exist_ok=True)
    if former.exists():  # the same style was in use before, too
        shutil.rmtree(home)
    else:
        home.rename(former)
