"""The verdict on a clip in words, and the separate findings it follows from."""

import enum
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from aigaq_verify.manifest import Manifest


class Verdict(enum.IntEnum):
    """Worst wins. The value is the exit code of `aigaq verify`."""

    VERIFIED = 0
    GAP = 3
    SILENT_HOLE = 4
    NOT_IN_LOG = 5
    UNKNOWN_KEY = 6
    FAILED = 7


HEADLINES: Final = {
    Verdict.VERIFIED: "VERIFIED: this recording is whole and unchanged, as the polling station sealed it.",
    Verdict.GAP: "GAP: unchanged since the polling station sealed it, but the station itself declared time without "
    "footage.",
    Verdict.SILENT_HOLE: "SILENT HOLE: time is missing, and nobody has signed for it.",
    Verdict.NOT_IN_LOG: "NOT IN LOG: part of this recording is not proven to be in the polling station's sealed log.",
    Verdict.UNKNOWN_KEY: "UNKNOWN KEY: nothing shows that a polling station sealed this; its key is not among those "
    "you trust.",
    Verdict.FAILED: "FAILED: this is not what the polling station sealed. Do not rely on it.",
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
}
_MARKS: Final = {Verdict.VERIFIED: "ok", Verdict.GAP: "gap"}
_CLAIM: Final = "  All times are what the polling station says; no witness confirms them."


@dataclass(frozen=True, slots=True)
class Line:
    """One finding. `check` is bytes, records, log, key, interval or files."""

    check: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time without footage inside the clip's interval; `cause` is None where nobody signed for it.

    `to_ms` is None where the station had not closed its gap, and before `from_ms` where the clock was set back.
    """

    from_ms: int
    to_ms: int | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out about a clip."""

    clip: Manifest
    lines: tuple[Line, ...]
    stretches: tuple[Stretch, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all lines."""
        return max(line.verdict for line in self.lines)

    def as_json(self) -> dict[str, object]:
        """For programs: the verdict, its exit code, the clip without its file list, the lines, the stretches."""
        clip = asdict(self.clip)
        del clip["files"]
        return {
            "verdict": self.verdict.name,
            "exit_code": int(self.verdict),
            "headline": HEADLINES[self.verdict],
            "clip": clip,
            "lines": [{**asdict(line), "verdict": line.verdict.name} for line in self.lines],
            "stretches": [asdict(stretch) for stretch in self.stretches],
        }

    def as_text(self, zone: tzinfo | None = None) -> str:
        """For people: the verdict first, then what it is about, then line by line."""
        clip = self.clip
        head = [
            HEADLINES[self.verdict],
            f"  polling station {clip.station}, camera {clip.camera} ({clip.stream}), election {clip.election}",
            f"  {show_span(clip.from_ms, clip.to_ms, zone)}",
        ]
        body: list[str] = []
        for line in self.lines:
            body.append(f"  {_MARKS.get(line.verdict, 'NO'):>3}  {line.check:<8}  {line.text}")
            if line.check == "interval":
                body.extend(f"{'':17}{_show_stretch(stretch, zone)}" for stretch in self.stretches)
        return "\n".join([*head, "", *body, _CLAIM]) + "\n"


def show_span(start: int, end: int, zone: tzinfo | None = None) -> str:
    """`2026-11-22 10:00:00.000 to 10:01:00.000 UTC`, and the same in a local zone when one is given."""
    spans: Sequence[tzinfo] = [UTC] if zone is None else [UTC, zone]
    return " = ".join(_show_in(start, end, z) for z in spans)


def _show_in(start: int, end: int, zone: tzinfo) -> str:
    first, last = (datetime.fromtimestamp(ms // 1000, zone) for ms in (start, end))
    day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
    return f"{first:%Y-%m-%d %H:%M:%S}.{start % 1000:03} to {day}{last:%H:%M:%S}.{end % 1000:03} {last:%Z}"


def _show_stretch(stretch: Stretch, zone: tzinfo | None) -> str:
    cause = f"{stretch.cause}: {CAUSES[stretch.cause]}" if stretch.cause else "SILENT: nobody signed for it"
    if stretch.to_ms is None:
        since = show_span(stretch.from_ms, stretch.from_ms, zone).split(" to ")[0]
        return f"since {since} UTC, not closed when the clip was made: whether footage follows is not shown; {cause}"
    seconds = (stretch.to_ms - stretch.from_ms) / 1000
    return f"{show_span(stretch.from_ms, stretch.to_ms, zone)}, {seconds:.3f} s; {cause}"
