"""One HTML file that tells of a count: completeness, tally, gaps, and every ballot with its pictures. No script in it.

The full report shows sheets and times, for whoever may see them. The public one shows the boxes alone, in random order
and without times: an identifiable mark on a sheet, or its place in the film, could sell a vote.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aigaq.base import N_, Language, fill, translate, translate_plural
from aigaq.recount.errors import FolderPictureError
from aigaq.recount.files import ballot_folder, picture_names
from aigaq.recount.model import Count, Outcome, Reading
from aigaq.recount.people.model import PeopleReading
from aigaq.recount.styles import LoadedStyle
from aigaq.recount.tally import Claimed, tally
from aigaq.recount.tally_view import BallotLink, check_claims, choice_names, contests_of, tally_view
from aigaq.recount.words import OUTCOMES, WHY, answer_text, film_time
from aigaq.web import duration_text, stamp_text

TEMPLATES: Final = Path(__file__).parent / "templates"
_SHEET_PX: Final = 300


@dataclass(frozen=True, slots=True)
class Told:
    """What a report tells besides the reading itself."""

    styles: Mapping[str, LoadedStyle]
    people: Sequence[PeopleReading] = ()
    claimed: Sequence[Claimed] = ()


def report_html(
    folder: Path, count: Count, told: Told, *, language: Language, zone: str = "UTC", public_key: bytes | None = None
) -> str:
    """The report of a reading folder.

    Args:
        folder: Where its pictures lie.
        count: What `read_reading` gave.
        told: Styles, people's readings, the protocol.
        language: Of every text.
        zone: IANA name; times of day are told in it.
        public_key: A secret that draws the order and the names of ballots; with it the report is the public one.

    Raises:
        ClaimsError: the protocol names a contest or a choice that the count does not have.
        FolderPictureError: a picture cannot be read.
    """
    contests = contests_of(count, told.styles)
    check_claims(told.claimed, contests)
    naming = _public_naming(public_key) if public_key else _plain_naming(language)
    tallies = tally(count, contests, people=told.people, claimed=told.claimed)
    view = tally_view(tallies, contests, count, told.styles, language=language, link=naming)
    ballots = _Ballots(folder, told, language, naming, public=public_key is not None)
    style = (TEMPLATES / "recount_report.css").read_text(encoding="utf-8")
    context: dict[str, Any] = {
        "language": language,
        "title": count.source.name,
        "style": Markup(style),  # noqa: S704 - our own file
        "style_hash": "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "length": duration_text(round(count.source.seconds * 1000), language),
        "begins": "" if count.source.start_ms is None else stamp_text(count.source.start_ms, zone, language),
        "outcomes": [_outcome(count, outcome, language) for outcome in Outcome],
        "view": view,
        "ballots": ballots.all(count.readings),
        "order_text": translate(PUBLIC_ORDER if public_key else PLAIN_ORDER, language),
        "hashes": list(_hashes(count, language)),
    }
    return _environment(language).get_template("recount_report.html").render(context)


PLAIN_ORDER: Final = N_("In the order of showing, with the time in the film. Choose which are listed.")
PUBLIC_ORDER: Final = N_("The squares alone, in random order: nobody can find a certain voter's ballot here.")
Naming = Callable[[int], BallotLink]


def _plain_naming(language: Language) -> Naming:
    text = translate(N_("No. {n}"), language)
    return lambda n: BallotLink(text.format(n=n), f"#ballot-{n}")


def _public_naming(key: bytes) -> Naming:
    def name(n: int) -> BallotLink:
        drawn = hmac.new(key, str(n).encode(), "sha256").hexdigest()[:8]
        return BallotLink(drawn, f"#ballot-{drawn}")

    return name


class _Ballots:
    def __init__(self, folder: Path, told: Told, language: Language, naming: Naming, *, public: bool) -> None:
        self._folder = folder
        self._language: Language = language
        self._naming = naming
        self._public = public
        self._people = {one.n: one for one in told.people}
        self._contests, self._names = choice_names(told.styles, language)
        self._of = {style: loaded.style.contest for style, loaded in told.styles.items()}

    def all(self, readings: Sequence[Reading]) -> list[dict[str, Any]]:
        """Every ballot; the public ones in the order of their drawn names."""
        shown = [self._one(reading) for reading in readings]
        return sorted(shown, key=lambda ballot: ballot["name"]) if self._public else shown

    def _one(self, reading: Reading) -> dict[str, Any]:
        link = self._naming(reading.n)
        sheet, width, height = ("", 0, 0) if self._public else self._sheet(reading)
        return {
            "anchor": link.href.removeprefix("#"),
            "name": link.name,
            "time": "" if self._public else f"{film_time(reading.from_s)} – {film_time(reading.to_s)}",
            "outcome": reading.outcome.value,
            "reading": self._reading(reading),
            "notes": list(self._notes(reading)),
            "sheet": sheet,
            "width": width,
            "height": height,
            "boxes": [
                {
                    "name": self._names.get((reading.style or "", box.choice), box.choice),
                    "picture": _picture(ballot_folder(self._folder, reading.n) / f"box-{box.choice}.png")[0],
                    "chosen": box.choice == reading.choice,
                }
                for box in reading.boxes
            ],
        }

    def _reading(self, reading: Reading) -> str:
        if reading.choice is not None:
            return self._names.get((reading.style or "", reading.choice), reading.choice)
        reasons = ", ".join(translate(WHY[why], self._language) for why in reading.why)
        return f"{translate(OUTCOMES[reading.outcome], self._language)}: {reasons}"

    def _notes(self, reading: Reading) -> list[str]:
        say = self._language
        notes: list[str] = []
        if reading.style is not None and len(self._contests) > 1:
            contest = self._of.get(reading.style, reading.style)
            notes.append(self._contests.get(contest, contest))
        one = self._people.get(reading.n)
        if one is not None and one.answer is not None:
            notes.append(fill(N_("People: {answer}"), say, {"answer": answer_text(one.answer, self._names, say)}))
        if reading.same_as is not None:
            again = self._naming(reading.same_as).name
            notes.append(fill(N_("Shown again, not counted: the same sheet as {ballot}"), say, {"ballot": again}))
        if reading.upside_down and not self._public:
            notes.append(translate(N_("Held upside down"), say))
        return notes

    def _sheet(self, reading: Reading) -> tuple[str, int, int]:
        """The straightened sheet, or the picture of the film where there is none."""
        names = set(picture_names(reading))
        at = ballot_folder(self._folder, reading.n)
        name = "sheet.png" if "sheet.png" in names else "frame-1.jpg" if "frame-1.jpg" in names else ""
        return _picture(at / name, _SHEET_PX) if name else ("", 0, 0)


def _picture(path: Path, width: int = 0) -> tuple[str, int, int]:
    """A picture as a data address, and its size; made smaller to the width."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FolderPictureError(str(path))
    if width and picture.shape[1] > width:
        size = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 78])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", picture.shape[1], picture.shape[0]


def _outcome(count: Count, outcome: Outcome, language: Language) -> dict[str, Any]:
    many = sum(reading.outcome is outcome for reading in count.readings)
    return {"id": outcome.value, "name": translate(OUTCOMES[outcome], language).capitalize(), "count": many}


def _hashes(count: Count, language: Language) -> list[tuple[str, str]]:
    source, maker = count.source, count.maker
    film = source.sha256 or hashlib.sha256("".join(source.segments).encode()).hexdigest()
    what = N_("Film") if source.sha256 else N_("Hashes of the {n} sealed segments, one after the other")
    return [
        (fill(what, language, {"n": len(source.segments)}), film),
        (translate(N_("Version of the program"), language), maker.version),
        (translate(N_("Weights of the second reader"), language), maker.weights_sha256),
        *(
            (fill(N_("Ballot style {id}"), language, {"id": name}), value)
            for name, value in sorted(maker.styles.items())
        ),
    ]


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install = getattr(environment, "install_gettext_callables")  # noqa: B009 - added by the extension, unknown to types
    install(partial(translate, language=language), partial(translate_plural, language=language), newstyle=True)
    return environment
