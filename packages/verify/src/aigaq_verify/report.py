"""The verdict in words, and the separate findings it follows from."""

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from aigaq_verify.manifest import Manifest


class Verdict(enum.IntEnum):
    """In order of badness; worst wins. The value is the exit code of `aigaq verify`."""

    VERIFIED = 0
    GAP = 3
    LATE = 10
    UNWITNESSED = 9
    SILENT_HOLE = 4
    NOT_IN_LOG = 5
    UNKNOWN_KEY = 6
    FAILED = 7

    @property
    def words(self) -> str:
        """As it is shown: `SILENT HOLE`."""
        return self.name.replace("_", " ")


_BADNESS: Final = {verdict: place for place, verdict in enumerate(Verdict)}
CHECKS: Final = ("bytes", "records", "log", "witnesses", "time", "key", "interval", "files")
HEADLINES: Final = {
    Verdict.VERIFIED: "whole and unchanged, as the polling station sealed it",
    Verdict.GAP: "unchanged since the polling station sealed it, but time without footage or without contact is on "
    "record",
    Verdict.LATE: "unchanged since it was witnessed, but that was more than 60 s after the time it claims",
    Verdict.UNWITNESSED: "in the log, but not confirmed by a quorum of the witnesses that you trust",
    Verdict.SILENT_HOLE: "time is missing, and nobody has signed for it",
    Verdict.NOT_IN_LOG: "a part of this is not proven to be in the election's log",
    Verdict.UNKNOWN_KEY: "nothing that you trust shows that a polling station sealed this",
    Verdict.FAILED: "this is not what the polling station sealed; do not rely on it",
}
CAUSES: Final = {
    "no_connect": "the camera could not be reached",
    "no_rtp": "the camera was connected but sent nothing",
    "rtp_loss": "what the camera sent was lost on the way",
    "no_idr": "the camera sent no picture to start from",
    "disk_full": "the disk was full",
    "restart": "the recorder restarted",
    "clock_step": "the recorder's clock was set",
    "operator": "a person stopped the recording",
    "off_duty": "the camera was off duty",
    "absence": "the centre heard nothing from the polling station",
}
_MARKS: Final = {Verdict.VERIFIED: "ok", Verdict.GAP: "gap", Verdict.LATE: "late"}
_SHOWN: Final = 10


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts."""
    return max(verdicts, key=_BADNESS.__getitem__, default=Verdict.VERIFIED)


@dataclass(frozen=True, slots=True)
class Line:
    """One finding. `check` names what was checked."""

    check: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time without footage or contact inside the interval; `cause` is None where nobody signed for it.

    `to_ms` is None where it was not over yet, and before `from_ms` where the clock was set back.
    """

    from_ms: int
    to_ms: int | None
    cause: str | None


@dataclass(slots=True)
class Findings:
    """What is right or wrong, by line; of each verdict the first few problems in words, the others counted."""

    _good: dict[str, str] = field(default_factory=dict[str, str])
    _bad: dict[tuple[str, Verdict], list[str]] = field(default_factory=dict[tuple[str, Verdict], list[str]])
    _more: dict[tuple[str, Verdict], int] = field(default_factory=dict[tuple[str, Verdict], int])

    def good(self, check: str, text: str) -> None:
        """What the line says if nothing is wrong."""
        self._good[check] = text

    def bad(self, check: str, verdict: Verdict, problem: str) -> None:
        """Something is wrong; the same words count once."""
        told = self._bad.setdefault((check, verdict), [])
        if problem in told:
            return
        if len(told) < _SHOWN:
            told.append(problem)
        else:
            self._more[check, verdict] = self._more.get((check, verdict), 0) + 1

    def line(self, check: str) -> Line:
        """The line, its worst problems first."""
        found = sorted((key for key in self._bad if key[0] == check), key=lambda key: -_BADNESS[key[1]])
        if not found:
            return Line(check, Verdict.VERIFIED, self._good.get(check, "nothing to check"))
        parts = ["; ".join(self._bad[key]) + self._rest(key) for key in found]
        return Line(check, found[0][1], "; ".join(parts))

    def _rest(self, key: tuple[str, Verdict]) -> str:
        return f"; and {self._more[key]} more" if key in self._more else ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out about a clip. The times are None where nothing proves one."""

    clip: Manifest
    lines: tuple[Line, ...]
    stretches: tuple[Stretch, ...]
    not_before_ms: int | None = None
    not_after_ms: int | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all lines."""
        return worst(line.verdict for line in self.lines)

    def as_json(self) -> dict[str, object]:
        """For programs: the verdict, its exit code, the interval, the clip without its file list, lines, stretches."""
        clip = asdict(self.clip)
        del clip["files"]
        return {
            **_head(self.verdict),
            "not_before_ms": self.not_before_ms,
            "not_after_ms": self.not_after_ms,
            "clip": clip,
            "lines": [_line_json(line) for line in self.lines],
            "stretches": [asdict(stretch) for stretch in self.stretches],
        }

    def as_text(self, zone: tzinfo | None = None) -> str:
        """For people: the verdict with its interval first, then what it is about, then line by line."""
        clip, verdict = self.clip, self.verdict
        body = [
            f"{verdict.words}{self._proven(zone)}: {HEADLINES[verdict]}.",
            f"  polling station {clip.station}, camera {clip.camera} ({clip.stream}), election {clip.election}",
            f"  claims {show_span(clip.from_ms, clip.to_ms, zone)}",
            "",
        ]
        for line in self.lines:
            body.append(_show_line(line))
            if line.check == "interval":
                body.extend(f"{'':18}{_show_stretch(stretch, zone)}" for stretch in self.stretches)
        return "\n".join(body) + "\n"

    def _proven(self, zone: tzinfo | None) -> str:
        ends = [None if ms is None else show_time(ms, zone) for ms in (self.not_before_ms, self.not_after_ms)]
        return f" [not before {ends[0] or 'unknown'} … not after {ends[1] or 'unknown'}]"


