"""The counts of an election as pages: completeness at once, figures by choice when nobody reads the count any more.

No ballot is told here by number or time: whose it is could be found by its place in the film.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aigaq.base import Language
from aigaq.recount.claims import read_claims
from aigaq.recount.people.counts import CountFolder
from aigaq.recount.people.desk import Desk
from aigaq.recount.people.model import PeopleReading
from aigaq.recount.tally import tally
from aigaq.recount.tally_view import BallotLink, TallyView, check_claims, contests_of, tally_view
from aigaq.web import PageNotFoundError, duration_text, render

PROTOCOL: Final = "protocol.toml"
"""Beside `reading.json`: the figures of the protocol that the count is compared with."""


def count_router(desk: Desk) -> APIRouter:
    """The pages of the counts that a desk knows, to be added to the shell after the routers of people and styles."""
    pages = CountPages(desk)
    router = APIRouter(prefix="/{language:language}/recount", include_in_schema=False)
    router.add_api_route("", pages.every, methods=["GET", "HEAD"])
    router.add_api_route("/{count}", pages.one, methods=["GET", "HEAD"])
    return router


class CountPages:
    """Handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def every(self, request: Request, language: Language) -> Response:
        """The list of counts."""
        counts = [
            {
                "id": found.id,
                "length": duration_text(round(found.count.source.seconds * 1000), language),
                "shown": len(found.count.readings),
                "open": _open(self._readings(found)),
            }
            for found in self._desk.counts.values()
        ]
        return render(request, "recount_counts.html", {"counts": counts})

    async def one(self, request: Request, language: Language, count: str) -> Response:
        """The tally of a count."""
        found = self._desk.counts.get(count)
        if found is None:
            raise PageNotFoundError(request.url.path)
        readings = self._readings(found)
        context = {"count": count, "view": _view(found, readings, language), "open": _open(readings)}
        return render(request, "recount_count.html", context)

    def _readings(self, found: CountFolder) -> Sequence[PeopleReading]:
        return self._desk.board.readings(found.id)


def _open(readings: Sequence[PeopleReading]) -> int:
    return sum(not reading.status.closed for reading in readings)


def _view(found: CountFolder, readings: Sequence[PeopleReading], language: Language) -> TallyView:
    contests = contests_of(found.count, found.styles)
    path = found.folder / PROTOCOL
    claimed = read_claims(path) if path.is_file() else ()
    check_claims(claimed, contests)
    tallies = tally(found.count, contests, people=readings, claimed=claimed)
    nowhere = BallotLink("", "")
    return tally_view(tallies, contests, found.count, found.styles, language=language, link=lambda _: nowhere)
