"""Ballot styles on the disk: a folder with `style.toml` and `blank.png` each. What does not fit is refused whole."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.base import N_
from aigaq.election import BallotStyle
from aigaq.recount.errors import StyleError, StyleMissingError
from aigaq.recount.styles.checking import Problems, check_style

STYLE_FILE: Final = "style.toml"
BLANK_FILE: Final = "blank.png"
PX_PER_MM: Final = 8
TOML_BYTES: Final = 1_000_000
PNG_BYTES: Final = 100_000_000

_UNREADABLE: Final = N_("this cannot be read: {problem}")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedStyle:
    """A ballot style with its blank."""

    style: BallotStyle
    blank: NDArray[np.uint8]
    """(h, w, 3), RGB, 8 px/mm, straight, read-only."""
    sha256: str
    """Of `style.toml`, which names the blank's: one hash stands for the whole style."""


def load_style(folder: Path) -> LoadedStyle:
    """The style of one folder.

    Raises:
        StyleMissingError: `style.toml` or `blank.png` is not there.
        StyleError: with every mistake in them.
    """
    problems = Problems()
    data = _read(folder / STYLE_FILE, TOML_BYTES, problems)
    checked = check_style(_text(data, problems), problems) if not problems.found else None
    png = _read(folder / BLANK_FILE, PNG_BYTES, problems)
    if checked is None or problems.found:
        raise StyleError(str(folder), tuple(problems.found))
    style, wanted = checked
    if hashlib.sha256(png).hexdigest() != wanted:
        problems.add(BLANK_FILE, N_("its SHA-256 is not the one that style.toml names"))
    blank = None if problems.found else _blank(png, style, problems)
    if blank is None:
        raise StyleError(str(folder), tuple(problems.found))
    return LoadedStyle(style, blank, hashlib.sha256(data).hexdigest())


def load_styles(folder: Path) -> dict[str, LoadedStyle]:
    """Every style below a folder by its id, in the order of ids; or the one style that the folder itself is.

    Raises:
        StyleMissingError: there is none.
        StyleError: with every mistake of every style.
    """
    if (folder / STYLE_FILE).exists():
        one = load_style(folder)
        return {one.style.id: one}
    homes = sorted(p.parent for p in folder.glob(f"*/{STYLE_FILE}"))
    if not homes:
        raise StyleMissingError(str(folder), name=f"*/{STYLE_FILE}")
    loaded: dict[str, LoadedStyle] = {}
    problems = Problems()
    for home in homes:
        _load_into(loaded, home, problems)
    if problems.found:
        raise StyleError(str(folder), tuple(problems.found))
    return dict(sorted(loaded.items()))


def _load_into(loaded: dict[str, LoadedStyle], home: Path, problems: Problems) -> None:
    try:
        found = load_style(home)
    except StyleError as error:
        for p in error.problems:
            problems.add(f"{home.name}/{p.key}", p.why, **p.facts)
        return
    if found.style.id != home.name:
        problems.add(f"{home.name}/id", N_("the folder of “{id}” must bear its id"), id=found.style.id)
    loaded[found.style.id] = found


def _read(path: Path, limit: int, problems: Problems) -> bytes:
    """A file's bytes, cut above the limit so that a wrong file cannot fill the memory."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise StyleMissingError(str(path.parent), name=path.name) from error
    except OSError as error:
        problems.add(path.name, _UNREADABLE, problem=error.strerror or type(error).__name__)
        return b""
    if len(data) > limit:
        problems.add(path.name, N_("this has more than {limit} bytes"), limit=limit)
    return data


def _text(data: bytes, problems: Problems) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(STYLE_FILE, N_("this is not UTF-8: byte {byte} cannot be read"), byte=error.start)
        return ""


def _blank(png: bytes, style: BallotStyle, problems: Problems) -> NDArray[np.uint8] | None:
    """The picture, decoded only where its head says the size that the style needs (PNG, second edition, 11.2.2)."""
    wanted = tuple(round(side * PX_PER_MM) for side in style.size_mm)
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR":
        problems.add(BLANK_FILE, N_("this is not a PNG"))
        return None
    size = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    if size != wanted:
        facts = {"has": f"{size[0]} × {size[1]}", "needs": f"{wanted[0]} × {wanted[1]}"}
        problems.add(BLANK_FILE, N_("its size is {has} pixels; {needs} are size_mm at 8 pixels per mm"), **facts)
        return None
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    if picture is None or picture.shape[:2] != wanted[::-1]:
        problems.add(BLANK_FILE, _UNREADABLE, problem=N_("it is damaged"))
        return None
    blank = picture.astype(np.uint8, copy=False)
    blank.flags.writeable = False
    return blank
