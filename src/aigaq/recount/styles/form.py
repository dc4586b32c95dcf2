"""The editor's form: fields as a person typed them, to a ballot style or to what is wrong with them. No web, no files.

Row `n` has the fields `n.id`, `n.kk`, `n.ru`, `n.en`, `n.box.x` … `n.row.h` and, where it is to go, `n.drop`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aigaq.base import N_
from aigaq.election import BallotChoice, BallotStyle, Box, Names, style_toml
from aigaq.recount.styles.checking import CHOICES, NOTHING, SIDE_MM, Problems, check_style
from aigaq.recount.styles.layout import Layout

SIDES: Final = ("x", "y", "w", "h")
LANGUAGES: Final = ("kk", "ru", "en")
_HEAD: Final = ("contest", "colour", "endorsements", *(f"name.{code}" for code in LANGUAGES))
_ANY_HASH: Final = "0" * 64
_ROW: Final = re.compile(r"(\d{1,3})\.box\.x")
_NUMBER: Final = re.compile(r"\d{1,4}([.,]\d{1,4})?")

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """The head of the form, and its rows in the order on the ballot: fields by name, without the row's number."""

    head: Fields
    rows: tuple[Fields, ...]


def form_of(style: BallotStyle) -> Form:
    """The form that shows a style."""
    head = {
        "contest": style.contest,
        "colour": style.colour,
        "endorsements": str(style.endorsements),
        **{f"name.{code}": getattr(style.names, code) for code in LANGUAGES},
        **_area_fields("area", style.endorsement_area),
    }
    return Form(head, tuple(map(_row_of, style.choices)))


def read_form(fields: Mapping[str, str]) -> Form:
    """The form as it was sent, without the rows that are to go."""
    keys = [*_HEAD, *(f"area.{side}" for side in SIDES)]
    numbers = sorted(int(m[1]) for name in fields if (m := _ROW.fullmatch(name)))
    rows = [_sent_row(fields, n) for n in numbers if not fields.get(f"{n}.drop")]
    return Form({key: fields.get(key, "").strip() for key in keys}, tuple(rows[: CHOICES[1] + 1]))


def style_of_form(form: Form, before: BallotStyle, problems: Problems) -> BallotStyle:
    """The style that the form tells; what is not told by it stays as it was before. Numbers that are none are noted."""
    head = form.head
    count = head["endorsements"]
    if not re.fullmatch(r"\d", count):
        problems.add("endorsements", N_("this is not a whole number from {low} to {high}"), low=0, high=9)
    endorsements = int(count) if re.fullmatch(r"\d", count) else 0
    return replace(
        before,
        contest=head["contest"],
        colour=head["colour"],
        names=Names(*(head[f"name.{code}"] for code in LANGUAGES)),
        endorsements=endorsements,
        endorsement_area=_area(head, "area", "endorsement_area_mm", problems) if endorsements else NOTHING,
        choices=tuple(_choice(row, n, problems) for n, row in enumerate(form.rows, 1)),
    )


def problems_of(style: BallotStyle, problems: Problems) -> None:
    """Note everything else that keeps the style from being used."""
    low, high = CHOICES
    if not low <= len(style.choices) <= high:
        problems.add("choices", N_("a ballot has from {low} to {high} choices"), low=low, high=high)
    else:
        check_style(style_toml(style, _ANY_HASH), problems)


def with_found(form: Form, layout: Layout) -> Form:
    """The form with the boxes and rows that were found; names stay in their order."""
    rows = tuple(
        (form.rows[n] if n < len(form.rows) else _new_names(n + 1, form.rows))
        | _area_fields("box", box)
        | _area_fields("row", row)
        for n, (box, row) in enumerate(zip(layout.boxes, layout.rows, strict=True))
    )
    return Form(form.head | _area_fields("area", layout.signature), rows)


def with_row(form: Form, size_mm: tuple[float, float]) -> Form:
    """The form with one more row: below the last, as large as it, and on the sheet."""
    noted = Problems()
    if form.rows:
        box, row = (_area(form.rows[-1], name, "", noted) for name in ("box", "row"))
    else:
        row = Box(round(0.06 * size_mm[0], 1), round(0.3 * size_mm[1], 1), round(0.88 * size_mm[0], 1), 20.0)
        box = Box(round(row.x + row.w - 18, 1), row.y + 2, 16.0, 16.0)
    down = max(0.0, min(row.h, size_mm[1] - row.y - row.h)) if form.rows else 0.0
    moved = [
        _area_fields(name, area._replace(y=round(area.y + down, 2))) for name, area in (("box", box), ("row", row))
    ]
    return Form(form.head, (*form.rows, _new_names(len(form.rows) + 1, form.rows) | moved[0] | moved[1]))


def _row_of(choice: BallotChoice) -> Fields:
    names = {code: getattr(choice.names, code) for code in LANGUAGES}
    return {"id": choice.id, **names, **_area_fields("box", choice.box), **_area_fields("row", choice.row)}


def _sent_row(fields: Mapping[str, str], n: int) -> Fields:
    keys = ["id", *LANGUAGES, *(f"{area}.{side}" for area in ("box", "row") for side in SIDES)]
    return {key: fields.get(f"{n}.{key}", "").strip() for key in keys}


def _new_names(number: int, rows: Sequence[Fields]) -> Fields:
    taken = {row["id"] for row in rows}
    free = next(n for n in range(number, number + len(rows) + 1) if f"choice-{n}" not in taken)
    return {"id": f"choice-{free}", **dict.fromkeys(LANGUAGES, str(number))}


def _area_fields(name: str, area: Box) -> Fields:
    return {f"{name}.{side}": f"{value:g}" for side, value in zip(SIDES, area, strict=True)}


def _area(fields: Fields, name: str, key: str, problems: Problems) -> Box:
    """Four numbers; a decimal comma is as good as a point."""
    texts = [fields[f"{name}.{side}"] for side in SIDES]
    values = [float(t.replace(",", ".")) if _NUMBER.fullmatch(t) else math.nan for t in texts]
    if not all(0 <= value <= SIDE_MM[1] for value in values):
        problems.add(key, N_("this is not {count} numbers in mm"), count=4)
        return NOTHING
    return Box(*(round(value, 2) for value in values))


def _choice(row: Fields, n: int, problems: Problems) -> BallotChoice:
    key = f"choices[{n}]"
    return BallotChoice(
        id=row["id"],
        names=Names(*(row[code] for code in LANGUAGES)),
        box=_area(row, "box", f"{key}.box_mm", problems),
        row=_area(row, "row", f"{key}.row_mm", problems),
    )
