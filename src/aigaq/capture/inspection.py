"""The commissioning check of one stream: description and a minute of video, measured against the contract.

Owns the facts, the rules and the findings. It records nothing and changes nothing at the camera.
"""

import asyncio
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from aigaq.base import Clock, Explanation, Language
from aigaq.capture.depay import AccessUnit
from aigaq.capture.errors import (
    AudioIgnored,
    BadParameterSetsError,
    BitRateOffContract,
    CameraClockOff,
    CaptureError,
    HasBFrames,
    LongGop,
    NoInBandParameterSets,
    NoKeyFrameError,
    NotLiveInBrowsers,
    PacketsLost,
    PictureOffContract,
    RateLie,
    SilentError,
    SourceEndedError,
)
from aigaq.capture.fmp4 import init_segment
from aigaq.capture.model import TIMESCALE, Source
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.rtp import SenderReport, ntp_to_ms
from aigaq.capture.sessions import Session, open_session
from aigaq.capture.skew import SkewEstimator
from aigaq.capture.timeline import REORDER_SPAN, DecodeOrder, MediaClock, ns_to_ticks

SILENT_SECONDS: Final = 5
GOP_SECONDS: Final = 2.1
CUT_SECONDS: Final = 6.0
CLOCK_OFF_MS: Final = 2000
_STEP_SECONDS: Final = 0.25


class Severity(enum.StrEnum):
    """What a finding means for the camera."""

    REFUSAL = "refusal"
    """Not fit for duty."""
    WARNING = "warning"
    """Fit, but somebody should look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; the error carries code, reason and remedy."""

    severity: Severity
    error: CaptureError

    @property
    def code(self) -> str:
        """Stable name."""
        return self.error.code

    def explain(self, language: Language = "en") -> Explanation:
        """Reason and remedy in the reader's language."""
        return self.error.explain(language)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a stream should be like."""

    width: int
    height: int
    fps: tuple[float, float]
    """Least and most frames per second."""
    kbps: int
    live: bool
    """The public watches it, so browsers must be able to play it."""

    def __str__(self) -> str:
        return f"{self.width}×{self.height}, {self.fps[0]:g}–{self.fps[1]:g}/s, {self.kbps} kbit/s"


MAIN: Final = Contract(1920, 1080, (20, 30), 4000, live=False)
SUB: Final = Contract(640, 360, (5, 10), 300, live=True)


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What was measured; 0, None or empty where it could not be."""

    seconds: float = 0.0
    codec: str = ""
    """RFC 6381."""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    kbps: int = 0
    frames: int = 0
    reordered: int = 0
    longest_gop: float = 0.0
    """Seconds between key frames, at most."""
    slope_ppm: float = 0.0
    """0 unless it is certain that the camera's rate is not believable."""
    clock_offset_ms: int | None = None
    packets: int = 0
    lost: int = 0
    in_band: bool = False
    described: bool = False
    """The parameter sets stand in the session description."""
    audio: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamReport:
    """Result of a check."""

    facts: StreamFacts
    findings: tuple[Finding, ...]

    @property
    def fit(self) -> bool:
        """Nothing speaks against recording this stream."""
        return all(f.severity is not Severity.REFUSAL for f in self.findings)


async def inspect(
    source: Source,
    *,
    seconds: float = 60,
    clock: Clock,
    progress: Callable[[float], None] | None = None,
    contract: Contract | None = None,
) -> StreamReport:
    """Watch a stream and judge it.

    Args:
        source: the stream.
        seconds: how long to watch.
        clock: the box's clocks.
        progress: told the share that is done, 0 to 1.
        contract: what the stream should be; without it, resolution and rates are not judged.
    """
    probe = _Probe()
    session = open_session(source, probe, clock)
    failure: CaptureError | None = None
    try:
        ended = await session.open()
        failure = await _watch(session, ended, probe, seconds=seconds, clock=clock, progress=progress)
    except CaptureError as error:
        failure = error
    finally:
        session.close()
        await session.wait_closed()
    facts = _with_session(probe.facts(), session)
    findings = [Finding(Severity.REFUSAL, failure)] if failure else []
    broken = probe.broken if facts.frames and not failure else None
    if broken:
        findings.append(Finding(Severity.REFUSAL, broken))
    return StreamReport(facts, (*findings, *judge(facts, contract)))


async def _watch(
    session: Session,
    ended: asyncio.Future[CaptureError],
    probe: "_Probe",
    *,
    seconds: float,
    clock: Clock,
    progress: Callable[[float], None] | None,
) -> CaptureError | None:
    """Let the probe collect; the reason if it came to an early end."""
    began = clock.monotonic_ns()
    while not ended.done():
        now = clock.monotonic_ns()
        passed = (now - began) / 1e9
        if progress:
            progress(min(1.0, passed / seconds))
        if (now - max(began, probe.last_ns)) / 1e9 > SILENT_SECONDS:
            return SilentError(seconds=SILENT_SECONDS)
        if passed >= seconds:
            return None
        await clock.sleep(min(_STEP_SECONDS, seconds))
        session.tick()
    # a file may be shorter than the check
    error = ended.result()
    return None if isinstance(error, SourceEndedError) else error


def _with_session(facts: StreamFacts, session: Session) -> StreamFacts:
    described = session.description
    if described is None:
        return replace(facts, described=True)
    videos = described.videos()
    sprop = any("sprop-parameter-sets" in m.parameters or "sprop-sps" in m.parameters for m in videos)
    audio = tuple(m.encoding or str(m.payload_type) for m in described.audios())
    return replace(facts, packets=session.received, lost=session.lost, described=sprop, audio=audio)


