"""Ballot styles: from a blank to a style that the recount can read. Reads no film, decides no vote."""

from aigaq.recount.styles.folder import LoadedStyle, load_style, load_styles

__all__ = ["LoadedStyle", "load_style", "load_styles"]
