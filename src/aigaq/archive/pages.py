"""The pages of the archive: the list of polling stations, a station, how to check. Reads; changes nothing."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from aigaq.archive.errors import BadIntervalError
from aigaq.archive.known import camera_of, station_of
from aigaq.archive.model import StationStatus, StreamKey
from aigaq.archive.page_views import (
    GAPS_SHOWN,
    LogState,
    Patch,
    Range,
    Shown,
    bars,
    health,
    holes,
    log_state,
    look,
    station_row,
    timeline_range,
    totals,
)
from aigaq.archive.page_words import ALONE, CAUSES, KINDS, LEAVES, LOOKS, STATES, WAIT, ZONES, script_words
from aigaq.archive.proof_find import Found, find
from aigaq.archive.service import Archive
from aigaq.base import AigaqError, Language, translate, utc_ms
from aigaq.election import Camera, PollingStation, StationKind, Zone
from aigaq.web import UnreadableTimeError, create_shell, parse_time, render, size_text
from aigaq_verify import NO_QUORUM

TEMPLATES: Final = Path(__file__).parent / "templates"
OVERVIEW_MS: Final = 2000
"""The overview of ten thousand stations is made at most this often, whoever asks."""
WORDS: Final[dict[str, object]] = {"zones": ZONES, "kinds": KINDS, "causes": CAUSES, "states": STATES, "looks": LOOKS}


def create_pages(archive: Archive, *templates: Path) -> FastAPI:
    """The shell with the archive's pages in it, for `create_asgi`.

    Args:
        archive: Whose pages.
        *templates: Template folders of other rooms, whose routers are added to the app afterwards.

    Raises:
        AssetsMissingError: the scripts and styles are not built.
    """
    pages = Pages(archive)
    router = APIRouter(prefix="/{language:language}", include_in_schema=False)
    router.add_api_route("/", pages.stations, methods=["GET", "HEAD"])
    router.add_api_route("/check", pages.check, methods=["GET", "HEAD"])
    router.add_api_route("/proof", pages.proof, methods=["GET", "HEAD"])
    router.add_api_route("/station/{station_id}", pages.station, methods=["GET", "HEAD"])
    router.add_api_route("/station/{station_id}/clip", pages.clip, methods=["GET", "HEAD"])
    shell = create_shell(TEMPLATES, *templates, clock=archive.clock)
    shell.include_router(router)
    return shell


class Pages:
    """Handlers; each reads its question, asks the archive and renders."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._clock = archive.clock
        self._overview: tuple[int, dict[str, StationStatus]] = (-OVERVIEW_MS, {})
        self._making = asyncio.Lock()

    async def stations(
        self, request: Request, q: str = "", territory: str = "", kind: str = "", page: str = "1"
    ) -> Response:
        """The list of polling stations."""
        register, statuses = self._archive.register, await self._statuses()
        known = {t.id for t in register.territories()}
        chosen_kind = StationKind(kind) if kind in set(StationKind) else None
        found = register.search(
            q,
            territory=territory if territory in known else None,
            kind=chosen_kind,
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )
        query = {"q": q, "territory": territory, "kind": kind}
        context = {
            "election": register.election,
            "totals": totals(statuses.values()),
            "found": found,
            "rows": [station_row(s, statuses.get(s.id), register.zone_name(s.id)) for s in found.stations],
            "territories": register.territories(),
            "query": query,
            "previous": _page_address(query, found.page - 1) if found.page > 1 else "",
            "next": _page_address(query, found.page + 1) if found.page < found.pages else "",
        }
        return render(request, "stations.html", WORDS | context)

    async def check(self, request: Request) -> Response:
        """How to check a clip."""
        return render(request, "check.html", {"log": self._log()})

    async def proof(
        self, request: Request, language: Language, q: str = "", station: str = "", t: str = ""
    ) -> Response:
        """Where something stands in both logs: by hash, by number, by station and time."""
        found, problem = Found(), None
        try:
            found = await find(self._archive, q.strip(), station.strip(), t)
        except AigaqError as error:
            problem = error.explain(language)
        context = {"query": {"q": q, "station": station}, "problem": problem, "log": self._log()}
        context |= {"places": found.places, "leaf": found.leaf, "at_ms": found.at_ms}
        words = {"zones": ZONES, "causes": CAUSES, "kinds": LEAVES}
        return render(request, "proof.html", {**words, **context}, status=404 if problem else 200)

    async def station(
        self, request: Request, language: Language, station_id: str, camera: str = "", t: str = ""
    ) -> Response:
        """One polling station: cameras, timeline, gaps, clips."""
        register, now = self._archive.register, utc_ms(self._clock)
        station = station_of(self._archive.register, station_id)
        zone = register.zone_name(station.id)
        duty = [register.duty(station.id, camera.zone) for camera in station.cameras]
        covered = timeline_range(duty, await self._archive.bounds(station.id), now)
        coverage = await self._archive.coverage(station.id, covered.from_ms, covered.to_ms)
        found = holes(station.cameras, coverage, now)
        row = station_row(station, self._archive.status(station.id), zone)
        shown = Shown(self._camera(station, camera), self._moment(t, zone) if t else None, now, row.last_ms)
        context = {
            "election": register.election,
            "station": station,
            "row": row,
            "lineage": register.lineage(station.territory),
            "voting": register.voting(station.id),
            "time_zone": zone,
            "shown": shown,
            "covered": covered,
            "lanes": [(c, bars(coverage.get(c.id, ()), covered)) for c in station.cameras],
            "holes": found[:GAPS_SHOWN],
            "holes_total": len(found),
            "look": look,
            "log": self._log(),
            "patches": self._patches(station),
            "health": health(await self._archive.health(station.id)),
            "data": script_data(station, zone, covered, shown, language),
        }
        return render(request, "station.html", WORDS | context)

    async def clip(
        self,
        language: Language,
        station_id: str,
        start: Annotated[str, Query(alias="from")],
        end: Annotated[str, Query(alias="to")],
        camera: str,
        stream: str = "sub",
        kind: str = "zip",
    ) -> Response:
        """From the form, whose times are local, to the export; `kind=facts` tells the size beforehand."""
        station = station_of(self._archive.register, station_id)
        chosen = camera_of(self._archive.register, station.id, camera)
        zone = self._archive.register.zone_name(station.id)
        from_ms, to_ms = self._moment(start, zone), self._moment(end, zone)
        if from_ms >= to_ms:
            raise BadIntervalError(f"{start} – {end}", problem="from is not before to")
        if kind == "facts":
            key = StreamKey(station.id, chosen.id, stream)
            clip = await self._archive.plan_clip(key, from_ms, to_ms)
            size = sum(row.size for row in clip.segments)
            remark = "" if await self._archive.is_witnessed(clip) else translate(self._wait(), language)
            return JSONResponse({"bytes": size, "text": " · ".join(filter(None, (size_text(size, language), remark)))})
        if kind == "evidence":
            asked = {"camera": camera, "stream": stream, "from": from_ms, "to": to_ms}
            return RedirectResponse(f"/api/v1/stations/{station.id}/evidence.zip?{urlencode(asked)}", 303)
        wanted = {"station": station.id, "camera": camera, "stream": stream, "from": from_ms, "to": to_ms}
        ending = "mp4" if kind == "mp4" else "zip"
        return RedirectResponse(f"/api/v1/clip.{ending}?{urlencode(wanted)}", 303)

    def _camera(self, station: PollingStation, camera: str) -> Camera | None:
        """The camera asked for, else the ballot box, else any; None where the register has none for this station."""
        if camera:
            return camera_of(self._archive.register, station.id, camera)
        box = (c for c in station.cameras if c.zone is Zone.BALLOT_BOX)
        return next(box, next(iter(station.cameras), None))

    @staticmethod
    def _moment(text: str, zone: str) -> int:
        moment = parse_time(text, zone)
        if moment is None:
            raise UnreadableTimeError(text=text)
        return moment

    def _log(self) -> LogState:
        logs = self._archive.logs
        return log_state(logs.public.status(), utc_ms(self._clock), quorum=logs.policy.quorum != NO_QUORUM)

    def _wait(self) -> str:
        return ALONE if self._archive.logs.policy.quorum == NO_QUORUM else WAIT

    def _patches(self, station: PollingStation) -> list[Patch]:
        """Of each camera that is asked, the last answer."""
        answers = self._archive.optical.answers
        asked = [(c, answers[station.id, c.id]) for c in station.cameras if (station.id, c.id) in answers]
        return [Patch(c.zone, a.from_ms, a.response is not None, a.matched, a.wrong_bits) for c, a in asked]

    async def _statuses(self) -> dict[str, StationStatus]:
        """One visitor makes the overview, beside the event loop; whoever comes meanwhile waits for the same one."""
        async with self._making:
            now = self._clock.monotonic_ns() // 1_000_000
            made, statuses = self._overview
            if now - made >= OVERVIEW_MS:
                overview = await asyncio.to_thread(self._archive.overview)
                statuses = {status.station: status for status in overview}
                self._overview = (now, statuses)
            return statuses


def script_data(
    station: PollingStation, zone: str, covered: Range, shown: Shown, language: Language
) -> dict[str, object]:
    """The data block of a station's page, see `Page` in ui/src/words.ts."""
    return {
        "station": station.id,
        "time_zone": zone,
        "date_order": "ymd" if language == "en" else "dmy",
        "now_ms": shown.now_ms,
        "from_ms": covered.from_ms,
        "to_ms": covered.to_ms,
        "view_from_ms": covered.view_from_ms,
        "end_ms": covered.end_ms,
        "last_ms": shown.last_ms,
        "camera": shown.camera.id if shown.camera else "",
        "t_ms": shown.at_ms,
        "cameras": [{"id": c.id, "name": translate(ZONES[c.zone], language)} for c in station.cameras],
        "words": script_words(language),
    }


def _page_address(query: Mapping[str, str], page: int) -> str:
    return "?" + urlencode({**{name: value for name, value in query.items() if value}, "page": page})
