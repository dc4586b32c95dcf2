"""Ballots that nobody has ever voted on: styles of a day's contests, and their blanks as a printer would deliver them.

Every party is a made-up word, every candidate only a number. A style is written as the folder that the recount reads
(`docs/design/0003-recount.md`). Marks are no part of a blank: see `aigaq.simulator.count`.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import BallotChoice, BallotStyle, Box, Names, style_toml
from aigaq.simulator.guilloche import Sheet8, printed_paper, rosette

PX_PER_MM: Final = 8
MIN_CHOICES: Final = 2
MAX_CHOICES: Final = 20
PAPER: Final[dict[str, tuple[int, int, int]]] = {
    "white": (243, 242, 236),
    "light-blue": (203, 224, 241),
    "green": (205, 232, 205),
    "purple": (225, 211, 238),
    "orange": (250, 221, 187),
    "yellow": (249, 241, 194),
    "pink": (248, 213, 221),
}
"""Colours of the paper as sRGB in even light."""
_INK: Final = (38, 36, 42)
_LONG: Final = 12
"""Choices that a sheet of 210 x 297 mm holds; more go on 297 x 420 mm."""


@dataclass(frozen=True, slots=True)
class _Paper:
    """What the contests of a day differ in."""

    names: Names
    colour: str
    choices: int
    note: tuple[str, str] = (
        "Таңдауыңыздың оң жағындағы бос шаршыға кез келген белгі қойыңыз",
        "Поставьте любую отметку в пустом квадрате справа от Вашего выбора",
    )


_PAPERS: Final[dict[str, _Paper]] = {
    "party-list": _Paper(Names("Партиялық тізім", "Партийный список", "Party list"), "light-blue", 8),
    "single-mandate": _Paper(Names("Бір мандатты округ", "Одномандатный округ", "Single mandate"), "green", 6),
    "maslikhat-region": _Paper(Names("Облыстық мәслихат", "Областной маслихат", "Regional maslikhat"), "purple", 5),
    "maslikhat-city": _Paper(Names("Қалалық мәслихат", "Городской маслихат", "City maslikhat"), "orange", 4),
    "referendum": _Paper(
        Names("Референдум", "Референдум по вопросу, вынесенному на голосование", "Referendum"),
        "white",
        2,
        (
            "Сіз дауысқа салынған жобаны қабылдайсыз ба?",
            "Принимаете ли Вы проект, вынесенный на голосование?",
        ),
    ),
}
CONTESTS: Final = tuple(_PAPERS)
DAY: Final = CONTESTS[:4]
"""The four papers that a voter gets on one day."""
_PARTIES: Final = (
    ("Көкжиек", "Горизонт", "Horizon"),
    ("Самал", "Бриз", "Breeze"),
    ("Керуен", "Караван", "Caravan"),
    ("Шапағат", "Заря", "Dawn"),
    ("Қайнар", "Родник", "Spring"),
    ("Толқын", "Волна", "Wave"),
    ("Асу", "Перевал", "Pass"),
    ("Мұнара", "Башня", "Tower"),
    ("Жетіген", "Струна", "String"),
    ("Үкі", "Сова", "Owl"),
    ("Өзен", "Река", "River"),
    ("Емен", "Дуб", "Oak"),
    ("Найзағай", "Молния", "Lightning"),
    ("Сарқырама", "Водопад", "Waterfall"),
    ("Тұңғиық", "Глубина", "Depth"),
    ("Һәм", "Союз", "Union"),
    ("Ізгі із", "Добрый след", "Good trace"),
    ("Ғарыш", "Космос", "Space"),
    ("Әуен", "Мелодия", "Melody"),
)
_ORDINALS: Final = (
    ("Бірінші", "Первый", "First"),
    ("Екінші", "Второй", "Second"),
    ("Үшінші", "Третий", "Third"),
    ("Төртінші", "Четвёртый", "Fourth"),
    ("Бесінші", "Пятый", "Fifth"),
    ("Алтыншы", "Шестой", "Sixth"),
    ("Жетінші", "Седьмой", "Seventh"),
    ("Сегізінші", "Восьмой", "Eighth"),
    ("Тоғызыншы", "Девятый", "Ninth"),
    ("Оныншы", "Десятый", "Tenth"),
    ("Он бірінші", "Одиннадцатый", "Eleventh"),
    ("Он екінші", "Двенадцатый", "Twelfth"),
    ("Он үшінші", "Тринадцатый", "Thirteenth"),
    ("Он төртінші", "Четырнадцатый", "Fourteenth"),
    ("Он бесінші", "Пятнадцатый", "Fifteenth"),
    ("Он алтыншы", "Шестнадцатый", "Sixteenth"),
    ("Он жетінші", "Семнадцатый", "Seventeenth"),
    ("Он сегізінші", "Восемнадцатый", "Eighteenth"),
    ("Он тоғызыншы", "Девятнадцатый", "Nineteenth"),
)
_AGAINST: Final = Names("Бәріне қарсымын", "Против всех", "Against all")
_ANSWERS: Final = (
    Names("Иә, қабылдаймын", "Да, принимаю", "Yes, I accept"),
    Names("Жоқ, қабылдамаймын", "Нет, не принимаю", "No, I do not accept"),
)


def make_style(contest: str, *, choices: int = 0, colour: str | None = None) -> BallotStyle:
    """A contest's ballot with so many choices (0: as many as is usual); all but the referendum end in "against all".

    Raises:
        ValueError: fewer than 2 or more than 20 choices, or a referendum of other than 2.
    """
    paper = _PAPERS[contest]
    count = choices or paper.choices
    if not MIN_CHOICES <= count <= MAX_CHOICES or (contest == "referendum" and count != len(_ANSWERS)):
        raise ValueError(f"a ballot of {contest} cannot have {count} choices")
    wide, tall = (210.0, 297.0) if count <= _LONG else (297.0, 420.0)
    top, margin = 84.0, 12.0
    row = min(24.0, (tall - top - 34.0) / count)
    side = min(18.5, row - 3.6)
    rows = [Box(margin, round(top + n * row, 2), wide - 2 * margin, round(row, 2)) for n in range(count)]
    return BallotStyle(
        id=contest if count == paper.choices else f"{contest}-{count}",
        contest=contest,
        names=paper.names,
        size_mm=(wide, tall),
        colour=colour or paper.colour,
        endorsements=1,
        endorsement_area=Box(margin, tall - 27.0, 92.0, 17.0),
        choices=tuple(
            BallotChoice(f"choice-{n}", names, _square(row, side), row)
            for n, (names, row) in enumerate(zip(_choice_names(contest, count), rows, strict=True), 1)
        ),
    )


def day_styles() -> tuple[BallotStyle, ...]:
    """The four ballots of one day."""
    return tuple(make_style(contest) for contest in DAY)


def draw_ballot(style: BallotStyle) -> Sheet8:
    """The front of the blank, RGB, 8 px/mm, read-only."""
    return _front(style)


def draw_back(style: BallotStyle) -> Sheet8:
    """The back of the blank as it lies when turned about its long edge, RGB, 8 px/mm, read-only."""
    return _back(style)


def write_style(style: BallotStyle, folder: Path) -> Path:
    """Write `<folder>/<style id>/` with `style.toml` and `blank.png`; returns it."""
    home = folder / style.id
    home.mkdir(parents=True, exist_ok=True)
    _, png = cv2.imencode(".png", cv2.cvtColor(draw_ballot(style), cv2.COLOR_RGB2BGR))
    (home / "blank.png").write_bytes(png.tobytes())
    (home / "style.toml").write_text(style_toml(style, hashlib.sha256(png.tobytes()).hexdigest()), encoding="utf-8")
    return home


def _square(row: Box, side: float) -> Box:
    return Box(round(row.x + row.w - side - 3, 2), round(row.y + (row.h - side) / 2, 2), round(side, 2), round(side, 2))


def _choice_names(contest: str, count: int) -> list[Names]:
    if contest == "referendum":
        return list(_ANSWERS)
    if contest == "party-list":
        parties = [Names(f"«{kk}» партиясы", f"Партия «{ru}»", f"{en} Party") for kk, ru, en in _PARTIES]
        return [*parties[: count - 1], _AGAINST]
    candidates = [Names(f"{kk} үміткер", f"{ru} кандидат", f"{en} candidate") for kk, ru, en in _ORDINALS]
    return [*candidates[: count - 1], _AGAINST]


@cache
def _front(style: BallotStyle) -> Sheet8:
    sheet = printed_paper(style.size_mm, PAPER[style.colour], PX_PER_MM, seed=_seed(style))
    pen = _Press(sheet)
    _heading(pen, style)
    for number, choice in enumerate(style.choices, 1):
        _row(pen, choice, number)
    _endorsement(pen, style.endorsement_area)
    rosette(sheet, (style.size_mm[0] - 34, style.size_mm[1] - 19), 10.0, PX_PER_MM, PAPER[style.colour])
    sheet.flags.writeable = False
    return sheet


@cache
def _back(style: BallotStyle) -> Sheet8:
    """Guilloche alone, and a shadow of the front's printing."""
    sheet = printed_paper(style.size_mm, PAPER[style.colour], PX_PER_MM, seed=_seed(style) + 1)
    through = cv2.GaussianBlur(_front(style)[:, ::-1], (0, 0), 4)
    sheet = cv2.addWeighted(sheet, 0.93, through, 0.07, 0).astype(np.uint8)
    sheet.flags.writeable = False
    return sheet


