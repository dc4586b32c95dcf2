"""Which of the three languages a reader gets: the address decides, else the browser's wish, else the default."""

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor

from aigaq.base import DEFAULT_LANGUAGE, LANGUAGES, Language, as_language

MAX_RANGES = 20
"""A browser sends a handful; a longer header is cut, not searched."""


class LanguageConvertor(Convertor[str]):
    """Lets a route say `/{language:language}/…`, so that any other first part of an address is simply not found."""

    regex: ClassVar[str] = "|".join(LANGUAGES)

    def convert(self, value: str) -> str:
        """The code as it stands in the address."""
        return value

    def to_string(self, value: str) -> str:
        """The code as it stands in the address."""
        return value


register_url_convertor("language", LanguageConvertor())


def negotiate(accept_language: str | None) -> Language:
    """The best of our languages for an Accept-Language header (RFC 9110 §12.5.4)."""
    wishes = sorted((_wish(part) for part in (accept_language or "").split(",")[:MAX_RANGES]), reverse=True)
    for weight, tag in wishes:
        language = as_language(tag)
        if language and weight > 0:
            return language
    return DEFAULT_LANGUAGE


def language_of(path: str, accept_language: str | None) -> Language:
    """The language of a page's address; where the address names none, the browser's wish."""
    return as_language(path.split("/", 2)[1] if "/" in path else None) or negotiate(accept_language)


def in_language(path: str, query: str, language: Language) -> str:
    """The same page in another language: first part of the path replaced, query kept."""
    parts = path.split("/", 2)
    rest = parts[2] if len(parts) == 3 and as_language(parts[1]) else ""
    return f"/{language}/{rest}" + (f"?{query}" if query else "")


def _wish(part: str) -> tuple[float, str]:
    tag, _, parameters = part.strip().partition(";")
    weight = parameters.strip().removeprefix("q=")
    return _weight(weight) if parameters else 1.0, tag.strip().lower().split("-")[0]


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
