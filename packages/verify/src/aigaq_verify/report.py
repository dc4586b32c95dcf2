"""The verdict in words, and the separate findings it follows from."""

import enum
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Self

from aigaq_verify.container import NotEvidenceError
from aigaq_verify.manifest import Manifest
from aigaq_verify.note import NoteError
from aigaq_verify.records import CAUSES, RecordError

CHECKS: Final = ("bytes", "records", "log", "witnesses", "time", "key", "interval", "files")
_CAUSES: Final[dict[str | None, str]] = {
    **CAUSES,
    "absence": "the centre heard nothing from the polling station",
    None: "SILENT: nobody signed for it",
}
_SHOWN: Final = 10


class Verdict(enum.IntEnum):
    """In order of badness; the worst wins. The value is the exit code of `aigaq verify`."""

    def __new__(cls, code: int, headline: str) -> Self:
        """A member: its exit code, which is its value, and its headline."""
        verdict = int.__new__(cls, code)
        verdict._value_, verdict.headline = code, headline
        return verdict

    headline: str
    VERIFIED = 0, "whole and unchanged, as the polling station sealed it"
    GAP = 3, "unchanged, but time without footage or without contact is on record"
    LATE = 10, "unchanged since witnesses saw it, but that was more than 60 s after the time it claims"
    UNWITNESSED = 9, "in the log, but not confirmed by a quorum of the witnesses that you trust"
    SILENT_HOLE = 4, "time is missing, and nobody has signed for it"
    NOT_IN_LOG = 5, "a part of this is not proven to be in the election's log"
    UNKNOWN_KEY = 6, "nothing that you trust shows that a polling station sealed this"
    FAILED = 7, "this is not what the polling station sealed; do not rely on it"

    @property
    def words(self) -> str:
        """As it is shown: `SILENT HOLE`."""
        return self.name.replace("_", " ")


BADNESS: Final = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Line:
    """One finding. `check` names what was checked."""

    check: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        mark = {Verdict.VERIFIED: "ok", Verdict.GAP: "gap", Verdict.LATE: "late"}.get(self.verdict, "NO")
        return f"  {mark:>4}  {self.check:<9}  {self.text}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time without footage or contact; without `cause` nobody signed for it, without `to_ms` it was not over."""

    from_ms: int
    to_ms: int | None
    cause: str | None

    def text(self, zone: tzinfo | None) -> str:
        """For people."""
        if self.to_ms is None:
            when = f"since {show_time(self.from_ms, zone)}, not over yet: what follows is not shown"
        else:
            seconds = (self.to_ms - self.from_ms) / 1000
            when = f"{show_time(self.from_ms, zone)} to {show_time(self.to_ms, zone)}, {seconds:.3f} s"
        return f"{when}; {self.cause}: {_CAUSES[self.cause]}" if self.cause else f"{when}; {_CAUSES[None]}"


@dataclass(slots=True)
class Findings:
    """What is right or wrong, by check; of each verdict the first few problems in words, the others counted."""

    good: dict[str, str] = field(default_factory=dict[str, str])
    _bad: dict[tuple[str, Verdict], list[str]] = field(default_factory=dict[tuple[str, Verdict], list[str]])

    def bad(self, check: str, verdict: Verdict, problem: str) -> None:
        """Something is wrong; the same words count once."""
        told = self._bad.setdefault((check, verdict), [])
        if problem not in told[:_SHOWN]:
            told.append(problem if len(told) < _SHOWN else "")

    @contextmanager
    def reading(self, check: str, name: str, data: bytes | None = b"") -> Generator[None]:
        """Read a file inside: where it is not what it should be, the block ends there, and the reason is told."""
        try:
            yield
        except (NotEvidenceError, NoteError, RecordError) as error:
            verdict, problem = (Verdict.NOT_IN_LOG, "missing") if data is None else (Verdict.FAILED, error)
            self.bad(check, verdict, f"{name}: {problem}")

    def line(self, check: str) -> Line:
        """The line of a check, its worst problems first."""
        found = sorted((BADNESS[key[1]], key[1], told) for key, told in self._bad.items() if key[0] == check)[::-1]
        if not found:
            return Line(check, Verdict.VERIFIED, self.good.get(check, "nothing"))
        words = [word for _, _, told in found for word in told[:_SHOWN]]
        more = sum(len(told) - len(told[:_SHOWN]) for _, _, told in found)
        return Line(check, found[0][1], "; ".join([*words, f"and {more} more"] if more else words))


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out about a clip, or a package with its clips; a time is None where nothing proves one."""

    lines: tuple[Line, ...]
    clip: Manifest | None = None
    stretches: tuple[Stretch, ...] = ()
    not_before_ms: int | None = None
    not_after_ms: int | None = None
    clips: tuple["Report", ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of all lines and clips."""
        return max((part.verdict for part in (*self.lines, *self.clips)), key=BADNESS.__getitem__)

    def as_json(self) -> dict[str, Any]:
        """For programs: verdict, exit code, then the clip with its interval and stretches, or the clips."""
        verdict, lines = self.verdict, [{**asdict(line), "verdict": line.verdict.name} for line in self.lines]
        said: dict[str, Any] = {"verdict": verdict.name, "exit_code": int(verdict), "headline": verdict.headline}
        if self.clip is None:
            return {**said, "lines": lines, "clips": [clip.as_json() for clip in self.clips]}
        said |= {"not_before_ms": self.not_before_ms, "not_after_ms": self.not_after_ms, "lines": lines}
        clip = {name: value for name, value in asdict(self.clip).items() if name != "files"}
        return {**said, "clip": clip, "stretches": [asdict(stretch) for stretch in self.stretches]}

    def as_text(self, zone: tzinfo | None = None) -> str:
        """For people: the verdict with its interval first, then what it is about, then line by line."""
        clip, proven, about = self.clip, "", f"evidence package of {len(self.clips)} clips"
        if clip is not None:
            times = (self.not_before_ms, self.not_after_ms, clip.from_ms, clip.to_ms)
            low, high, start, end = ("unknown" if ms is None else show_time(ms, zone) for ms in times)
            proven = f" [not before {low} … not after {high}]"
            about = f"polling station {clip.station}, camera {clip.camera} ({clip.stream}), election {clip.election}"
            about += f"\n  claims {start} to {end}"
        text = f"{self.verdict.words}{proven}: {self.verdict.headline}.\n  {about}\n\n"
        for line in self.lines:
            missing = self.stretches if line.check == "interval" else ()
            text += f"{line}\n" + "".join(f"{'':18} {stretch.text(zone)}\n" for stretch in missing)
        return text + "".join(f"\n{one.as_text(zone)}" for one in self.clips)


def show_time(ms: int, zone: tzinfo | None = None) -> str:
    """`2026-11-22 10:00:00.000 UTC`, and the same in a local zone when one is given."""
    times = [datetime.fromtimestamp(ms // 1000, z) for z in (UTC, zone) if z is not None]
    return " = ".join(f"{time:%Y-%m-%d %H:%M:%S}.{ms % 1000:03} {time:%Z}" for time in times)
