"""The names of choices from a table in CSV: columns kk, ru, en and perhaps id. Pure: text in, choices out."""

import csv
import io
from dataclasses import dataclass
from typing import Final

from aigaq.base import N_
from aigaq.election import ID_PATTERN, Names
from aigaq.recount.errors import ChoicesError
from aigaq.recount.styles.checking import CHOICES, name_problem

COLUMNS: Final = ("id", "kk", "ru", "en")
FILE_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class NamedChoice:
    """A choice before its box is known."""

    id: str
    names: Names


def read_choices(data: bytes, *, where: str) -> tuple[NamedChoice, ...]:
    """The choices in the order on the ballot.

    Raises:
        ChoicesError: naming the first row that cannot be used.
    """
    try:
        text = data[: FILE_BYTES + 1].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChoicesError(where, problem=N_("it is not UTF-8; save it as “CSV UTF-8”")) from error
    first = text.lstrip("\r\n").split("\n", 1)[0]
    table = csv.reader(
        io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=max(",;\t", key=first.count), strict=True
    )
    try:
        rows = [[cell.strip() for cell in row] for row in table if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ChoicesError(where, problem=N_("it is not CSV")) from error
    return _choices(rows, where)


def _choices(rows: list[list[str]], where: str) -> tuple[NamedChoice, ...]:
    heads = [head.lower() for head in rows[0]] if rows else []
    if len(set(heads)) != len(heads) or not {"kk", "ru"} <= set(heads) <= set(COLUMNS):
        raise ChoicesError(f"{where}, 1", problem=N_("its first row does not name the columns kk, ru, en"))
    if not CHOICES[0] <= len(rows) - 1 <= CHOICES[1]:
        raise ChoicesError(where, problem=N_("it has fewer than 2 or more than 64 choices"))
    found = [_choice(dict(zip(heads, row, strict=False)), n, f"{where}, {n + 1}") for n, row in enumerate(rows[1:], 1)]
    if len({choice.id for choice in found}) != len(found):
        raise ChoicesError(where, problem=N_("an id stands in it twice"))
    return tuple(found)


def _choice(cells: dict[str, str], number: int, where: str) -> NamedChoice:
    id = cells.get("id") or f"choice-{number}"  # noqa: A001 - the word of the format
    if not ID_PATTERN.fullmatch(id):
        raise ChoicesError(where, problem=N_("an id has other characters than a–z, 0–9 and -"))
    for language in ("kk", "ru", "en"):
        if reason := name_problem(cells.get(language, ""), may_be_empty=language == "en"):
            raise ChoicesError(f"{where}, {language}", problem=reason)
    return NamedChoice(id, Names(cells["kk"], cells["ru"], cells.get("en", "")))
