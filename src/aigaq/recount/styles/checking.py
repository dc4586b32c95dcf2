"""From the text of `style.toml` to a ballot style, or to everything that is wrong with it. No files, no pictures."""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final, cast

from aigaq.base import N_
from aigaq.election import ID_PATTERN, BallotChoice, BallotStyle, Box, Names
from aigaq.recount.errors import StyleProblem

FORMAT: Final = 1
SIDE_MM: Final = (50.0, 600.0)
"""Of a sheet: from a slip to A2, so that no style can ask for a picture that fills the memory."""
BOX_MM: Final = 1.5
"""The least side of a box; below it a film cannot show one."""
CHOICES: Final = (2, 64)
ENDORSEMENTS: Final = 9
NAME_LIMIT: Final = 300
SLACK_MM: Final = 0.05
"""Boxes and rows are rounded; neighbours may touch."""

KEYS: Final = (
    "format", "id", "contest", "names", "size_mm", "colour", "endorsements", "endorsement_area_mm", "blank_sha256",
    "choices",
)  # fmt: skip
CHOICE_KEYS: Final = ("id", "names", "box_mm", "row_mm")
NOTHING: Final = Box(0, 0, 0, 0)

_COLOUR: Final = re.compile(r"[a-z][a-z-]{0,31}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]")

_EMPTY: Final = N_("this is empty")
_NOT_NUMBERS: Final = N_("this is not {count} numbers in mm")
_NOT_INSIDE: Final = N_("this does not lie inside {outer}")


class Problems:
    """Gathers mistakes while reading goes on."""

    def __init__(self) -> None:
        self.found: list[StyleProblem] = []

    def add(self, key: str, why: str, **facts: object) -> None:
        """Note a mistake and go on."""
        self.found.append(StyleProblem(key, why, facts))


def check_style(text: str, problems: Problems) -> tuple[BallotStyle, str] | None:
    """The style and the hash of its blank; None after noting what is wrong."""
    try:
        root = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said = N_("nested too deeply") if isinstance(error, RecursionError) else str(error)
        problems.add("style.toml", N_("this is not TOML: {problem}"), problem=said)
        return None
    found = Problems()
    style, blank_sha256 = _style(_Table(root, "", found))
    if not found.found:
        check_layout(style, found)
    problems.found += found.found
    return None if found.found else (style, blank_sha256)


def check_layout(style: BallotStyle, problems: Problems) -> None:
    """Boxes inside rows inside the sheet, nothing over anything else, every id once."""
    sheet = Box(0, 0, *style.size_mm)
    seen: dict[str, str] = {}
    for n, choice in enumerate(style.choices, 1):
        key = f"choices[{n}]"
        if not _inside(choice.row, sheet):
            problems.add(f"{key}.row_mm", _NOT_INSIDE, outer="size_mm")
        if not _inside(choice.box, choice.row):
            problems.add(f"{key}.box_mm", _NOT_INSIDE, outer="row_mm")
        if min(choice.box.w, choice.box.h) < BOX_MM:
            problems.add(f"{key}.box_mm", N_("the box is smaller than {least} mm"), least=BOX_MM)
        if choice.id in seen:
            problems.add(f"{key}.id", N_("“{id}” stands already at {first}"), id=choice.id, first=seen[choice.id])
        seen.setdefault(choice.id, key)
        for m, other in enumerate(style.choices[: n - 1], 1):
            if overlap(choice.row, other.row):
                problems.add(f"{key}.row_mm", N_("this lies over {other}"), other=f"choices[{m}].row_mm")
    _check_area(style, sheet, problems)


def overlap(a: Box, b: Box) -> bool:
    """Whether two rectangles share more than a rounded edge."""
    return min(a.x + a.w, b.x + b.w) - max(a.x, b.x) > SLACK_MM and min(a.y + a.h, b.y + b.h) - max(a.y, b.y) > SLACK_MM


def _check_area(style: BallotStyle, sheet: Box, problems: Problems) -> None:
    area, key = style.endorsement_area, "endorsement_area_mm"
    if style.endorsements == 0 and area == NOTHING:
        return
    if not (_inside(area, sheet) and min(area.w, area.h) >= BOX_MM):
        problems.add(key, _NOT_INSIDE, outer="size_mm")
    for n, choice in enumerate(style.choices, 1):
        if overlap(area, choice.row):
            problems.add(key, N_("this lies over {other}"), other=f"choices[{n}].row_mm")


def _inside(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x - SLACK_MM
        and inner.y >= outer.y - SLACK_MM
        and inner.x + inner.w <= outer.x + outer.w + SLACK_MM
        and inner.y + inner.h <= outer.y + outer.h + SLACK_MM
    )


