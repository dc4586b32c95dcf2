"""Sheets of paper in Kazakh, Russian and English: HTML files that need nothing else, to print and to sign by hand."""

from functools import cache, partial
from pathlib import Path
from typing import Final

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aigaq.base import LANGUAGES, Language, fill

_FOLDER: Final = Path(__file__).parent / "templates"
_NAMES: Final[dict[Language, str]] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def sheet(template: str, languages: tuple[Language, ...] = LANGUAGES, **values: object) -> bytes:
    """A sheet; its template says each thing once for every `code, name, _` in `voices`."""
    voices = [(code, _NAMES[code], partial(_say, code)) for code in languages]
    style = (_FOLDER / "paper.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(voices=voices, style=style, **values).encode()


def qr_code(text: str) -> str:
    """The text as a QR code: an SVG picture, level M, so that a stain or a fold does not matter."""
    return segno.make(text, error="m", micro=False).svg_inline(scale=4, border=4, omitsize=True)


def _say(language: Language, text: str, /, **facts: object) -> str:
    return fill(text, language, facts)
