"""Ballots read again from the film, by machine and by people. Gives readings and tallies, never a result."""

from aigaq.recount.pages import count_router
from aigaq.recount.people.desk import Desk
from aigaq.recount.people_pages import people_router
from aigaq.recount.settings import RecountSettings, load_recount_settings
from aigaq.recount.style_pages import TEMPLATES, style_router
from aigaq.recount.styles import LoadedStyle, load_style, load_styles

__all__ = [
    "TEMPLATES",
    "Desk",
    "LoadedStyle",
    "RecountSettings",
    "count_router",
    "load_recount_settings",
    "load_style",
    "load_styles",
    "people_router",
    "style_router",
]
