"""What the pages of people's recount show, made ready for the templates. Nothing of it names a station."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aigaq.base import Language, translate
from aigaq.election import BallotStyle
from aigaq.recount.intervals import clopper_pearson
from aigaq.recount.model import MIN_VISIBLE
from aigaq.recount.people.board import Board, Viewer
from aigaq.recount.people.consensus import agreement_share, cohen_kappa, krippendorff_alpha
from aigaq.recount.people.desk import Asked, Desk
from aigaq.recount.people.errors import QuestionGoneError
from aigaq.recount.people.model import Answer, Because, Invalid, Kind, PeopleReading, Standing, Status, parse_answer
from aigaq.recount.people.pictures import Picture, Pictures, frames_of
from aigaq.recount.people.words import ANSWERS, GROUNDS


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the ballot as a button."""

    code: str
    number: int
    name: str
    picture: str
    """Address of its box; empty where no box was read."""
    hidden: bool
    """Whether less of the box can be seen than a decision needs."""
    given: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one ballot style."""

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question as its page shows it."""

    token: str
    groups: tuple[Group, ...]
    grounds: tuple[Option, ...]
    sheet: str
    """Address of the sheet; empty where none was made straight."""
    frames: tuple[str, ...]
    earlier: str
    whole: bool
    adjudicates: bool
    given: str
    said: str
    """The answer that is being corrected, in words."""

    @property
    def pictures(self) -> list[str]:
        """Every picture, so that they can be loaded beforehand."""
        boxes = [option.picture for group in self.groups for option in group.options if option.picture]
        return [*boxes, *filter(None, (self.sheet, *self.frames, self.earlier))]


def question_view(asked: Asked, language: Language) -> QuestionView:
    """The question in the reader's language."""
    at = f"/{language}/recount/people/picture/{asked.question.question}"
    reading = asked.count.reading(asked.n)
    frames = [f"{at}/frame-{k}" for k in frames_of(reading)] if asked.whole else []
    earlier = asked.earlier and asked.count.reading(asked.earlier)
    groups, grounds = tuple(_groups(asked, at, language)), tuple(_grounds(asked.given, language))
    return QuestionView(
        asked.question.question,
        groups,
        grounds,
        f"{at}/sheet" if reading.boxes else "",
        tuple(frames),
        f"{at}/earlier" if earlier and earlier.boxes and (asked.whole or earlier.style) else "",
        asked.whole,
        asked.question.adjudicates,
        asked.given,
        _said(asked.given, [*(o for group in groups for o in group.options), *grounds], language),
    )


def _said(given: str, options: Sequence[Option], language: Language) -> str:
    answer = parse_answer(given)
    named = next((option.name for option in options if option.given), "")
    return named or (translate(ANSWERS[answer.kind], language) if answer else "")


def _groups(asked: Asked, at: str, language: Language) -> Iterator[Group]:
    boxes = {box.choice: box for box in asked.count.reading(asked.n).boxes} if asked.style else {}
    number = 0
    for style in (loaded.style for loaded in asked.styles):
        options: list[Option] = []
        for choice in style.choices:
            number += 1
            code = Answer(Kind.CHOICE, style.id, choice.id).code
            box = boxes.get(choice.id)
            picture = f"{at}/box-{number}" if box else ""
            hidden = box is not None and box.visible < MIN_VISIBLE
            options.append(Option(code, number, choice.names.in_(language), picture, hidden, code == asked.given))
        yield Group(style.names.in_(language), tuple(options))


def _grounds(given: str, language: Language) -> Iterator[Option]:
    for number, ground in enumerate(Invalid, 1):
        code = Answer(Kind.INVALID, invalid=ground).code
        yield Option(code, number, translate(GROUNDS[ground], language), "", hidden=False, given=code == given)


