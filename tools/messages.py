"""Collects the texts to translate into each room's `locales/kk.po` and `ru.po`; keeps every translation there is.

Texts are marked with `N_`, `translate`, `translate_plural` in Python, and with `_`, `ngettext`, `{% trans %}` in Jinja.
The web room's catalogues also hold the archive's pages. A text that is no longer used leaves; a new one comes in empty,
and a test names it until it is translated.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from aigaq.base.i18n import ROOMS

SOURCE: Final = Path(__file__).parents[1] / "src" / "aigaq"
LANGUAGES: Final = ("kk", "ru")
PYTHON_MARKS: Final = {"N_": None, "_": None, "translate": None, "gettext": None, "translate_plural": (1, 2)}
JINJA_MARKS: Final = {"_": None, "gettext": None, "ngettext": (1, 2)}
JINJA_OPTIONS: Final = {
    "encoding": "utf-8",
    "extensions": "jinja2.ext.i18n,jinja2.ext.do",
    "trimmed": "true",
    "silent": "false",
}
PAGES_OF_ARCHIVE: Final = ("pages.py", "page_views.py", "page_words.py", "templates")


def sources(room: str, root: Path = SOURCE) -> Iterator[Path]:
    """The files whose texts stand in this room's catalogues."""
    files = [p for p in sorted((root / room).rglob("*")) if p.suffix in {".py", ".html", ".j2", ".txt"}]
    pages = [p for p in sorted((root / "archive").rglob("*")) if _is_page(p, root)]
    yield from (p for p in files if p.suffix == ".py" or "templates" in p.parts if not _is_page(p, root))
    if room == "web":
        yield from (p for p in pages if p.is_file())


def _is_page(path: Path, root: Path) -> bool:
    relative = path.relative_to(root)
    return relative.parts[0] == "archive" and len(relative.parts) > 1 and relative.parts[1] in PAGES_OF_ARCHIVE


def collect(room: str, root: Path = SOURCE) -> Catalog:
    """Every text of a room, with the files that use it."""
    catalog = Catalog(fuzzy=False)
    for path in sources(room, root):
        is_python = path.suffix == ".py"
        method = "python" if is_python else "jinja2.ext:babel_extract"
        with path.open("rb") as stream:
            found = extract(
                method,
                stream,
                keywords=PYTHON_MARKS if is_python else JINJA_MARKS,
                options={"encoding": "utf-8"} if is_python else JINJA_OPTIONS,
            )
            for _, text, comments, _ in found:
                if text:
                    catalog.add(text, locations=[(path.relative_to(root).as_posix(), 0)], auto_comments=comments)
    return catalog


def renewed(texts: Catalog, old: bytes, language: str) -> bytes:
    """The catalogue of one language: today's texts with the translations that are already there."""
    known = read_po(io.BytesIO(old), locale=language)
    catalog = Catalog(locale=language, fuzzy=False, header_comment="")
    for message in texts:
        if message.id:
            catalog[message.id] = _translated(message, known)
    out = io.BytesIO()
    write_po(out, catalog, width=110, sort_output=True, omit_header=True, include_lineno=False)
    return _header(catalog) + out.getvalue()


def _translated(message: Message, known: Catalog) -> Message:
    before = known.get(message.id if isinstance(message.id, str) else message.id[0])
    keep = before is not None and not before.fuzzy and isinstance(before.id, str) == isinstance(message.id, str)
    return Message(
        message.id,
        before.string if keep and before else "",
        locations=sorted(set(message.locations)),
        auto_comments=message.auto_comments,
        user_comments=before.user_comments if before else (),
    )


def _header(catalog: Catalog) -> bytes:
    """What a reader of the file needs, and no dates: the same texts give the same file."""
    lines = {
        "Language": str(catalog.locale),
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalog.plural_forms,
    }
    return ('msgid ""\nmsgstr ""\n' + "".join(f'"{k}: {v}\\n"\n' for k, v in lines.items()) + "\n").encode()


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def main(rooms: list[str]) -> int:
    """Renew the catalogues of the rooms named, else of all; a test, not this, fails while translations are missing."""
    lacking = 0
    for room in rooms or ROOMS:
        texts = collect(room)
        for language in LANGUAGES if len(texts) else ():
            path = SOURCE / room / "locales" / f"{language}.po"
            before = path.read_bytes() if path.exists() else b""
            after = renewed(texts, before, language)
            if after != before:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(after)
            empty = sum(not all(_forms(m.string)) for m in read_po(io.BytesIO(after), locale=language) if m.id)
            lacking += empty
            print(f"{path.relative_to(SOURCE.parents[1])}: {len(texts)} texts, {empty} to translate")
    print(f"{lacking} translations to write" if lacking else "all texts are translated")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
