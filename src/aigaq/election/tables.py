"""From the bytes of a CSV file to rows, telling what is wrong with encoding, delimiter and headings.

Comma, semicolon (spreadsheets set to Russian or Kazakh) and tab are read; anything but UTF-8 is refused with the way
out. Nothing here knows what the columns mean.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from aigaq.election import problems as why
from aigaq.election.problems import Problem, Reason, Refused, shown

SIZE_LIMIT_MB: Final = 64
DELIMITERS: Final = ",;\t"
MAX_CELLS: Final = 200
"""Cells of a row that are looked at; a wider row is wrong whatever it holds."""

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Report:
    """Collects problems while reading goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, reason: Reason, file: str, row: int | None = None, **place: object) -> None:
        """Note a problem; `column` and `value` tell the place, all else are facts of the reason."""
        column, value = str(place.pop("column", "")), str(place.pop("value", ""))
        self.problems.append(
            Problem(reason, file, row, shown(column), shown(value), {"column": shown(column), **place})
        )

    @property
    def refused(self) -> bool:
        """Whether anything stops the import."""
        return any(not p.reason.warning for p in self.problems)


@dataclass(frozen=True, slots=True)
class Columns:
    """The headings of a table."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them, in the order of the template."""
        return self.required + self.optional


class Cells:
    """One row, or one table of a TOML file, from which values are taken; what cannot be used is reported.

    `take` answers a refused value with the stand-in, so that reading goes on; `ok` then says that the row is lost.
    """

    def __init__(self, file: str, row: int | None, cells: Mapping[str, str], report: Report) -> None:
        self.file = file
        self.row = row
        self.cells = cells
        self.report = report
        self.ok = True

    def take(self, column: str, parser: Callable[[str], T], stand_in: T) -> T:
        """The value of a cell; a missing cell is an empty one."""
        text = self.cells.get(column, "")
        try:
            return parser(text)
        except Refused as refused:
            value = text if refused.shown is None else refused.shown
            self.refuse(refused.reason, column, value=value, **refused.facts)
            return stand_in

    def refuse(self, reason: Reason, column: str, **facts: object) -> None:
        """The row cannot be used because of this column."""
        self.ok = False
        self.warn(reason, column, **facts)

    def warn(self, reason: Reason, column: str, **facts: object) -> None:
        """Something about this column that a person should know."""
        self.report.add(reason, self.file, self.row, column=column, **{"value": self.cells.get(column, ""), **facts})


def decode(data: bytes, file: str, report: Report) -> str | None:
    """The text of a file, with or without a byte order mark; None when it is not UTF-8, which is reported."""
    if len(data) > SIZE_LIMIT_MB * 1_000_000:
        report.add(why.TOO_LARGE, file, megabytes=len(data) // 1_000_000, limit=SIZE_LIMIT_MB)
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        report.add(why.UTF16, file)
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = data.count(b"\n", 0, error.start) + 1
            reason = why.CP1251 if _looks_like_cp1251(data) else why.NOT_UTF8
            report.add(reason, file, row, byte=f"0x{data[error.start]:02X}")
    return None


@dataclass(slots=True)
class Found(Generic[K, V]):
    """What a table gave: the usable values, and the row in which each key first stood."""

    whole: bool
    values: dict[K, V] = field(default_factory=dict[K, V])
    first_row: dict[K, int] = field(default_factory=dict[K, int])

    def lacks(self, key: K) -> bool:
        """Whether the table surely has no such row; a table that could not be read whole is not judged."""
        return self.whole and key not in self.first_row

    def claim(self, key: K, column: str, cells: Cells) -> None:
        """Note the row of this key; a second row with it is a mistake. A refused key might have been any."""
        if not key:
            self.whole = False
        elif key in self.first_row:
            cells.refuse(why.DUPLICATE, column, first=self.first_row[key])
        else:
            self.first_row[key] = cells.row or 0


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file; not `whole` when some could not even be told apart: any id may stand in one of them."""

    rows: Iterable[Cells] = ()
    whole: bool = False


def read_table(text: str, file: str, columns: Columns, report: Report) -> Table:
    """The rows below the headings; none when the headings are wrong. What is wrong is reported."""
    before = len(report.problems)
    rows = _rows(text, file, columns, report)
    whole = len(report.problems) == before
    if whole and not rows:
        report.add(why.EMPTY_FILE, file)
    return Table(rows, whole and bool(rows))


def _rows(text: str, file: str, columns: Columns, report: Report) -> list[Cells]:
    records = _records(text, file, report)
    headings = next(records, None)
    if headings is None:
        return []
    names = [name.strip().lower() for name in headings[1]]
    while names and not names[-1]:
        names.pop()  # a spreadsheet's trailing delimiters
    if not _headings_fit(names, file, columns, report):
        return []
    return [
        Cells(file, number, dict(zip(names, cells, strict=False)), report)
        for number, cells in records
        if _row_fits(number, cells, names, file, report)
    ]


def _looks_like_cp1251(data: bytes) -> bool:
    high = [b for b in data[:100_000] if b >= 0x80]
    letters = sum(b >= 0xC0 or b in b"\xa8\xb8\xb2\xb3\xb9\xab\xbb\x96\x97" for b in high)
    return letters >= 0.9 * len(high)


def _records(text: str, file: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, each with its number as a spreadsheet counts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        report.add(why.BAD_CSV, file, number + 1, problem=str(error))


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first line into the most cells; a heading holds none of the others."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=first.count)


def _headings_fit(names: Sequence[str], file: str, columns: Columns, report: Report) -> bool:
    before = len(report.problems)
    for name in columns.required:
        if name not in names:
            report.add(why.MISSING_COLUMN, file, 1, column=name)
    for index, name in enumerate(names[:MAX_CELLS]):
        if name in names[:index]:
            report.add(why.DOUBLE_COLUMN, file, 1, column=name)
        elif name not in columns.known:
            report.add(why.UNKNOWN_COLUMN, file, 1, column=name, value=name, known=", ".join(columns.known))
    if len(names) > MAX_CELLS:
        report.add(why.CELL_COUNT, file, 1, cells=len(names), columns=len(columns.known))
    return len(report.problems) == before


def _row_fits(number: int, cells: Sequence[str], names: Sequence[str], file: str, report: Report) -> bool:
    if len(cells) == len(names) or (len(cells) > len(names) and not any(c.strip() for c in cells[len(names) :])):
        return True
    at = min(len(cells), len(names))
    column = names[at] if at < len(names) else ""
    value = "" if at < len(names) else cells[at]
    report.add(why.CELL_COUNT, file, number, column=column, value=value, cells=len(cells), columns=len(names))
    return False
