"""Finds the whole parts in a segment that was cut off anywhere (ISO/IEC 14496-12 §8.8). Pure; invents nothing."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole `moof mdat` pairs at the head of some bytes; times in ticks of the tfdt."""

    size: int
    start: int
    end: int
    frames: int
    parts: int


def whole_parts(data: bytes | memoryview) -> Whole | None:
    """What can be kept of a torn segment; None if not one part is whole."""
    view = memoryview(data)
    size = frames = parts = 0
    start, end, pending = None, 0, None
    at = 0
    while (found := _box(view, at, len(view))) is not None:
        kind, body, stop = found
        if kind == b"moof":
            pending = _times(view, body, stop)
            if pending is None:
                break
        elif kind == b"mdat" and pending is not None:
            start = pending[0] if start is None else start
            end, frames, parts, size = pending[0] + pending[1], frames + pending[2], parts + 1, stop
            pending = None
        elif kind not in {b"styp", b"prft"}:
            break
        at = stop
    return None if start is None else Whole(size, start, end, frames, parts)


def _box(view: memoryview, at: int, end: int) -> tuple[bytes, int, int] | None:
    """Type, payload start and end of the box at `at`, if it is whole."""
    if end - at < 8:
        return None
    size, kind = struct.unpack_from(">I4s", view, at)
    return (kind, at + 8, at + size) if 8 <= size <= end - at else None


def _times(view: memoryview, start: int, end: int) -> tuple[int, int, int] | None:
    """tfdt, duration and sample count of a `moof`; None if it cannot be read."""
    tfdt, duration, count, default = None, 0, 0, 0
    try:
        for kind, body, stop in _inside(view, start, end):
            if kind == b"tfhd":
                default = _default_duration(view, body)
            elif kind == b"tfdt":
                tfdt = struct.unpack_from(">Q" if view[body] == 1 else ">I", view, body + 4)[0]
            elif kind == b"trun":
                more, samples = _run(view, body, stop, default)
                duration, count = duration + more, count + samples
    except struct.error:
        return None
    return None if tfdt is None else (tfdt, duration, count)


def _inside(view: memoryview, start: int, end: int) -> list[tuple[bytes, int, int]]:
    """The boxes of every `traf` of a `moof`."""
    found: list[tuple[bytes, int, int]] = []
    while box := _box(view, start, end):
        found += _inside(view, box[1], box[2]) if box[0] == b"traf" else [box]
        start = box[2]
    return found


def _default_duration(view: memoryview, body: int) -> int:
    flags = int.from_bytes(view[body + 1 : body + 4], "big")
    at = body + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    return struct.unpack_from(">I", view, at)[0] if flags & 8 else 0


def _run(view: memoryview, body: int, stop: int, default: int) -> tuple[int, int]:
    """Duration and samples of a `trun`."""
    flags = int.from_bytes(view[body + 1 : body + 4], "big")
    count = struct.unpack_from(">I", view, body + 4)[0]
    if not flags & 0x100:
        return default * count, count
    at = body + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    width = 4 * (flags >> 8 & 0xF).bit_count()
    if at + count * width > stop:
        raise struct.error("trun runs beyond its box")
    return sum(struct.unpack_from(">I", view, at + i * width)[0] for i in range(count)), count
