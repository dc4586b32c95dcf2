"""Reads the few ISO BMFF boxes that the archive must understand: codec and size of an init, times of a fragment. Pure.

Refuses to read beyond a box, to follow more than a few levels, or to guess: what is not there is a ValueError.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aigaq.archive.model import InitFacts

_SYNC_MASK: Final = 0x0001_0000
"""sample_is_non_sync_sample in sample flags (ISO/IEC 14496-12 §8.8.3.1)."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Times of one or more `moof` boxes of one track."""

    start: int
    """tfdt of the first."""
    duration: int
    """Sum of the sample durations, in ticks."""
    independent: bool
    """The first sample is a sync sample."""
    opens_segment: bool
    """`styp` stands first: the first part of a segment."""


def boxes(data: bytes | memoryview, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Type, payload start and payload end of each box in `data[start:end]`.

    Raises:
        ValueError: a box ends outside.
    """
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise ValueError(f"{end - start} stray bytes at {start}")
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and end - start >= 16:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        if size < head or start + size > end:
            raise ValueError(f"box {kind!r} at {start} does not fit")
        yield kind, start + head, start + size
        start += size


def child(data: bytes, kind: bytes, start: int, end: int) -> tuple[int, int]:
    """Payload of the first child box of that kind.

    Raises:
        ValueError: there is none.
    """
    for found, at, stop in boxes(data, start, end):
        if found == kind:
            return at, stop
    raise ValueError(f"no {kind.decode()} box")


def read_init(data: bytes) -> InitFacts:
    """Codec string (RFC 6381), picture size and timescale of an initialisation segment with one video track.

    Raises:
        ValueError: it is not one.
    """
    try:
        return _read_init(data)
    except (struct.error, IndexError) as error:
        raise ValueError("a box is too short") from error


def _read_init(data: bytes) -> InitFacts:
    if data[4:8] != b"ftyp":
        raise ValueError("no ftyp box first")
    moov = child(data, b"moov", 0, len(data))
    mdia = child(data, b"mdia", *child(data, b"trak", *moov))
    mdhd = child(data, b"mdhd", *mdia)[0]
    timescale = struct.unpack_from(">I", data, mdhd + (20 if data[mdhd] == 1 else 12))[0]
    stsd = child(data, b"stsd", *child(data, b"stbl", *child(data, b"minf", *mdia)))
    kind, entry, stop = next(boxes(data, stsd[0] + 8, stsd[1]))
    width, height = struct.unpack_from(">HH", data, entry + 24)
    return InitFacts(_codec(data, kind, entry + 78, stop), width, height, timescale)


def _codec(data: bytes, kind: bytes, start: int, end: int) -> str:
    if kind in {b"avc1", b"avc3"}:
        at, _ = child(data, b"avcC", start, end)
        return f"{kind.decode()}.{data[at + 1]:02x}{data[at + 2]:02x}{data[at + 3]:02x}"
    if kind in {b"hvc1", b"hev1"}:
        at, _ = child(data, b"hvcC", start, end)
        return kind.decode() + _hevc(data[at : at + 13])
    raise ValueError(f"sample entry {kind!r} is not video that the archive knows")


def _hevc(config: bytes) -> str:
    """ISO/IEC 14496-15 annex E.3: profile, compatibility reversed, tier and level, constraint bytes."""
    profile = config[1]
    space = ("", "A", "B", "C")[profile >> 6]
    compatibility = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    constraints = "".join(f".{b:X}" for b in config[6:12].rstrip(b"\0"))
    tier = "H" if profile & 0x20 else "L"
    return f".{space}{profile & 0x1F}.{compatibility:X}.{tier}{config[12]}{constraints}"


def read_fragment(data: bytes) -> Fragment:
    """Times of a segment or part.

    Raises:
        ValueError: it is not made of whole `moof` and `mdat` boxes, `styp`, `prft`, `sidx` and `emsg` beside them.
    """
    try:
        return _read_fragment(data)
    except struct.error as error:
        raise ValueError("a box is too short") from error


def _read_fragment(data: bytes) -> Fragment:
    start: int | None = None
    duration, independent, mdats = 0, False, 0
    for kind, at, stop in boxes(data):
        if kind == b"moof":
            tfdt, length, sync = _read_traf(data, *child(data, b"traf", at, stop))
            if start is None:
                start, independent = tfdt, sync
            duration += length
        elif kind == b"mdat":
            mdats += 1
        elif kind not in {b"styp", b"prft", b"sidx", b"emsg", b"free"}:
            raise ValueError(f"unexpected box {kind!r}")
    if start is None or not mdats:
        raise ValueError("no moof with its mdat")
    return Fragment(start, duration, independent, data[4:8] == b"styp")


def _read_traf(data: bytes, start: int, end: int) -> tuple[int, int, bool]:
    """Decode time, duration and whether the first sample is a sync sample (ISO/IEC 14496-12 §8.8.7, 8.8.8, 8.8.12)."""
    default_duration = default_flags = 0
    tfdt, duration, first_flags = None, 0, None
    for kind, at, _stop in boxes(data, start, end):
        if kind == b"tfhd":
            default_duration, default_flags = _read_tfhd(data, at)
        elif kind == b"tfdt":
            tfdt = struct.unpack_from(">Q" if data[at] == 1 else ">I", data, at + 4)[0]
        elif kind == b"trun":
            length, flags = _read_trun(data, at, default_duration, default_flags)
            duration += length
            first_flags = flags if first_flags is None else first_flags
    if tfdt is None or first_flags is None:
        raise ValueError("no tfdt or no trun in traf")
    return tfdt, duration, not first_flags & _SYNC_MASK


def _read_tfhd(data: bytes, at: int) -> tuple[int, int]:
    flags = int.from_bytes(data[at + 1 : at + 4], "big")
    at += 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    duration = struct.unpack_from(">I", data, at)[0] if flags & 8 else 0
    at += (4 if flags & 8 else 0) + (4 if flags & 0x10 else 0)
    return duration, struct.unpack_from(">I", data, at)[0] if flags & 0x20 else 0


def _read_trun(data: bytes, at: int, default_duration: int, default_flags: int) -> tuple[int, int]:
    flags = int.from_bytes(data[at + 1 : at + 4], "big")
    count = struct.unpack_from(">I", data, at + 4)[0]
    at += 8 + (4 if flags & 1 else 0)
    first_flags = struct.unpack_from(">I", data, at)[0] if flags & 4 else None
    at += 4 if flags & 4 else 0
    width = 4 * (flags >> 8 & 0xF).bit_count()
    if at + count * width > len(data):
        raise ValueError("trun runs beyond the data")
    if first_flags is None:
        skip = 4 * (flags >> 8 & 3).bit_count()
        sample_flags = flags & 0x400 and count
        first_flags = struct.unpack_from(">I", data, at + skip)[0] if sample_flags else default_flags
    if not flags & 0x100:
        return default_duration * count, first_flags
    return sum(struct.unpack_from(">I", data, at + i * width)[0] for i in range(count)), first_flags