class _Probe:
    """A `UnitTarget` that measures."""

    def __init__(self) -> None:
        self.last_ns = -1
        self.broken: CaptureError | None = None
        self._first_ns = -1
        self._octets = self._frames = 0
        self._key_media: int | None = None
        self._longest = 0
        self._sets: ParameterSets | None = None
        self._in_band = False
        self._offset_ms: int | None = None
        self.begin(TIMESCALE)

    def begin(self, clock_rate: int) -> None:
        self._clock = MediaClock(clock_rate)
        self._order: DecodeOrder[None] = DecodeOrder()
        self._skew = SkewEstimator()

    def unit(self, unit: AccessUnit, utc_ns: int, monotonic_ns: int) -> None:  # noqa: ARG002 - UnitTarget's face
        if self._first_ns < 0:
            self._first_ns = monotonic_ns
        self.last_ns = monotonic_ns
        self._frames += 1
        self._octets += len(unit.data)
        media = self._clock.push(unit.timestamp, ns_to_ticks(monotonic_ns), span=REORDER_SPAN)
        for decode, _, _ in self._order.push(media, None):
            self._skew.add(monotonic_ns / 1e9, monotonic_ns / 1e9 - decode / TIMESCALE)
        self._gop(media, unit)

    def _gop(self, media: int, unit: AccessUnit) -> None:
        if self._key_media is not None:
            self._longest = max(self._longest, media - self._key_media)
        if unit.key:
            self._key_media = media
            self._sets = unit.sets
            self._in_band = self._in_band or unit.sets.in_band

    def report(self, report: SenderReport, utc_ns: int) -> None:
        self._offset_ms = ntp_to_ms(report.ntp) - utc_ns // 1_000_000

    def facts(self) -> StreamFacts:
        seconds = (self.last_ns - self._first_ns) / 1e9
        whole = max(seconds, 1e-9)
        return replace(
            self._picture(),
            seconds=seconds,
            fps=(self._frames - 1) / whole if self._frames > 1 else 0.0,
            kbps=round(8 * self._octets / whole / 1000) if self._frames > 1 else 0,
            frames=self._frames,
            reordered=self._order.reordered,
            longest_gop=self._longest / TIMESCALE,
            slope_ppm=-1e6 * self._skew.slope if self._skew.believed else 0.0,
            clock_offset_ms=self._offset_ms,
            in_band=self._in_band,
        )

    def _picture(self) -> StreamFacts:
        """Codec and size of the last key frame; what is wrong with it goes to `broken`."""
        if self._sets is None:
            self.broken = NoKeyFrameError(seconds=round((self.last_ns - self._first_ns) / 1e9))
            return StreamFacts()
        try:
            init = init_segment(self._sets)
        except BadParameterSetsError as error:
            self.broken = error
            return StreamFacts()
        return StreamFacts(codec=init.codec, width=init.width, height=init.height)


def judge(facts: StreamFacts, contract: Contract | None) -> Iterator[Finding]:
    """The rules, from facts alone."""
    if facts.audio:
        yield Finding(Severity.WARNING, AudioIgnored(codec=", ".join(facts.audio)))
    if not facts.codec:
        return
    yield from _judge_coding(facts, contract)
    yield from _judge_time(facts)
    yield from _judge_delivery(facts)
    if contract:
        yield from _judge_contract(facts, contract)


def _judge_coding(facts: StreamFacts, contract: Contract | None) -> Iterator[Finding]:
    if facts.codec.startswith("h"):
        live = contract is not None and contract.live
        yield Finding(Severity.REFUSAL if live else Severity.WARNING, NotLiveInBrowsers())
    if facts.reordered:
        share = f"{100 * facts.reordered / facts.frames:.0f} %"
        yield Finding(Severity.REFUSAL, HasBFrames(share=share))
    if facts.longest_gop > GOP_SECONDS:
        cut = facts.longest_gop > CUT_SECONDS
        yield Finding(Severity.REFUSAL if cut else Severity.WARNING, LongGop(seconds=f"{facts.longest_gop:.1f}"))
    if not facts.in_band and not facts.described:
        yield Finding(Severity.WARNING, NoInBandParameterSets())


def _judge_time(facts: StreamFacts) -> Iterator[Finding]:
    if facts.slope_ppm:
        yield Finding(Severity.WARNING, RateLie(ppm=round(facts.slope_ppm)))
    if facts.clock_offset_ms is not None and abs(facts.clock_offset_ms) > CLOCK_OFF_MS:
        yield Finding(Severity.WARNING, CameraClockOff(seconds=f"{facts.clock_offset_ms / 1000:+.1f}"))


def _judge_delivery(facts: StreamFacts) -> Iterator[Finding]:
    if facts.lost:
        total = facts.packets + facts.lost
        severity = Severity.REFUSAL if facts.lost * 100 > total else Severity.WARNING
        yield Finding(severity, PacketsLost(lost=facts.lost, total=total))


def _judge_contract(facts: StreamFacts, contract: Contract) -> Iterator[Finding]:
    """Far off is less than two thirds or more than one and a half of the size; the bit rate varies with the scene."""
    sizes = ((facts.width, contract.width), (facts.height, contract.height))
    odd_size = any(is_ * 3 < wanted * 2 or is_ * 2 > wanted * 3 for is_, wanted in sizes)
    least, most = contract.fps
    if odd_size or not 0.9 * least <= facts.fps <= 1.1 * most:
        yield Finding(
            Severity.WARNING,
            PictureOffContract(width=facts.width, height=facts.height, fps=f"{facts.fps:.1f}", wanted=str(contract)),
        )
    if not contract.kbps / 4 <= facts.kbps <= contract.kbps * 2:
        yield Finding(Severity.WARNING, BitRateOffContract(kbps=facts.kbps, wanted=str(contract)))