def picture_of(asked: Asked, name: str, pictures: Pictures) -> Picture:
    """One picture of a question.

    Raises:
        QuestionGoneError: it has none of this name, or the viewer may not see it.
        FolderPictureError: the reading folder lacks it.
    """
    folder, kind, number = asked.count.folder, *_split(name)
    reading = asked.count.reading(asked.n)
    if kind == "box" and asked.style and 1 <= number <= len(asked.style.style.choices) and reading.boxes:
        return pictures.box(folder, asked.n, asked.style.style.choices[number - 1].id)
    if kind == "frame" and asked.whole and number in frames_of(reading):
        return pictures.frame(folder, asked.n, number)
    n = {"sheet": asked.n, "earlier": asked.earlier}.get(name)
    shown = asked.count.reading(n) if n else None
    if not (n and shown and shown.boxes and (asked.whole or shown.style)):
        raise QuestionGoneError(name[:40])
    if asked.whole:
        return pictures.whole(folder, n)
    return pictures.masked(folder, n, asked.count.styles[shown.style or ""])


def _split(name: str) -> tuple[str, int]:
    kind, _, number = name.partition("-")
    return kind, int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well readers agree. Every share keeps what it is a share of."""

    alike: tuple[int, int]
    """Ballots that all who read them read alike, of those that two or more read."""
    alpha: float | None
    """Krippendorff's alpha, nominal."""
    machine: tuple[int, int]
    """Ballots that people read as the machine does, of those that it is sure of and people have decided."""
    machine_low: float
    """Lower bound of that share, 95 %."""
    kappa: float | None
    """Cohen's kappa of machine and people."""


def agreement(board: Board) -> Agreement:
    """Over all counts."""
    pairs = [
        (one.machine.says, one.answer.says)
        for count in board.counts()
        for one in board.readings(count)
        if one.answer and one.machine and one.because is Because.AUDIT
    ]
    same = sum(a == b for a, b in pairs)
    _, ballots = board.numbered()
    low, _ = clopper_pearson(same, len(pairs))
    alpha = krippendorff_alpha(ballots) if ballots.items.size else None
    alike = agreement_share(ballots) if ballots.items.size else (0, 0)
    return Agreement(alike, alpha, (same, len(pairs)), low, cohen_kappa(pairs))


@dataclass(frozen=True, slots=True)
class Row:
    """One choice, or what else was answered, on the ballots that people have read."""

    name: str
    machine: int
    people: int


@dataclass(frozen=True, slots=True)
class CountView:
    """How far people are with one count; figures by choice only when nobody reads it any more."""

    id: str
    ballots: int
    closed: int
    asked: Mapping[Because, int]
    ruled: int
    disputed: int
    rows: tuple[Row, ...]


def count_view(desk: Desk, count: str, language: Language) -> CountView:
    """One count."""
    readings = desk.board.readings(count)
    statuses = Counter(one.status for one in readings)
    closed = sum(one.status.closed for one in readings)
    done = closed == len(readings)
    styles = {name: loaded.style for name, loaded in desk.counts[count].styles.items()}
    return CountView(
        count,
        len(readings),
        closed,
        Counter(one.because for one in readings),
        statuses[Status.ADJUDICATED],
        statuses[Status.DISPUTED],
        tuple(_rows(readings, styles, language)) if done else (),
    )


def _rows(readings: Sequence[PeopleReading], styles: Mapping[str, BallotStyle], language: Language) -> Iterator[Row]:
    machine = Counter(one.machine.says for one in readings if one.machine)
    people = Counter(one.answer.says for one in readings if one.answer)
    for style in styles.values():
        for choice in style.choices:
            says = Answer(Kind.CHOICE, style.id, choice.id).says
            if machine[says] or people[says]:
                yield Row(choice.names.in_(language), machine[says], people[says])
    for kind in (Kind.INVALID, Kind.UNREADABLE, Kind.REPEAT):
        if machine[kind] or people[kind]:
            yield Row(translate(ANSWERS[kind], language), machine[kind], people[kind])


def viewer_rows(board: Board) -> list[Viewer]:
    """All who answered, in the order of their names, which is that of chance; those set aside first."""
    answered = [viewer for viewer in board.viewers() if viewer.answered]
    return sorted(answered, key=lambda v: (not v.standing.set_aside, v.standing is Standing.UNPROVEN, v.name))
