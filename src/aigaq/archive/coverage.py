"""What the archive can say about every millisecond of a stream. Pure: pieces in, an exact tiling out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from aigaq.archive.absences import Absence
from aigaq.archive.model import CameraState, Row, Span, SpanState
from aigaq.archive.rows import Island
from aigaq_verify import GapCause

FRESH_MS: Final = 15_000
"""A camera is live while its newest footage ended less than this ago: a segment, a retry and the way here."""
Window = tuple[int, int]
_QUIET: Final = frozenset({GapCause.OFF_DUTY, GapCause.OPERATOR})


def recorded(island: Island) -> Span:
    """A merged stretch of footage."""
    return Span(island.from_ms, island.to_ms, SpanState.RECORDED, sealed=island.sealed)


def absent(gap: Row, now_ms: int) -> Span:
    """A gap, up to now while it is open."""
    end = max(gap.start_ms, now_ms) if gap.end_ms is None else gap.end_ms
    state = SpanState.OFF_DUTY if gap.cause is GapCause.OFF_DUTY else SpanState.GAP
    return Span(gap.start_ms, end, state, gap.cause, sealed=gap.log_index is not None)


def unheard(absence: Absence, now_ms: int) -> Span:
    """Silence that the centre signed, up to now while it lasts."""
    end = max(absence.from_ms, now_ms) if absence.to_ms is None else absence.to_ms
    return Span(absence.from_ms, end, SpanState.ABSENCE, sealed=True)


def tile(
    islands: Iterable[Island],
    gaps: Iterable[Row],
    window: Window,
    now_ms: int,
    *,
    duty: Window | None = None,
    absences: Iterable[Absence] = (),
) -> tuple[Span, ...]:
    """Spans that cover the window without overlap or hole.

    Footage goes before a gap, a gap before an absence, and that before nothing: after a clock was set back, time is
    told twice, and what was recorded counts; what comes late fills the centre's absence. What nobody told of, and is
    past, is off duty outside the duty window and missing inside.
    """
    start, end = window
    if start >= end:
        return ()
    footage = [recorded(i) for i in islands]
    known = _cover([s for s in footage if not s.sealed], window)
    known = _fill(known, [s for s in footage if s.sealed], window)
    known = _fill(known, [absent(g, now_ms) for g in gaps], window)
    known = _fill(known, [unheard(a, now_ms) for a in absences], window)
    known = _fill(known, [Span(now_ms, end, SpanState.FUTURE)], window)
    if duty:
        idle = [Span(start, duty[0], SpanState.OFF_DUTY), Span(duty[1], end, SpanState.OFF_DUTY)]
        known = _fill(known, idle, window)
    return tuple(_merge(_fill(known, [Span(start, end, SpanState.MISSING)], window)))


def _cover(spans: Iterable[Span], window: Window) -> list[Span]:
    """Clip to the window; where two overlap, the earlier one keeps the time."""
    at, end = window
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.from_ms, s.to_ms)):
        low, high = max(span.from_ms, at), min(span.to_ms, end)
        if low < high:
            found.append(replace(span, from_ms=low, to_ms=high))
            at = high
    return found


def _fill(known: Sequence[Span], more: Iterable[Span], window: Window) -> list[Span]:
    """Put further spans into the holes that the known ones leave."""
    extra = _cover(more, window)
    found = list(known)
    at = 0
    for low, high in _holes(known, window):
        while at < len(extra) and extra[at].to_ms <= low:
            at += 1
        for span in extra[at:]:
            if span.from_ms >= high:
                break
            found.append(replace(span, from_ms=max(low, span.from_ms), to_ms=min(high, span.to_ms)))
    return sorted(found, key=lambda s: s.from_ms)


def _holes(known: Sequence[Span], window: Window) -> list[Window]:
    at, end = window
    holes: list[Window] = []
    for span in known:
        if span.from_ms > at:
            holes.append((at, span.from_ms))
        at = span.to_ms
    return [*holes, (at, end)] if at < end else holes


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (last.state, last.cause, last.sealed) == (span.state, span.cause, span.sealed):
            merged[-1] = replace(last, to_ms=span.to_ms)
        else:
            merged.append(span)
    return merged


def camera_state(last_end_ms: int | None, open_gap: GapCause | None, now_ms: int) -> CameraState:
    """One word for the list, from the end of the newest footage and the gap that is open, if one is."""
    if open_gap:
        return CameraState.OFF if open_gap in _QUIET else CameraState.GAP
    if last_end_ms is None:
        return CameraState.NEVER
    return CameraState.LIVE if now_ms - last_end_ms < FRESH_MS else CameraState.STALE
