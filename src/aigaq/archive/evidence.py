"""The evidence package: footage of one interval with all that a court needs to judge it offline, as one BagIt zip.

Whatever stands in it besides footage and proofs is for reading; nothing of that is trusted by a verifier. Each export
is itself a leaf in the national log, and that leaf is in the package.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aigaq.archive import clip, proofs
from aigaq.archive.bag import Bag
from aigaq.archive.clip import MAX_CLIP_BYTES, Clip, LogNames
from aigaq.archive.errors import BusyError, NothingReceivedError, TooLongError
from aigaq.archive.footage import Footage
from aigaq.archive.known import camera_of, station_of
from aigaq.archive.logs import Logs
from aigaq.archive.model import Kind, Span, SpanState, StreamKey
from aigaq.archive.playlists import pdt
from aigaq.archive.store import Database
from aigaq.archive.tokens import tokens_for
from aigaq.base import Clock, from_ms, utc_ms
from aigaq.election import Register
from aigaq.web import AssetsMissingError

MARGIN_MS: Final = 600_000
"""Rows, gaps and absences are told ten minutes beyond the interval on both sides."""
EXPORT: Final = "export"
AT_ONCE: Final = 4
"""A package reads gigabytes; more at once would only make all of them slow."""
Coverage = Callable[[str, int, int, str], Awaitable[dict[str, tuple[Span, ...]]]]
_TOLD: Final = frozenset({SpanState.GAP, SpanState.ABSENCE, SpanState.MISSING, SpanState.OFF_DUTY})


@dataclass(frozen=True, slots=True)
class Package:
    """An interval of one station that can be exported: every row of its clips is here and sealed."""

    election: str
    station: str
    from_ms: int
    to_ms: int
    clips: tuple[Clip, ...]

    @property
    def file_name(self) -> str:
        """Name to save it under, without ending."""
        return f"{self.election}-{self.station}-{self.from_ms}-{self.to_ms}-evidence"

    @property
    def wide(self) -> tuple[int, int]:
        """The interval with its margins."""
        return max(0, self.from_ms - MARGIN_MS), self.to_ms + MARGIN_MS

    @property
    def detail(self) -> dict[str, object]:
        """What the leaf of the export commits to."""
        streams = [f"{c.key.camera}/{c.key.stream}" for c in self.clips]
        return {"station": self.station, "streams": streams, "from_ms": self.from_ms, "to_ms": self.to_ms}


class Evidence:
    """Plans and writes packages."""

    def __init__(
        self, register: Register, database: Database, footage: Footage, logs: Logs, clock: Clock, coverage: Coverage
    ) -> None:
        self._register = register
        self._database = database
        self._footage = footage
        self._logs = logs
        self._clock = clock
        self._coverage = coverage
        self._making = 0

    async def plan(self, wanted: Sequence[StreamKey], from_ms: int, to_ms: int) -> Package:
        """Find what a package of these streams of one station needs; see `clip.plan`.

        Raises:
            ArchiveError: why there can be none.
        """
        for key in wanted:
            camera_of(self._register, key.station, key.camera)
        election = self._register.election.id
        planned = [await clip.plan(self._database, election, key, from_ms, to_ms) for key in wanted]
        if sum(row.size for c in planned for row in c.segments) > MAX_CLIP_BYTES:
            raise TooLongError(wanted[0].station, limit=(to_ms - from_ms) // 60_000 // 2)
        wide = [await clip.widen(self._database, one, MARGIN_MS) for one in planned]
        return Package(election, wanted[0].station, from_ms, to_ms, tuple(wide))

    async def plan_all(self, station: str, streams: Sequence[str], from_ms: int, to_ms: int) -> Package:
        """As `plan`, for every camera of a station of which anything has come for that time.

        Raises:
            NothingReceivedError: nothing of any.
        """
        known: list[StreamKey] = []
        for camera in station_of(self._register, station).cameras:
            for key in (StreamKey(station, camera.id, stream) for stream in streams):
                if await clip.is_known(self._database, key, from_ms, to_ms):
                    known.append(key)  # noqa: PERF401 - an asynchronous question in a nested loop
        if not known:
            raise NothingReceivedError(station)
        return await self.plan(known, from_ms, to_ms)

    async def export(self, package: Package) -> AsyncIterator[bytes]:
        """The zip file, piece by piece; the export is in the national log before the first.

        Raises:
            BusyError: enough packages are being made.
        """
        if self._making >= AT_ONCE:
            raise BusyError(package.station)
        self._making += 1
        try:
            async for piece in self._pieces(package):
                yield piece
        finally:
            self._making -= 1

    async def _pieces(self, package: Package) -> AsyncIterator[bytes]:
        index = await self._logs.act(EXPORT, package.station, package.detail)
        verifier = await asyncio.to_thread(verifier_page)
        bag, sizes = Bag(), list[int]()
        yield bag.begin()
        for one in package.clips:
            found = await proofs.gather(self._logs.public, self._logs.policy, one, package.wide)
            sizes += found.national_sizes
            names = LogNames(self._logs.directory.origin(package.station), self._logs.origin)
            for name, load in clip.contents(one, self._footage, found.files, names):
                folder = f"clips/{one.key.camera}-{one.key.stream}"
                yield bag.file(f"{folder}/{name}", await asyncio.to_thread(load))
        for name, data in (await self._papers(package, index, max(sizes, default=0))).items():
            yield bag.file(name, data)
        yield bag.file("verifier.html", verifier)
        yield bag.end(self._info(package))

    async def _papers(self, package: Package, index: int, size: int) -> dict[str, bytes]:
        """What is for people and courts to read."""
        papers = {
            "README.txt": files("aigaq.archive").joinpath("evidence_readme.txt").read_bytes(),
            "policy.txt": self._logs.policy_text,
            "gaps.json": _json(await self._gaps(package)),
            "custody.json": _json(await self._custody(package, index)),
        }
        for number, entry in enumerate(self._logs.directory.enrolments(package.station)):
            suffix = f"-{number}" if number else ""
            papers[f"certificates/{package.station}{suffix}.der"] = entry.leaf["certificate"]
        return papers | await tokens_for(self._logs.tokens, self._logs.public, size)

    async def _gaps(self, package: Package) -> dict[str, object]:
        """Every stretch without footage of the interval and its margins, by stream; and the centre's absences."""
        start, end = package.wide
        streams: list[dict[str, object]] = []
        for key in (c.key for c in package.clips):
            spans = (await self._coverage(package.station, start, end, key.stream))[key.camera]
            told = [_span(s) for s in spans if s.state in _TOLD]
            streams.append({"camera": key.camera, "stream": key.stream, "spans": told})
        absences = [
            {"seq": a.seq, "leaves": list(a.indices), **_times(a.from_ms, a.to_ms)}
            for a in await self._logs.absences(package.station)
            if a.touches(start, end)
        ]
        return {"station": package.station, **_times(start, end), "absences": absences, "streams": streams}

    async def _custody(self, package: Package, index: int) -> dict[str, object]:
        """When the footage came to the centre, and what was done with it since; each event with its leaf and proof."""
        received = [_received(c) for c in package.clips]
        events = await self._logs.actions(package.station, up_to=index)
        return {"received": received, "events": events}

    def _info(self, package: Package) -> list[tuple[str, str]]:
        now = from_ms(utc_ms(self._clock))
        what = f"Footage of polling station {package.station}, {pdt(package.from_ms)} to {pdt(package.to_ms)}"
        return [
            ("Bag-Software-Agent", f"aigaq {version('aigaq')}"),
            ("Bagging-Date", f"{now:%Y-%m-%d}"),
            ("External-Identifier", package.file_name),
            ("External-Description", what),
            ("Election", package.election),
        ]


@cache
def verifier_page() -> bytes:
    """The offline verifier, as it was built.

    Raises:
        AssetsMissingError: it is not built.
    """
    page = Path(str(files("aigaq.web"))) / "static" / "verifier.html"
    try:
        return page.read_bytes()
    except OSError as error:
        raise AssetsMissingError(str(page)) from error


def _received(one: Clip) -> dict[str, object]:
    times = [row.received_ms for row in one.rows]
    kept = sum(row.kind is Kind.SEGMENT for row in one.rows)
    told: dict[str, object] = {
        "camera": one.key.camera,
        "stream": one.key.stream,
        "rows": len(one.rows),
        "segments": kept,
    }
    return told | {"first_ms": min(times), "last_ms": max(times), "first": pdt(min(times)), "last": pdt(max(times))}


def _span(span: Span) -> dict[str, object]:
    cause = span.cause.value if span.cause else None
    return {**_times(span.from_ms, span.to_ms), "state": span.state.value, "cause": cause, "sealed": span.sealed}


def _times(from_: int, to: int | None) -> dict[str, object]:
    """Milliseconds for programs, RFC 3339 in UTC for people."""
    return {"from_ms": from_, "to_ms": to, "from": pdt(from_), "to": None if to is None else pdt(to)}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