class _Table:
    """One table of the file: takes values, and notes those that it cannot take."""

    def __init__(self, table: Mapping[str, object], path: str, problems: Problems) -> None:
        self._table = table
        self._path = path
        self._problems = problems

    def know(self, keys: Sequence[str]) -> None:
        """Note every key that is not among these."""
        for key in self._table:
            if key not in keys:
                self.refuse(key, N_("there is no such key; known are {known}"), known=", ".join(keys))

    def refuse(self, key: str, why: str, **facts: object) -> None:
        """This key cannot be used."""
        self._problems.add(self._path + key, why, **facts)

    def text(self, key: str, pattern: re.Pattern[str], example: str) -> str:
        """A text of this form."""
        value = self._value(key)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        if value is not None:
            self.refuse(key, N_("this is not of the form “{example}”"), example=example)
        return ""

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self._value(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self.refuse(key, N_("this is not a whole number from {low} to {high}"), low=low, high=high)
        return low

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """So many numbers that a sheet can have."""
        value = self._value(key)
        if isinstance(value, list):
            given = cast("list[object]", value)
            if len(given) == count and all(map(_is_length, given)):
                return tuple(float(cast("float", v)) for v in given)
        if value is not None:
            self.refuse(key, _NOT_NUMBERS, count=count)
        return (0.0,) * count

    def names(self, key: str) -> Names:
        """A name in Kazakh, Russian and English; English may be empty."""
        table = self.table(key)
        if table is None:
            return Names("", "")
        table.know(("kk", "ru", "en"))
        return Names(table.name("kk"), table.name("ru"), table.name("en", may_be_empty=("en",)))

    def name(self, key: str, may_be_empty: Sequence[str] = ()) -> str:
        """A name as people read it."""
        value = self._value(key)
        if not isinstance(value, str):
            if value is not None:
                self.refuse(key, N_("this is not a text"))
            return ""
        if reason := name_problem(value, may_be_empty=key in may_be_empty):
            self.refuse(key, reason)
        return value

    def table(self, key: str) -> "_Table | None":
        """The table at this key."""
        value = self._value(key)
        if isinstance(value, dict):
            return _Table(cast("dict[str, object]", value), f"{self._path}{key}.", self._problems)
        if value is not None:
            self.refuse(key, N_("this is not a table"))
        return None

    def tables(self, key: str) -> list["_Table"]:
        """The tables of an array, numbered from 1."""
        heads = f"[[{key}]]"
        value = self._value(key)
        items = cast("list[object]", value) if isinstance(value, list) else []
        if value is not None and not (items and all(isinstance(item, dict) for item in items)):
            self.refuse(key, N_("this is not a list of tables; write {heads} above each"), heads=heads)
            return []
        return [
            _Table(cast("dict[str, object]", item), f"{self._path}{key}[{n}].", self._problems)
            for n, item in enumerate(items, 1)
        ]

    def _value(self, key: str) -> object:
        value = self._table.get(key)
        if value is None:
            self.refuse(key, N_("the key is missing"))
        return value


def name_problem(name: str, *, may_be_empty: bool = False) -> str | None:
    """Why a name cannot stand on a page, as a message id; None where it can."""
    if not name.strip() and not may_be_empty:
        return _EMPTY
    if len(name) > NAME_LIMIT:
        return N_("this has more than 300 characters")
    if _INVISIBLE.search(name):
        return N_("this holds an invisible or a lost character")
    return None


def _is_length(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= SIDE_MM[1]
    )


def _style(root: _Table) -> tuple[BallotStyle, str]:
    root.know(KEYS)
    root.whole("format", FORMAT, FORMAT)
    style = BallotStyle(
        id=root.text("id", ID_PATTERN, "party-list"),
        contest=root.text("contest", ID_PATTERN, "party-list"),
        names=root.names("names"),
        size_mm=_size(root),
        colour=root.text("colour", _COLOUR, "light-blue"),
        endorsements=root.whole("endorsements", 0, ENDORSEMENTS),
        endorsement_area=Box(*root.numbers("endorsement_area_mm", 4)),
        choices=_choices(root),
    )
    return style, root.text("blank_sha256", _SHA256, "0123456789abcdef… (64)")


def _size(root: _Table) -> tuple[float, float]:
    wide, tall = root.numbers("size_mm", 2)
    low, high = SIDE_MM
    if (wide or tall) and not (low <= wide <= high and low <= tall <= high):
        root.refuse("size_mm", N_("a side is not from {low} to {high} mm"), low=low, high=high)
    return wide, tall


def _choices(root: _Table) -> tuple[BallotChoice, ...]:
    tables = root.tables("choices")
    low, high = CHOICES
    if tables and not low <= len(tables) <= high:
        root.refuse("choices", N_("a ballot has from {low} to {high} choices"), low=low, high=high)
        return ()
    return tuple(map(_choice, tables))


def _choice(table: _Table) -> BallotChoice:
    table.know(CHOICE_KEYS)
    return BallotChoice(
        id=table.text("id", ID_PATTERN, "choice-1"),
        names=table.names("names"),
        box=Box(*table.numbers("box_mm", 4)),
        row=Box(*table.numbers("row_mm", 4)),
    )
