"""Jinja2 set up for all rooms: escaping, three languages, the words for times and sizes."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, cast

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from aigaq.base import LANGUAGES, Clock, Language, translate, translate_plural, utc_ms
from aigaq.web import times
from aigaq.web.assets import Assets
from aigaq.web.language import in_language, language_of

OWN_TEMPLATES: Final = Path(__file__).parent / "templates"
LANGUAGE_NAMES: Final[Mapping[Language, str]] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}


def create_environment(folders: Sequence[Path], *, assets: Assets, clock: Clock) -> Environment:
    """One environment over the shell's templates and those of the rooms."""
    environment = Environment(
        loader=FileSystemLoader([*folders, OWN_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install = getattr(environment, "install_gettext_callables")  # noqa: B009 - added by the extension, unknown to types
    install(_gettext, _ngettext, newstyle=True)
    own = {
        "menu": list[tuple[str, str]](),
        "asset": assets.url,
        "now_ms": lambda: utc_ms(clock),
        "languages": LANGUAGE_NAMES,
    }
    cast("dict[str, object]", environment.globals).update(own)
    cast("dict[str, object]", environment.filters).update(FILTERS)
    return environment


def render(request: Request, template: str, context: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """A page from a template, in the language of its address."""
    environment: Environment = request.app.state.templates
    path, query = request.url.path, request.url.query
    language = language_of(path, request.headers.get("accept-language"))
    switch = {code: in_language(path, query, code) for code in LANGUAGES}
    html = environment.get_template(template).render({"language": language, "path": path, "switch": switch, **context})
    return HTMLResponse(html, status, {"Cache-Control": "no-cache", "Content-Language": language})


@pass_context
def _gettext(context: Context, message: str) -> str:
    return translate(message, _language(context))


@pass_context
def _ngettext(context: Context, one: str, many: str, n: int) -> str:
    return translate_plural(one, many, n, _language(context))


@pass_context
def _stamp(context: Context, ms: int, zone: str) -> str:
    return times.stamp_text(ms, zone, _language(context))


@pass_context
def _day(context: Context, day: date) -> str:
    return times.day_text(day, _language(context))


@pass_context
def _duration(context: Context, ms: int) -> str:
    return times.duration_text(ms, _language(context))


@pass_context
def _size(context: Context, size: int) -> str:
    return times.size_text(size, _language(context))


@pass_context
def _zone_name(context: Context, ms: int, zone: str) -> str:
    return times.zone_name(ms, zone, _language(context))


def _language(context: Context) -> Language:
    return context["language"]


FILTERS: Final = {
    "clock": times.clock_text,
    "zone": times.zone_label,
    "stamp": _stamp,
    "iso": times.iso_text,
    "local_input": times.input_text,
    "day": _day,
    "duration": _duration,
    "size": _size,
    "zone_name": _zone_name,
}
