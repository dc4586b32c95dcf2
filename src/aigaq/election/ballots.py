"""Ballot styles: the layout of one contest's paper, and the text that tells of it. Pure: no files, no pictures."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from aigaq.election.model import Names


class Box(NamedTuple):
    """A rectangle in mm from the top left corner of the front page."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class BallotChoice:
    """One row of a ballot, and the empty square to its right."""

    id: str
    names: Names
    box: Box
    row: Box


@dataclass(frozen=True, slots=True)
class BallotStyle:
    """The layout of one contest's paper."""

    id: str
    contest: str
    names: Names
    size_mm: tuple[float, float]
    colour: str
    """Of the paper, as a word; what it looks like is read from the blank."""
    endorsements: int
    endorsement_area: Box
    choices: tuple[BallotChoice, ...]

    def choice(self, choice: str) -> BallotChoice:
        """The row with this id."""
        return next(c for c in self.choices if c.id == choice)


def style_toml(style: BallotStyle, blank_sha256: str) -> str:
    """The text of `style.toml`. JSON's strings and arrays of numbers are TOML's."""
    lines = [
        "format = 1",
        f"id = {_toml(style.id)}",
        f"contest = {_toml(style.contest)}",
        f"names = {_names_toml(style.names)}",
        f"size_mm = {_toml(style.size_mm)}",
        f"colour = {_toml(style.colour)}",
        f"endorsements = {style.endorsements}",
        f"endorsement_area_mm = {_toml(style.endorsement_area)}",
        f"blank_sha256 = {_toml(blank_sha256)}",
    ]
    for choice in style.choices:
        lines += [
            "",
            "[[choices]]",
            f"id = {_toml(choice.id)}",
            f"names = {_names_toml(choice.names)}",
            f"box_mm = {_toml(choice.box)}",
            f"row_mm = {_toml(choice.row)}",
        ]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _names_toml(names: Names) -> str:
    return f"{{ kk = {_toml(names.kk)}, ru = {_toml(names.ru)}, en = {_toml(names.en)} }}"
