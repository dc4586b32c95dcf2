"""The page of a witness: what it is, its keys, what it last signed and refused. For people; programs use the notes."""

import base64
import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aigaq.base import Language, from_ms, translate
from aigaq.ledger.witness.service import Witness
from aigaq.ledger.witness.store import CONTRADICTION

HTML: Final = "text/html; charset=utf-8"
_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (_FOLDER / "shell.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = (
    (b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'".encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"vary", b"accept-language"),
)


@cache
def page_environment(folder: Path) -> Environment:
    """Templates of a folder over the shell that witness and monitor share: one page, no script, nothing loaded."""
    environment = Environment(
        loader=FileSystemLoader([folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = {"style": _STYLE, "languages": {"kk": "Қазақша", "ru": "Русский", "en": "English"}}
    cast("dict[str, object]", environment.globals).update(own)
    return environment


def render_page(witness: Witness, language: Language) -> bytes:
    """The page in one language."""
    page = page_environment(_FOLDER).get_template("witness.html")
    signed = any(witness.held(origin).note for origin in witness.logs)
    said = page.render(
        _=partial(translate, language=language),
        language=language,
        name=witness.keys.name,
        keys=[str(key) for key in witness.keys.verifiers()],
        logs=[(origin, witness.held(origin), _contradictions(witness, origin)) for origin in witness.logs],
        last=from_ms(witness.last_time() * 1000).strftime("%Y-%m-%d %H:%M:%S UTC") if signed else "",
    )
    return said.encode()


def _contradictions(witness: Witness, origin: str) -> int:
    """Only these are shown as wrong: anyone can send a signed note with a proof that fails."""
    return sum(one.kind == CONTRADICTION for one in witness.refused(origin))
