"""The pages of people's recount: what it is, one question at a time, what was found. They decide nothing.

A question carries no name of a station, no answer of the machine or of others. It is answered by a plain form; scripts
only make it faster.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from aigaq.base import Language, translate
from aigaq.recount.people.along import AlongPages
from aigaq.recount.people.desk import Asked, Desk
from aigaq.recount.people.errors import ForeignFormError
from aigaq.recount.people.forms import COOKIE, address_of, give_token, read_form
from aigaq.recount.people.model import Answer, Kind
from aigaq.recount.people.pictures import Pictures
from aigaq.recount.people.store import KeptAnswer
from aigaq.recount.people.views import Agreement, agreement, count_view, picture_of, question_view, viewer_rows
from aigaq.recount.people.words import STANDINGS, decimal_text, number_text, share_text
from aigaq.web import render

COUNTS_SHOWN: Final = 50
VIEWERS_SHOWN: Final = 500
AGREEMENT_MS: Final = 10_000
_PICTURE_HEADERS: Final = {"Cache-Control": "private, max-age=3600, immutable"}
_PRIVATE: Final = "private, no-store"
_COLUMNS: Final = ("ballot", "viewer", "answer", "level", "adjudicates", "reason", "seconds", "at_ms")


def people_router(desk: Desk) -> APIRouter:
    """The pages of a desk, to be added to the shell.

    Add them before a router that takes `/{language}/recount/{count}`.
    """
    pages, along = PeoplePages(desk), AlongPages(desk)
    router = APIRouter(prefix="/{language:language}/recount/people", include_in_schema=False)
    seen = ["GET", "HEAD"]
    router.add_api_route("", pages.start, methods=seen)
    router.add_api_route("/code", pages.code, methods=["POST"])
    router.add_api_route("/read", pages.read, methods=seen)
    router.add_api_route("/read", pages.answer, methods=["POST"])
    router.add_api_route("/read/part", pages.part, methods=["GET"])
    router.add_api_route("/picture/{token}/{name}", pages.picture, methods=seen)
    router.add_api_route("/results", pages.results, methods=seen)
    router.add_api_route("/answers.csv", pages.answers, methods=seen)
    router.add_api_route("/along", along.list, methods=seen)
    router.add_api_route("/along/{count}", along.watch, methods=seen)
    router.add_api_route("/along/{count}", along.compare, methods=["POST"])
    router.add_api_route("/along/{count}/film", along.film, methods=seen)
    return router


class PeoplePages:
    """Handlers; each reads its question, asks the desk and renders."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pictures = Pictures()
        self._agreed: tuple[int, Agreement] | None = None

    async def start(self, request: Request, language: Language) -> Response:
        """What it is, how far it is, and the way in."""
        name = self._name(request)
        viewer = self._desk.viewer(name) if name else None
        mark = self._desk.tokens.form_mark(name) if name else ""
        context = {
            "progress": self._desk.progress(),
            "seed": self._desk.settings.seed,
            "policy": self._desk.board.policy,
            "own": self._desk.own(name) if name else 0,
            "viewer": viewer,
            "mark": mark,
            "codes": bool(self._desk.settings.access_codes),
            "films": self._desk.settings.films == "all" or bool(viewer and viewer.accredited),
        }
        return self._page(request, language, "people.html", context)

    async def read(self, request: Request, language: Language) -> Response:
        """One question; a stranger is given a token first."""
        name = self._name(request)
        if name is None:
            return self._welcome(request)
        adjudicate, again = "rule" in request.query_params, "again" in request.query_params
        asked = self._desk.last(name) if again else await self._ask(request, name, adjudicate=adjudicate)
        viewer = self._desk.viewer(name)
        context = {
            "question": question_view(asked, language) if asked else None,
            "line": self._line(name, language),
            "adjudicate": adjudicate,
            "can_correct": self._desk.last(name) is not None and not again,
            "rulings": self._desk.progress().adjudicate if viewer.accredited else 0,
            "waiting": self._desk.progress().ballots > self._desk.progress().read,
        }
        return self._page(request, language, "people_read.html", context)

    async def part(self, request: Request, language: Language, kind: str = "next") -> Response:
        """A question alone, for the script: the next one, or the last once more. 204 where there is none."""
        name = self._known(request)
        adjudicate = "rule" in request.query_params
        if kind == "again":
            asked = self._desk.last(name)
        else:
            asked = await self._ask(request, name, adjudicate=adjudicate, ahead=kind == "ahead")
        if asked is None:
            return Response(status_code=204, headers={"Cache-Control": _PRIVATE})
        return self._page(request, language, "people_question.html", {"question": question_view(asked, language)})

    async def answer(self, request: Request, language: Language) -> Response:
        """Keep an answer, and go on."""
        name = self._known(request)
        fields = await read_form(request)
        await self._desk.answer(
            name,
            fields.get("question", ""),
            fields.get("answer", ""),
            reason=fields.get("reason", ""),
            seconds=_seconds(fields.get("seconds", "")),
        )
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"line": self._line(name, language)}, headers={"Cache-Control": _PRIVATE})
        more = "?rule=1" if fields.get("adjudicates") else ""
        return RedirectResponse(f"/{language}/recount/people/read{more}", 303)

    async def code(self, request: Request, language: Language) -> Response:
        """Take an access code."""
        name = self._known(request)
        fields = await read_form(request)
        if not self._desk.tokens.is_form_mark(name, fields.get("mark", "")):
            raise ForeignFormError
        await self._desk.accredit(name, fields.get("code", ""), address_of(request))
        return RedirectResponse(f"/{language}/recount/people", 303)

    def picture(self, request: Request, token: str, name: str) -> Response:
        """A picture of a question that was put to this viewer."""
        found = picture_of(self._desk.question(self._known(request), token), name, self._pictures)
        return Response(found.data, media_type=found.media_type, headers=_PICTURE_HEADERS)

    async def results(self, request: Request, language: Language, page: str = "1") -> Response:
        """How far people are, how well they agree, and with whom."""
        board = self._desk.board
        counts, viewers = board.counts(), viewer_rows(board)
        pages = max(1, -(-len(counts) // COUNTS_SHOWN))
        number = min(pages, int(page)) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1
        shown = counts[max(0, number - 1) * COUNTS_SHOWN :][:COUNTS_SHOWN]
        context = {
            "progress": self._desk.progress(),
            "agreement": await self._agreement(),
            "counts": [count_view(self._desk, count, language) for count in shown],
            "page": number,
            "pages": pages,
            "viewers": viewers[:VIEWERS_SHOWN],
            "viewers_more": max(0, len(viewers) - VIEWERS_SHOWN),
            "standings": STANDINGS,
            "policy": board.policy,
            "seed": self._desk.settings.seed,
        }
        return self._page(request, language, "people_results.html", context)

    def answers(self) -> Response:
        """Every answer to ballots that nobody reads any more, in the order of their names: that of chance."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        rows.writerows(self._published(self._desk.answers()))
        headers = {"Content-Disposition": 'attachment; filename="answers.csv"', "Cache-Control": "no-cache"}
        return PlainTextResponse(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _agreement(self) -> Agreement:
        """Made at most every ten seconds, whoever asks."""
        now = self._desk.clock.monotonic_ns() // 1_000_000
        if self._agreed is None or now - self._agreed[0] >= AGREEMENT_MS:
            self._agreed = (now, await self._desk.look(agreement))
        return self._agreed[1]

    def _published(self, answers: list[KeptAnswer]) -> Iterator[tuple[object, ...]]:
        board = self._desk.board
        for one in sorted(answers, key=lambda a: a.item):
            if one.item in board and board.verdict(one.item).status.closed:
                told = (one.item, one.viewer, one.answer, one.level, int(one.adjudicates))
                yield (*told, _harmless(one.reason), round(one.seconds, 1), one.at_ms)

    def _name(self, request: Request) -> str | None:
        return self._desk.tokens.viewer(request.cookies.get(COOKIE))

    def _known(self, request: Request) -> str:
        name = self._name(request)
        if name is None:
            raise ForeignFormError
        return name

    async def _ask(self, request: Request, name: str, *, adjudicate: bool = False, ahead: bool = False) -> Asked | None:
        return await self._desk.ask(name, address_of(request), adjudicate=adjudicate, ahead=ahead)

    def _welcome(self, request: Request) -> Response:
        """Give a token and come again with it: nothing is kept for a browser that does not send it back."""
        if "begin" in request.query_params:
            raise ForeignFormError
        response = RedirectResponse(f"{request.url.path}?begin=1", 303, {"Cache-Control": _PRIVATE})
        give_token(response, self._desk.newcomer(address_of(request)), request)
        return response

    def _line(self, name: str, language: Language) -> str:
        """How far all are, and how far this viewer is."""
        progress, own = self._desk.progress(), self._desk.own(name)
        numbers = {"read": number_text(progress.read, language), "all": number_text(progress.ballots, language)}
        line = translate("%(read)s of %(all)s ballots have been read.", language) % numbers
        thanks = translate("You have read %(own)s: thank you.", language) % {"own": number_text(own, language)}
        return f"{line} {thanks}" if own else line

    def _page(self, request: Request, language: Language, template: str, context: Mapping[str, object]) -> Response:
        words = {
            "number": partial(number_text, language=language),
            "share": partial(share_text, language=language),
            "decimal": partial(decimal_text, language=language),
            "repeat": Answer(Kind.REPEAT).code,
            "unreadable": Answer(Kind.UNREADABLE).code,
        }
        response = render(request, template, {**words, **context})
        response.headers["Cache-Control"] = _PRIVATE
        return response


def _seconds(text: str) -> float:
    """What the page measured; 0 where it says no number."""
    try:
        return float(text) if len(text) < 20 else 0.0
    except ValueError:
        return 0.0


def _harmless(text: str) -> str:
    """Spreadsheets must not take a stranger's text for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
