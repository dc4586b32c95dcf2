"""Texts in Kazakh, Russian and English.

English stands in the code as the message id. Each room keeps its own `locales/kk.po` and `locales/ru.po`; this module
merges them. A text that a catalogue lacks fails a test, so no page falls back to English by accident.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

from babel.messages.pofile import read_po

Language = Literal["kk", "ru", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT_LANGUAGE: Final[Language] = "ru"
ROOMS: Final = ("base", "web", "election", "capture", "ledger", "station", "archive", "recount", "simulator", "app")


def N_(text: str) -> str:  # noqa: N802 - the name that gettext tools look for
    """Mark a text for the catalogues without translating it yet."""
    return text


def as_language(value: str | None) -> Language | None:
    """The language with this code, or None."""
    return value if value in LANGUAGES else None


def translate(text: str, language: Language) -> str:
    """The text in that language; English is the text itself."""
    return text if language == "en" else catalogue(language).get(text, text)


def fill(text: str, language: Language, facts: Mapping[str, object]) -> str:
    """The text in that language with its facts in place.

    A fact called `problem` is a text itself and is translated. One that was not given stays visible as `{name}`:
    whoever explains a failure must not fail.
    """
    problem = facts.get("problem")
    said = {**facts, "problem": translate(problem, language)} if isinstance(problem, str) else facts
    return translate(text, language).format_map(_Facts(said))


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def translate_plural(one: str, many: str, n: int, language: Language) -> str:
    """The form of a counted text that fits `n` in that language."""
    if language == "en":
        return one if n == 1 else many
    forms = plural_catalogue(language).get(one)
    return forms[_plural_form(n, language)] if forms else many


def _plural_form(n: int, language: Language) -> int:
    """CLDR plural form index: Kazakh one/other, Russian one/few/many."""
    if language == "kk":
        return 0 if n == 1 else 1
    if n % 10 == 1 and n % 100 != 11:
        return 0
    return 1 if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14 else 2


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Every room's plain texts in that language, English to translated."""
    return {m: s for m, s in _messages(language) if isinstance(m, str) and isinstance(s, str) and s}


@cache
def plural_catalogue(language: Language) -> Mapping[str, tuple[str, ...]]:
    """Every room's counted texts in that language, English singular to all forms."""
    return {m[0]: s for m, s in _messages(language) if isinstance(m, tuple) and isinstance(s, tuple)}


def _messages(language: Language) -> Iterator[tuple[object, object]]:
    for room in ROOMS:
        source = files("aigaq").joinpath(room, "locales", f"{language}.po")
        if source.is_file():
            with source.open("rb") as stream:
                yield from ((m.id, m.string) for m in read_po(stream, locale=language) if m.id and not m.fuzzy)
