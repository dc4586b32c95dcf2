"""Reads ISO boxes back, for tests."""

import struct
from collections.abc import Iterator

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"dinf"}


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the payload of each box, parents before children; sizes must fit exactly."""
    end = len(data) if end is None else end
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        assert size >= 8, kind
        assert start + size <= end, kind
        yield kind, start + 8, start + size
        if kind in CONTAINERS:
            yield from boxes(data, start + 8, start + size)
        start += size


def payload(data: bytes, kind: bytes) -> bytes:
    """Payload of the first box of that kind."""
    return next(data[a:b] for k, a, b in boxes(data) if k == kind)


def top_level(data: bytes) -> list[bytes]:
    kinds, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind)
        at += size
    return kinds


def reference_time(data: bytes) -> tuple[int, int, int]:
    """Flags, NTP and media time of the first `prft`."""
    head, _, ntp, media = struct.unpack(">IIQQ", payload(data, b"prft"))
    assert head >> 24 == 1
    return head & 0xFFFFFF, ntp, media


def fragments(data: bytes) -> list[tuple[int, list[tuple[int, int, int, int]]]]:
    """For each `moof`: tfdt, and (duration, size, flags, offset) of each sample."""
    found = []
    tfdt = 0
    for kind, a, _ in boxes(data):
        if kind == b"tfdt":
            (tfdt,) = struct.unpack_from(">Q", data, a + 4)
        elif kind == b"trun":
            head, count, _ = struct.unpack_from(">IIi", data, a)
            width = 4 if head & 0x800 else 3
            rows = struct.iter_unpack(">IIIi" if width == 4 else ">III", data[a + 12 : a + 12 + 4 * width * count])
            found.append((tfdt, [(*row, 0)[:4] for row in rows]))
    return found
