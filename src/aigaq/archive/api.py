"""The archive for programs (`/api/v1`), the trust file, and whether the centre is alive. Open data, no account.

What proves things has its own routes, in `api_proof`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from aigaq.archive.api_proof import add_proof_routes
from aigaq.archive.api_values import Stream, Time, interval, started
from aigaq.archive.errors import TooLongError
from aigaq.archive.model import CameraStatus, StationStatus, StreamKey
from aigaq.archive.service import Archive
from aigaq.election import Names

MAX_COVERAGE_MS: Final = 8 * 86_400_000
_PIECE: Final = 1 << 18


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NamesOut(_Answer):
    """A name in the three languages."""

    kk: str
    ru: str
    en: str


class CameraOut(_Answer):
    """A camera and how it is now."""

    camera: str
    zone: str
    state: str
    cause: str | None
    last_ms: int | None


class StationOut(_Answer):
    """A polling station and how its cameras are now."""

    station: str
    number: int
    names: NamesOut
    address: NamesOut
    enrolled: bool
    last_received_ms: int | None
    cameras: list[CameraOut]


class StationsOut(_Answer):
    """All polling stations of the election."""

    election: str
    stations: list[StationOut]


class ScreenOut(BaseModel):
    """What a blinking screen in view of a camera said in the last minute for which it was asked."""

    from_ms: int
    matched: bool
    """It showed what nobody could know before that minute: the picture is live."""
    wrong_bits: int


class StationDetail(StationOut):
    """A polling station with what is known of its archive."""

    time_zone: str
    first_ms: int | None
    last_ms: int | None
    sealed_size: int
    """Leaves of the station's log under its newest checkpoint."""
    alarms: int
    """How many; each is in `/api/v1/alarms`."""
    health: dict[str, Any] | None
    """What the box last said of itself."""
    screens: dict[str, ScreenOut]
    """By camera; empty where no camera has a blinking screen in view."""


class SpanOut(_Answer):
    """A stretch of one state; `cause` names why there is no footage, `sealed` that a checkpoint covers it."""

    from_ms: int
    to_ms: int
    state: str
    cause: str | None
    sealed: bool


class CoverageOut(_Answer):
    """Spans of every camera; they tile the interval exactly."""

    station: str
    stream: Stream
    from_ms: int
    to_ms: int
    cameras: dict[str, list[SpanOut]]


def api_router(archive: Archive) -> APIRouter:
    """Routes over one archive."""
    router = APIRouter(tags=["archive"])

    @router.get("/api/v1/stations", summary="All polling stations and how they are now")
    def stations() -> StationsOut:
        found = [_station(archive, status) for status in archive.overview()]
        return StationsOut(election=archive.register.election.id, stations=found)

    @router.get("/api/v1/stations/{station}", summary="One polling station")
    async def station(station: str) -> StationDetail:
        status = _station(archive, archive.status(station))
        first, last = await archive.bounds(station) or (None, None)
        return StationDetail(
            **status.model_dump(),
            time_zone=archive.register.zone_name(station),
            first_ms=first,
            last_ms=last,
            sealed_size=await archive.sealed_size(station),
            alarms=await archive.count_alarms(station),
            health=await archive.health(station),
            screens={
                camera: ScreenOut(from_ms=answer.from_ms, matched=answer.matched, wrong_bits=answer.wrong_bits)
                for (where, camera), answer in archive.optical.answers.items()
                if where == station
            },
        )

    @router.get("/api/v1/stations/{station}/coverage", summary="What is recorded, missing, and why")
    async def coverage(
        station: str, from_: Annotated[str, Query(alias="from")], to: Time, stream: Stream = "sub"
    ) -> CoverageOut:
        start, end = interval(archive, station, from_, to)
        if end - start > MAX_COVERAGE_MS:
            raise TooLongError(station, limit=MAX_COVERAGE_MS // 60_000)
        found = await archive.coverage(station, start, end, stream)
        cameras = {camera: [SpanOut.model_validate(s) for s in spans] for camera, spans in found.items()}
        return CoverageOut(station=station, stream=stream, from_ms=start, to_ms=end, cameras=cameras)

    _add_clips(router, archive)
    add_proof_routes(router, archive)
    _add_plain(router, archive)
    return router


def _add_clips(router: APIRouter, archive: Archive) -> None:
    @router.get("/api/v1/clip.zip", summary="Footage with everything that proves it", response_class=StreamingResponse)
    async def clip_zip(
        station: str, camera: str, from_: Annotated[str, Query(alias="from")], to: Time, stream: Stream = "sub"
    ) -> StreamingResponse:
        start, end = interval(archive, station, from_, to)
        clip = await archive.plan_clip(StreamKey(station, camera, stream), start, end)
        headers = {"Content-Disposition": f'attachment; filename="{clip.file_name}.zip"', "Cache-Control": "no-store"}
        return StreamingResponse(await started(archive.clip_zip(clip)), media_type="application/zip", headers=headers)

    @router.get(
        "/api/v1/clip.mp4", summary="The same footage as a plain mp4, without proof", response_class=StreamingResponse
    )
    async def clip_mp4(
        station: str, camera: str, from_: Annotated[str, Query(alias="from")], to: Time, stream: Stream = "sub"
    ) -> StreamingResponse:
        start, end = interval(archive, station, from_, to)
        clip = await archive.plan_clip(StreamKey(station, camera, stream), start, end)
        path = await archive.clip_mp4(clip)
        headers = {
            "Content-Disposition": f'attachment; filename="{clip.file_name}-derived.mp4"',
            "Content-Length": str(path.stat().st_size),
            "Cache-Control": "no-store",
        }
        return StreamingResponse(_consumed(path), media_type="video/mp4", headers=headers)


def _consumed(path: Path) -> Iterator[bytes]:
    """The bytes of a file that loses its name at once: however the answer ends, nothing is left behind."""
    file = path.open("rb")
    path.unlink()

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(_PIECE):
                yield piece

    return pieces()


def _add_plain(router: APIRouter, archive: Archive) -> None:
    @router.get("/healthz", summary="Whether the centre can take footage", include_in_schema=False)
    def healthz() -> dict[str, Any]:
        archive.blobs.require_room()
        return {"status": "ok", "election": archive.register.election.id, "free_bytes": archive.blobs.free()}


def _station(archive: Archive, status: StationStatus) -> StationOut:
    known = archive.register.station(status.station)
    return StationOut(
        station=known.id,
        number=known.number,
        names=_names(known.names),
        address=_names(known.address),
        enrolled=status.enrolled,
        last_received_ms=status.last_received_ms,
        cameras=[_camera(c) for c in status.cameras],
    )


def _names(names: Names) -> NamesOut:
    return NamesOut(kk=names.kk, ru=names.ru, en=names.en)


def _camera(status: CameraStatus) -> CameraOut:
    return CameraOut.model_validate(status)
