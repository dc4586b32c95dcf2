"""Ballot styles: from a blank to a style that the recount can read. Reads no film, decides no vote."""

from aigaq.recount.styles.choices import NamedChoice, read_choices
from aigaq.recount.styles.comparing import Apart, Pair, compare_styles
from aigaq.recount.styles.folder import LoadedStyle, load_style, load_styles
from aigaq.recount.styles.layout import Layout, find_layout
from aigaq.recount.styles.making import Made, Wish, make_style
from aigaq.recount.styles.registry import PICTURE_FILE, load_version, save_style

__all__ = [
    "PICTURE_FILE",
    "Apart",
    "Layout",
    "LoadedStyle",
    "Made",
    "NamedChoice",
    "Pair",
    "Wish",
    "compare_styles",
    "find_layout",
    "load_style",
    "load_styles",
    "load_version",
    "make_style",
    "read_choices",
    "save_style",
]