def _seed(style: BallotStyle) -> int:
    return int.from_bytes(hashlib.sha256(style.id.encode()).digest()[:4], "big")


class _Press:
    """Prints letters and lines on a sheet; all places and sizes in mm."""

    def __init__(self, sheet: NDArray[np.uint8]) -> None:
        self.sheet = sheet
        self._face = cv2.FontFace("sans")

    def width(self, text: str, size: float, weight: int) -> float:
        """Of a line of letters."""
        box = cv2.getTextSize((0, 0), text, (0, 0), self._face, round(size * PX_PER_MM), weight)
        return box[2] / PX_PER_MM

    def letters(
        self,
        text: str,
        at: tuple[float, float],
        size: float,
        *,
        weight: int = 400,
        room: float = 0,
        centred: bool = False,
    ) -> None:
        """A line whose baseline begins (or is centred) at `at`; made smaller where it has no room."""
        while room and self.width(text, size, weight) > room:
            size *= 0.96
        x = at[0] - self.width(text, size, weight) / 2 if centred else at[0]
        place = (round(x * PX_PER_MM), round(at[1] * PX_PER_MM))
        cv2.putText(self.sheet, text, place, _INK, self._face, round(size * PX_PER_MM), weight)

    def frame(self, box: Box, line: float) -> None:
        """A rectangle's outline; the line lies inside the rectangle."""
        x, y, w, h = (round(v * PX_PER_MM) for v in box)
        thick = max(1, round(line * PX_PER_MM))
        for rows, columns in (
            (slice(y, y + thick), slice(x, x + w)),
            (slice(y + h - thick, y + h), slice(x, x + w)),
            (slice(y, y + h), slice(x, x + thick)),
            (slice(y, y + h), slice(x + w - thick, x + w)),
        ):
            self.sheet[rows, columns] = _INK

    def rule(self, x: float, y: float, w: float, line: float) -> None:
        """A horizontal line."""
        self.frame(Box(x, y, w, line), line)


