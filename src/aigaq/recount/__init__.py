"""Ballots read again from the film, by machine and by people. Gives readings and tallies, never a result."""

from aigaq.recount.styles import LoadedStyle, load_style, load_styles

__all__ = ["LoadedStyle", "load_style", "load_styles"]
