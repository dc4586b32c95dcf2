"""The page of a witness: what it is, its keys, what it last signed and refused. For people; programs use the notes."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aigaq.base import LANGUAGES, Language, translate
from aigaq.ledger.witness.service import Witness

HTML: Final = "text/html; charset=utf-8"
_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (_FOLDER / "witness.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = (
    (b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'".encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"vary", b"accept-language"),
)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(witness: Witness, language: Language) -> bytes:
    """The page in one language."""
    logs = [(origin, witness.held(origin), len(witness.refused(origin))) for origin in witness.logs]
    last = witness.last_time()
    page = (
        _environment()
        .get_template("witness.html")
        .render(
            _=partial(translate, language=language),
            language=language,
            languages=LANGUAGES,
            style=_STYLE,
            name=witness.keys.name,
            keys=[str(key) for key in witness.keys.verifiers()],
            logs=logs,
            last=datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        )
    )
    return page.encode()
