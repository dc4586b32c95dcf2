"""NAL units of H.264 and H.265: where they begin and what they are. It reads no bit beyond the NAL header."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

VideoCodec = Literal["h264", "h265"]
_START_CODE: Final = re.compile(b"\x00\x00\x01")


def nal_type(codec: VideoCodec, nal: bytes) -> int:
    """nal_unit_type (H.264 §7.3.1, H.265 §7.3.1.2)."""
    return nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F


def is_key(codec: VideoCodec, nal: bytes) -> bool:
    """A slice of a picture from which decoding may start: IDR, or any IRAP of H.265."""
    kind = nal_type(codec, nal)
    return kind == 5 if codec == "h264" else 16 <= kind <= 23


def is_parameter_set(codec: VideoCodec, nal: bytes) -> bool:
    """SPS or PPS, or VPS of H.265."""
    return nal_type(codec, nal) in ((7, 8) if codec == "h264" else (32, 33, 34))


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units between start codes (H.264 annex B); trailing zero bytes belong to no NAL."""
    starts = [m.end() for m in _START_CODE.finditer(data)]
    bounds = pairwise([*starts, len(data) + 3])
    return [nal for nal in (data[start : end - 3].rstrip(b"\0") for start, end in bounds) if nal]


def split_lengths(data: bytes, length_size: int) -> list[bytes]:
    """NAL units behind big-endian lengths (ISO/IEC 14496-15 §4.3.3); a length that lies ends the walk."""
    nals: list[bytes] = []
    at = 0
    while at + length_size <= len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if size and at + size <= len(data):
            nals.append(data[at : at + size])
        at += size
    return nals


def read_extradata(codec: VideoCodec, extradata: bytes) -> tuple[int, list[bytes]]:
    """Length size (0: annex B) and parameter sets of avcC, hvcC or annex B extradata; no sets where it is cut off."""
    if not extradata or extradata[0] != 1:
        return 0, [n for n in split_annex_b(extradata) if is_parameter_set(codec, n)]
    try:
        if codec == "h264":
            return (extradata[4] & 3) + 1, [n for n in _avcc(extradata) if n]
        return (extradata[21] & 3) + 1, [n for n in _hvcc(extradata) if n]
    except IndexError:
        return 4, []


def _avcc(data: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (0x1F, 0xFF):
        count = data[at] & mask
        at += 1
        for _ in range(count):
            size = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + size]
            at += 2 + size


def _hvcc(data: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(data[22]):
        kind = data[at] & 0x3F
        count = int.from_bytes(data[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(data[at : at + 2], "big")
            if kind in (32, 33, 34):
                yield data[at + 2 : at + 2 + size]
            at += 2 + size
