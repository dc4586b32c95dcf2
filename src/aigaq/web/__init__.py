"""The shell of the pages: layout, languages, error pages, static files and security headers. It knows no room above it.

A room with pages gives `create_shell` its template folder, answers with `render`, and adds its router to the app.
"""

from aigaq.web.assets import Assets, AssetsMissingError
from aigaq.web.errors import PageNotFoundError, UnreadableTimeError, WebError, error_answer
from aigaq.web.language import LanguageConvertor, negotiate
from aigaq.web.shell import add_to_menu, create_shell
from aigaq.web.templating import render
from aigaq.web.times import clock_text, day_text, duration_text, parse_time, size_text, stamp_text, zone_label

__all__ = [
    "Assets",
    "AssetsMissingError",
    "LanguageConvertor",
    "PageNotFoundError",
    "UnreadableTimeError",
    "WebError",
    "add_to_menu",
    "clock_text",
    "create_shell",
    "day_text",
    "duration_text",
    "error_answer",
    "negotiate",
    "parse_time",
    "render",
    "size_text",
    "stamp_text",
    "zone_label",
]
