"""Counting along: a citizen watches the whole count, keeps an own tally, and compares it at the end."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from aigaq.base import Language, translate
from aigaq.election import BallotStyle
from aigaq.recount.people.counts import CountFolder
from aigaq.recount.people.desk import Desk
from aigaq.recount.people.errors import BadAnswerError, ForeignFormError, NoCountError, NoFilmError
from aigaq.recount.people.forms import COOKIE, address_of, give_token, read_form
from aigaq.recount.people.model import Kind
from aigaq.recount.people.words import ANSWERS, number_text
from aigaq.recount.tally import INVALID, Contest, ContestTally, tally
from aigaq.web import render

MAX_FORM: Final = 400_000
MAX_TICKS: Final = 10_000
MOST: Final = 100_000
"""No station has so many ballots."""
_FILM_HEADERS: Final = {"Cache-Control": "private, max-age=600"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the comparison."""

    name: str
    field: str
    own: int
    machine: int
    low: int
    """Settled by people where they agree, else by the machine."""
    high: int
    """With the ballots that are still open."""


class AlongPages:
    """Handlers of the pages for counting along."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list(self, request: Request, language: Language) -> Response:
        """The counts that have a film here."""
        counts = [c for c in self._desk.counts.values() if self._film_of(request, c)]
        return self._page(request, language, "along.html", {"counts": counts})

    async def watch(self, request: Request, language: Language, count: str, style: str = "") -> Response:
        """The film, and a tally beside it."""
        found = self._count(count)
        name = self._desk.tokens.viewer(request.cookies.get(COOKIE))
        if name is None:
            return self._welcome(request)
        if self._film_of(request, found) is None:
            raise NoFilmError(count)
        chosen = _style(found, style)
        context = {
            "count": found,
            "film": f"/{language}/recount/people/along/{count}/film",
            "style": chosen,
            "styles": _styles(found),
            "lines": [*_lines(chosen, language)],
            "mark": self._desk.tokens.form_mark(name),
        }
        return self._page(request, language, "along_count.html", context)

    async def film(self, request: Request, count: str) -> Response:
        """The film; parts of it as browsers ask for them (RFC 9110 §14)."""
        path = self._film_of(request, self._count(count))
        if path is None:
            raise NoFilmError(count)
        kind = "video/webm" if path.suffix.lower() == ".webm" else "video/mp4"
        return FileResponse(path, media_type=kind, headers=_FILM_HEADERS)

    async def compare(self, request: Request, language: Language, count: str) -> Response:
        """Keep the citizen's tally where they wish it, and set it beside the others."""
        found = self._count(count)
        name = self._desk.tokens.viewer(request.cookies.get(COOKIE))
        fields = await read_form(request, MAX_FORM)
        if name is None or not self._desk.tokens.is_form_mark(name, fields.get("mark", "")):
            raise ForeignFormError
        style = _style(found, fields.get("style", ""))
        own = {field: _number(fields.get(f"n-{field}", "0")) for field, _ in _lines(style, language)}
        if fields.get("keep"):
            await self._desk.keep_along(name, count, address_of(request), _kept(style, own, fields.get("ticks", "[]")))
        contest = self._tally(found, style)
        context = {
            "count": found,
            "style": style,
            "bars": [*_bars(contest, style, own, language)],
            "complete": contest.completeness,
            "open": len(contest.open),
            "kept": bool(fields.get("keep")),
            "others": len({kept.viewer for kept in self._desk.store.along(count)}),
        }
        return self._page(request, language, "along_compare.html", context)

    def _tally(self, found: CountFolder, style: BallotStyle) -> ContestTally:
        same = [s.style for s in found.styles.values() if s.style.contest == style.contest]
        choices = tuple(dict.fromkeys(c.id for s in same for c in s.choices))
        contest = Contest(style.contest, frozenset(s.id for s in same), choices)
        return tally(found.count, [contest], people=self._desk.board.readings(found.id))[0]

    def _count(self, count: str) -> CountFolder:
        found = self._desk.counts.get(count)
        if found is None:
            raise NoCountError(count=count[:40])
        return found

    def _film_of(self, request: Request, count: CountFolder) -> Path | None:
        name = self._desk.tokens.viewer(request.cookies.get(COOKIE))
        accredited = name is not None and self._desk.viewer(name).accredited
        return count.film() if accredited or self._desk.settings.films == "all" else None

    def _welcome(self, request: Request) -> Response:
        if "begin" in request.query_params:
            raise ForeignFormError
        response = RedirectResponse(str(request.url.include_query_params(begin=1)), 303, {"Cache-Control": "no-store"})
        give_token(response, self._desk.newcomer(address_of(request)), request)
        return response

    @staticmethod
    def _page(request: Request, language: Language, template: str, context: Mapping[str, object]) -> Response:
        response = render(request, template, {"number": partial(number_text, language=language), **context})
        response.headers["Cache-Control"] = "private, no-store"
        return response


def _styles(found: CountFolder) -> list[BallotStyle]:
    """Those that the machine saw in this count, most often seen first; all of the election where it saw none."""
    seen = [r.style for r in found.count.readings if r.style]
    ids = sorted(set(seen), key=lambda s: (-seen.count(s), s)) or sorted(found.styles)
    return [found.styles[i].style for i in ids]


def _style(found: CountFolder, style: str) -> BallotStyle:
    styles = _styles(found)
    return next((s for s in styles if s.id == style), styles[0])


def _lines(style: BallotStyle, language: Language) -> Iterator[tuple[str, str]]:
    """The lines of a tally: the field of the form, and its name."""
    yield from ((choice.id, choice.names.in_(language)) for choice in style.choices)
    yield "invalid:", translate(ANSWERS[Kind.INVALID], language)


def _bars(contest: ContestTally, style: BallotStyle, own: dict[str, int], language: Language) -> Iterator[Bar]:
    lines = {line.choice or INVALID: line for line in contest.lines}
    for field, name in _lines(style, language):
        line = lines[INVALID if field == "invalid:" else field]
        yield Bar(name, field, own[field], len(line.machine), line.low, line.high)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= MOST):
        raise BadAnswerError(text=text[:40])
    return int(text)


def _kept(style: BallotStyle, own: dict[str, int], ticks: str) -> str:
    """The tally as it is kept: totals, and when each tick was made, where the page says so."""
    try:
        told: object = json.loads(ticks)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError(text=ticks[:40]) from error
    pairs = told if isinstance(told, list) else []
    clean = [
        [round(float(at), 1), field]
        for at, field in (p for p in pairs[:MAX_TICKS] if isinstance(p, list) and len(p) == 2)
        if isinstance(at, int | float) and isinstance(field, str) and field in own and 0 <= at < 1e6
    ]
    return json.dumps({"style": style.id, "totals": own, "ticks": clean}, ensure_ascii=False)
