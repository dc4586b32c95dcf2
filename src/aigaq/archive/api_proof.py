"""What proves things, for programs: trust file, proofs by hash and by index, evidence packages, alarms. Open data."""

import base64
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict

from aigaq.archive.api_values import Stream, Time, interval, started
from aigaq.archive.errors import BadRequestError, NotSealedYetError
from aigaq.archive.model import Kind, Row, StreamKey
from aigaq.archive.search import Place
from aigaq.archive.service import Archive

Index = Annotated[int, Path(le=1 << 53)]
_OPEN: Final = {"Access-Control-Allow-Origin": "*"}


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AlarmOut(_Answer):
    """Something that must be looked at."""

    station: str
    code: str
    at_ms: int


class PlaceOut(BaseModel):
    """A row, where it stands in both logs, and between which moments it was made."""

    station: str
    camera: str
    stream: str
    seq: int
    kind: str
    from_ms: int
    to_ms: int | None
    cause: str | None
    leaf_hash: str
    sha256: str | None
    log_index: int | None
    checkpoint_size: int | None
    national_index: int | None
    national_size: int | None
    not_before_ms: int | None
    not_after_ms: int | None
    files: dict[str, str]
    """Addresses of the record and its proofs."""


class LeafOut(BaseModel):
    """A leaf of the national log; bytes are in base64."""

    index: int
    kind: str
    items: dict[str, Any]
    rows: int | None
    national_size: int
    not_after_ms: int | None
    files: dict[str, str]


def add_proof_routes(router: APIRouter, archive: Archive) -> None:
    """Routes over one archive."""

    @router.get("/policy.txt", summary="The trust file: log, witnesses and quorum (C2SP tlog-policy)", tags=["proof"])
    def policy() -> PlainTextResponse:
        return PlainTextResponse(archive.logs.policy_text, headers=_OPEN)

    @router.get("/api/v1/alarms", summary="What must be looked at, the newest first", tags=["proof"])
    async def alarms(station: str | None = None) -> list[AlarmOut]:
        return [AlarmOut.model_validate(alarm) for alarm in await archive.alarms(station)]

    _add_places(router, archive)
    _add_leaves(router, archive)
    _add_evidence(router, archive)


def _add_places(router: APIRouter, archive: Archive) -> None:
    @router.get("/api/v1/proof/{digest}", summary="A segment or record by its SHA-256 or leaf hash", tags=["proof"])
    async def place(digest: str) -> PlaceOut:
        return place_out(await archive.search.place(await archive.search.by_hash(unhex(digest))))

    @router.get("/api/v1/proof/{digest}/record.cbor", response_class=Response, tags=["proof"])
    async def record(digest: str) -> Response:
        row = await archive.search.by_hash(unhex(digest))
        return Response(row.record, media_type="application/cbor", headers=_OPEN)

    @router.get("/api/v1/proof/{digest}/row.tlog-proof", response_class=PlainTextResponse, tags=["proof"])
    async def row(digest: str) -> PlainTextResponse:
        _, proof = await _sealed(archive, digest)
        return PlainTextResponse(proof, headers=_OPEN)

    @router.get("/api/v1/proof/{digest}/checkpoint.tlog-proof", response_class=PlainTextResponse, tags=["proof"])
    async def checkpoint(digest: str) -> PlainTextResponse:
        station, size = (await archive.search.by_hash(unhex(digest))).station, (await _sealed(archive, digest))[0]
        return PlainTextResponse(await archive.logs.public.checkpoint_proof(station, size), headers=_OPEN)


async def _sealed(archive: Archive, digest: str) -> tuple[int, bytes]:
    row = await archive.search.by_hash(unhex(digest))
    if row.log_index is None:
        raise NotSealedYetError(digest, pending=1, total=1)
    return await archive.logs.public.row_proof(row.station, row.log_index)


def _add_leaves(router: APIRouter, archive: Archive) -> None:
    @router.get("/api/v1/leaf/{index}", summary="A leaf of the national log", tags=["proof"])
    async def leaf(index: Index) -> LeafOut:
        found = await archive.search.national(index)
        items = {name: plain(value) for name, value in found.leaf.values.items()}
        return LeafOut(
            index=index,
            kind=found.leaf.kind.name.lower(),
            items=items,
            rows=found.rows,
            national_size=found.size,
            not_after_ms=found.not_after_ms,
            files=leaf_files(index),
        )

    @router.get("/api/v1/leaf/{index}/leaf.cbor", response_class=Response, tags=["proof"])
    async def data(index: Index) -> Response:
        found = await archive.search.national(index)
        return Response(found.data, media_type="application/cbor", headers=_OPEN)

    @router.get("/api/v1/leaf/{index}/leaf.tlog-proof", response_class=PlainTextResponse, tags=["proof"])
    async def proof(index: Index) -> PlainTextResponse:
        await archive.search.national(index)
        return PlainTextResponse((await archive.logs.public.leaf_proof(index))[1], headers=_OPEN)


def _add_evidence(router: APIRouter, archive: Archive) -> None:
    @router.get(
        "/api/v1/stations/{station}/evidence.zip",
        summary="An evidence package: footage, proofs, gaps, custody and verifier in one BagIt bag",
        response_class=StreamingResponse,
        tags=["proof"],
    )
    async def evidence(
        station: str,
        from_: Annotated[str, Query(alias="from")],
        to: Time,
        camera: Annotated[list[str] | None, Query(max_length=16)] = None,
        stream: Annotated[list[Stream] | None, Query(max_length=2)] = None,
    ) -> StreamingResponse:
        start, end = interval(archive, station, from_, to)
        package = await archive.plan_evidence(station, camera or [], sorted(set(stream or ["main"])), start, end)
        headers = {
            "Content-Disposition": f'attachment; filename="{package.file_name}.zip"',
            "Cache-Control": "no-store",
        }
        pieces = await started(archive.evidence.export(package))
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def unhex(text: str) -> bytes:
    """A SHA-256 as 64 hexadecimal digits.

    Raises:
        BadRequestError: it is not one.
    """
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise BadRequestError(text[:80], problem="the hash is not 64 hexadecimal digits")
    return digest


def place_out(place: Place) -> PlaceOut:
    """A place for programs."""
    row = place.row
    return PlaceOut(
        **dict(zip(StreamKey._fields, row.key, strict=True)),
        seq=row.seq,
        kind="segment" if row.kind is Kind.SEGMENT else "gap",
        from_ms=row.start_ms,
        to_ms=row.end_ms,
        cause=row.cause.value if row.cause else None,
        leaf_hash=row.leaf.hex(),
        sha256=row.sha256.hex() if row.sha256 else None,
        log_index=row.log_index,
        checkpoint_size=place.checkpoint_size,
        national_index=place.national_index,
        national_size=place.national_size,
        not_before_ms=place.not_before_ms,
        not_after_ms=place.not_after_ms,
        files=files_of(row),
    )


def files_of(row: Row) -> dict[str, str]:
    """Addresses of what proves a row."""
    base = f"/api/v1/proof/{row.leaf.hex()}"
    files = {"record": f"{base}/record.cbor"}
    if row.log_index is not None:
        files |= {"row_proof": f"{base}/row.tlog-proof", "checkpoint_proof": f"{base}/checkpoint.tlog-proof"}
    return files


def leaf_files(index: int) -> dict[str, str]:
    """Addresses of a leaf and of its proof."""
    return {"leaf": f"/api/v1/leaf/{index}/leaf.cbor", "proof": f"/api/v1/leaf/{index}/leaf.tlog-proof"}


def plain(value: object) -> object:
    """An item of a leaf for JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return [plain(v) for v in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