@dataclass(frozen=True, slots=True)
class PackageReport:
    """All that was found out about an evidence package: its own lines, and a report for each clip in it."""

    lines: tuple[Line, ...]
    clips: tuple[Report, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst([*(line.verdict for line in self.lines), *(clip.verdict for clip in self.clips)])

    def as_json(self) -> dict[str, object]:
        """For programs."""
        clips = [clip.as_json() for clip in self.clips]
        return {**_head(self.verdict), "lines": [_line_json(line) for line in self.lines], "clips": clips}

    def as_text(self, zone: tzinfo | None = None) -> str:
        """For people."""
        head = f"{self.verdict.words}: the evidence package of {len(self.clips)} clips; the worst of them counts.\n"
        body = "\n".join(map(_show_line, self.lines))
        return "\n".join([head, body + "\n", *(clip.as_text(zone) for clip in self.clips)])


def show_time(ms: int, zone: tzinfo | None = None) -> str:
    """`2026-11-22 10:00:00.000 UTC`, and the same in a local zone when one is given."""
    zones: Sequence[tzinfo] = [UTC] if zone is None else [UTC, zone]
    times = ((datetime.fromtimestamp(ms // 1000, z), ms % 1000) for z in zones)
    return " = ".join(f"{time:%Y-%m-%d %H:%M:%S}.{rest:03} {time:%Z}" for time, rest in times)


def show_span(start: int, end: int, zone: tzinfo | None = None) -> str:
    """`2026-11-22 10:00:00.000 to 10:01:00.000 UTC`, and the same in a local zone when one is given."""
    return " = ".join(_spans(start, end, [UTC] if zone is None else [UTC, zone]))


def _spans(start: int, end: int, zones: Sequence[tzinfo]) -> Iterator[str]:
    for zone in zones:
        first, last = (datetime.fromtimestamp(ms // 1000, zone) for ms in (start, end))
        day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
        yield f"{first:%Y-%m-%d %H:%M:%S}.{start % 1000:03} to {day}{last:%H:%M:%S}.{end % 1000:03} {last:%Z}"


def _show_line(line: Line) -> str:
    return f"  {_MARKS.get(line.verdict, 'NO'):>4}  {line.check:<9}  {line.text}"


def _show_stretch(stretch: Stretch, zone: tzinfo | None) -> str:
    cause = f"{stretch.cause}: {CAUSES[stretch.cause]}" if stretch.cause else "SILENT: nobody signed for it"
    if stretch.to_ms is None:
        return (
            f"since {show_time(stretch.from_ms, zone)}, not over when this was made: what follows is not shown; {cause}"
        )
    seconds = (stretch.to_ms - stretch.from_ms) / 1000
    return f"{show_span(stretch.from_ms, stretch.to_ms, zone)}, {seconds:.3f} s; {cause}"


def _head(verdict: Verdict) -> dict[str, object]:
    return {"verdict": verdict.name, "exit_code": int(verdict), "headline": f"{verdict.words}: {HEADLINES[verdict]}."}


def _line_json(line: Line) -> dict[str, object]:
    return {**asdict(line), "verdict": line.verdict.name}