def _heading(pen: _Press, style: BallotStyle) -> None:
    wide = style.size_mm[0]
    middle, room = wide / 2, wide - 30
    rosette(pen.sheet, (middle, 17.0), 9.0, PX_PER_MM, PAPER[style.colour], strong=True)
    lines: tuple[tuple[str, float, float, int], ...] = (
        ("САЙЛАУ БЮЛЛЕТЕНІ · ИЗБИРАТЕЛЬНЫЙ БЮЛЛЕТЕНЬ", 35, 5.6, 700),
        (style.names.kk, 43, 5.4, 600),
        (style.names.ru, 50, 5.4, 600),
        (_PAPERS[style.contest].note[0], 60, 4.6, 400),
        (_PAPERS[style.contest].note[1], 66.5, 4.6, 400),
        ("Аумақтық сайлау комиссиясы · Территориальная избирательная комиссия", 75, 3.8, 400),
    )
    for text, y, size, weight in lines:
        pen.letters(text, (middle, y), size, weight=weight, room=room, centred=True)
    pen.rule(12, 79.5, wide - 24, 0.6)


def _row(pen: _Press, choice: BallotChoice, number: int) -> None:
    row, box = choice.row, choice.box
    size = min(6.0, row.h * 0.3)
    room = box.x - row.x - 20
    middle = row.y + row.h / 2
    pen.letters(f"{number}.", (row.x + 2, middle + size * 0.35), size, weight=600)
    pen.letters(choice.names.kk, (row.x + 14, middle - size * 0.25), size, weight=650, room=room)
    pen.letters(choice.names.ru, (row.x + 14, middle + size * 1.05), size * 0.9, room=room)
    pen.rule(row.x, row.y + row.h - 0.3, row.w, 0.3)
    pen.frame(box, 0.55)


def _endorsement(pen: _Press, area: Box) -> None:
    pen.letters("Комиссия мүшесінің қолы", (area.x, area.y + 4), 3.6, room=area.w / 2)
    pen.letters("Подпись члена комиссии", (area.x, area.y + 8.6), 3.6, room=area.w / 2)
    pen.rule(area.x + area.w / 2, area.y + area.h - 5, area.w / 2, 0.3)
