"""The check before duty: every stream against the contract, and the box itself. It records nothing."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx2

from aigaq.base import N_, AigaqError, Clock, utc_ms
from aigaq.capture import MAIN, SUB, Contract, Severity, StreamFacts, inspect
from aigaq.ledger import parse_vkey
from aigaq.station.beacon import load_beacons
from aigaq.station.center import TIMEOUT, Center, RefusalError, Refused
from aigaq.station.errors import CenterUnreachableError, ClockUnsyncedError, NoSpaceError, NotEnrolledError
from aigaq.station.settings import StationSettings
from aigaq.station.signing import Session, StationKeys
from aigaq.station.timekeeping import clock_synced


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody should mend; a refusal means: not fit for duty."""

    severity: Severity
    error: AigaqError


@dataclass(frozen=True, slots=True)
class StreamCheck:
    """One stream and what was found."""

    camera: str
    stream: str
    facts: StreamFacts
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Commission:
    """The whole check."""

    streams: tuple[StreamCheck, ...]
    box: tuple[Finding, ...]

    @property
    def fit(self) -> bool:
        """Duty may begin."""
        findings = [*self.box, *(finding for stream in self.streams for finding in stream.findings)]
        return all(finding.severity is not Severity.REFUSAL for finding in findings)


async def commission(
    settings: StationSettings, clock: Clock, *, seconds: float, progress: Callable[[float], None]
) -> Commission:
    """Watch all streams at once for so many seconds, and look at the box meanwhile."""
    shares: dict[tuple[str, str], float] = {}

    async def one(camera: str, stream: str) -> StreamCheck:
        def advance(share: float) -> None:
            shares[camera, stream] = share
            progress(sum(shares.values()) / len(wanted))

        source, contract = wanted[camera, stream], contract_of(settings, stream)
        report = await inspect(source, seconds=seconds, clock=clock, progress=advance, contract=contract)
        advance(1.0)
        findings = tuple(Finding(found.severity, found.error) for found in report.findings)
        return StreamCheck(camera, stream, report.facts, findings)

    wanted = {(c.id, name): source for c in settings.cameras for name, source in c.sources().items()}
    streams, box = await asyncio.gather(asyncio.gather(*(one(*name) for name in wanted)), _check_box(settings, clock))
    return Commission(tuple(streams), tuple(box))


def contract_of(settings: StationSettings, stream: str) -> Contract:
    """What a stream should be like, at the bit rate that the limits expect."""
    limits = settings.limits
    if stream == "main":
        return replace(MAIN, kbps=round(limits.main_mbps * 1000))
    return replace(SUB, kbps=round(limits.sub_mbps * 1000))


async def _check_box(settings: StationSettings, clock: Clock) -> list[Finding]:
    """Keys, trust file, room, clock and the way to the centre."""
    findings: list[Finding] = []
    try:
        session = StationKeys(settings).session(utc_ms(clock))
        load_beacons(settings, None)
    except AigaqError as error:
        return [Finding(Severity.REFUSAL, error)]
    if session.problem:
        findings.append(Finding(Severity.REFUSAL, session.problem))
    if low := _room(settings):
        findings.append(Finding(Severity.REFUSAL, low))
    if not clock_synced():
        findings.append(Finding(Severity.WARNING, ClockUnsyncedError()))
    try:
        await _ask_center(settings, session)
    except CenterUnreachableError as error:
        findings.append(Finding(Severity.WARNING, error))
    except AigaqError as error:
        findings.append(Finding(Severity.REFUSAL, error))
    return findings


def _room(settings: StationSettings) -> NoSpaceError | None:
    stat = os.statvfs(next(path for path in (settings.station.data, *settings.station.data.parents) if path.exists()))
    hours, needed = stat.f_bavail * stat.f_frsize / settings.bytes_per_hour, settings.limits.min_free_hours
    where = str(settings.station.data)
    return NoSpaceError(where, hours=f"{hours:.1f}", needed=f"{needed:g}") if hours < needed else None


async def _ask_center(settings: StationSettings, session: Session) -> None:
    """Have the centre accept something harmless that this box signed."""
    section = settings.center
    if section is None:
        return
    parse_vkey(section.vkey, "center.vkey")
    if session.delegation is None:
        raise NotEnrolledError(problem=N_("it has no enrolment yet"))
    async with httpx2.AsyncClient(timeout=TIMEOUT) as http:
        center = Center(section.url, settings.station.id, session.key, http)
        try:
            for leaf in (session.enrolment, session.delegation):
                await center.post_leaf(leaf or b"")
            await center.post_health(b"{}")
        except RefusalError as refusal:
            kind = NotEnrolledError if refusal.kind is Refused.NOT_US else CenterUnreachableError
            raise kind(section.url, problem=str(refusal)) from refusal
