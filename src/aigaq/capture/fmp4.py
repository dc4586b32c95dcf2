"""CMAF fragmented MP4 (ISO/IEC 14496-12, -15, 23000-19), one video track per file.

Owns bytes only: `init_segment` for a set of parameter sets, `segment_head` and `fragment` for the media. Pure.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aigaq.capture.errors import BadParameterSetsError
from aigaq.capture.model import TIMESCALE, Init
from aigaq.capture.parameters import ParameterSets, Picture, codec_string, picture, profile_bytes

NTP_OF_CAMERA: Final = 0
"""prft flag: the time at which the frame went into the encoder (ISO/IEC 14496-12 §8.16.5)."""
NTP_OF_WRITER: Final = 4
"""prft flag: the time at which the fragment was written."""
_SYNC: Final = 0x02000000
_DEPENDENT: Final = 0x01010000
_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(slots=True)
class Sample:
    """One frame with its place on the wall-clock timeline."""

    start: int
    """Decode time, UTC x 90,000."""
    duration: int
    offset: int
    """Presentation time minus decode time; not 0 only where frames are reordered."""
    data: bytes | bytearray
    key: bool
    lost: int
    arrival_timed: bool
    ntp: int | None
    """The camera's own time of this frame, 64-bit NTP, if it is known."""
    init: Init
    """What a player needs to decode it."""


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box (§4.2)."""
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def init_segment(sets: ParameterSets) -> Init:
    """The initialisation segment that these parameter sets need.

    Raises:
        BadParameterSetsError: a set is missing, or the SPS cannot be.
    """
    if not sets.complete:
        raise BadParameterSetsError(problem="not all have come")
    shape = picture(sets.codec, sets.sps[0])
    data = box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6cmfcmp41") + _moov(sets, shape)
    return Init(hashlib.sha256(data).digest(), data, codec_string(sets), shape.width, shape.height)


def _moov(sets: ParameterSets, shape: Picture) -> bytes:
    header = full_box(
        b"mvhd", 0, 0, struct.pack(">IIIIIH10x", 0, 0, TIMESCALE, 0, 0x10000, 0x100), _MATRIX, bytes(24), b"\0\0\0\2"
    )
    defaults = full_box(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0))
    return box(b"moov", header, _trak(sets, shape), box(b"mvex", defaults))


def _trak(sets: ParameterSets, shape: Picture) -> bytes:
    header = full_box(
        b"tkhd", 0, 7, struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, 0, 0, 0, 0, 0), _MATRIX,
        struct.pack(">II", shape.width << 16, shape.height << 16),
    )  # fmt: skip
    media = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, 0, 0x55C4, 0))
    handler = full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    return box(b"trak", header, box(b"mdia", media, handler, _minf(sets, shape)))


def _minf(sets: ParameterSets, shape: Picture) -> bytes:
    here = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    tables = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(sets, shape)),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    return box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), here, tables)


def _sample_entry(sets: ParameterSets, shape: Picture) -> bytes:
    """avc1/hvc1 keep the parameter sets here alone; avc3/hev1 allow them in the samples too (14496-15 §5.4.2)."""
    visual = struct.pack(
        ">6xH16xHHIIIH32sHh", 1, shape.width, shape.height, 0x480000, 0x480000, 0, 1, bytes(32), 24, -1
    )
    if sets.codec == "h264":
        return box(b"avc3" if sets.in_band else b"avc1", visual, box(b"avcC", _avc_configuration(sets, shape)))
    return box(b"hev1" if sets.in_band else b"hvc1", visual, box(b"hvcC", _hevc_configuration(sets, shape)))


def _avc_configuration(sets: ParameterSets, shape: Picture) -> bytes:
    """AVCDecoderConfigurationRecord, 14496-15 §5.3.3.1."""
    sps = sets.sps[0]
    head = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE0 | len(sets.sps)))
    data = head + _sized(sets.sps) + bytes((len(sets.pps),)) + _sized(sets.pps)
    if sps[1] not in {66, 77, 88}:
        data += bytes((0xFC | shape.chroma, 0xF8 | shape.luma_bits - 8, 0xF8 | shape.chroma_bits - 8, 0))
    return data


def _hevc_configuration(sets: ParameterSets, shape: Picture) -> bytes:
    """HEVCDecoderConfigurationRecord, 14496-15 §8.3.3.1."""
    head = struct.pack(
        ">B12sHBBBBHBB", 1, profile_bytes(sets.sps[0]), 0xF000, 0xFC, 0xFC | shape.chroma,
        0xF8 | shape.luma_bits - 8, 0xF8 | shape.chroma_bits - 8, 0,
        shape.sublayers << 3 | shape.nested << 2 | 3, 3,
    )  # fmt: skip
    whole = 0 if sets.in_band else 0x80
    arrays = ((32, sets.vps), (33, sets.sps), (34, sets.pps))
    return head + b"".join(struct.pack(">BH", whole | kind, len(nals)) + _sized(nals) for kind, nals in arrays)


def _sized(nals: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def segment_head(media_time: int, ntp: int, flags: int) -> bytes:
    """`styp` and `prft`: what a segment begins with, before its first `moof`."""
    reference = full_box(b"prft", 1, flags, struct.pack(">IQQ", 1, ntp, media_time))
    return box(b"styp", b"msdh", struct.pack(">I", 0), b"msdhcmfs") + reference


def fragment(number: int, samples: Sequence[Sample]) -> list[bytes | bytearray]:
    """One `moof` with its `mdat`, in pieces: the samples stay where they are."""
    reordered = any(s.offset for s in samples)
    flags = 0xF01 if reordered else 0x701
    rows: list[int] = []
    for s in samples:
        rows += (s.duration, len(s.data), _SYNC if s.key else _DEPENDENT)
        if reordered:
            rows.append(s.offset & 0xFFFFFFFF)
    size = sum(len(s.data) for s in samples)
    # mfhd, tfhd and tfdt have fixed sizes, so the offset of the data is known before they are written
    before = 8 + 16 + 8 + 16 + 20 + 20 + 4 * len(rows)
    head = struct.pack(
        f">I4sI4sIII4sI4sIII4sIQI4sIIi{len(rows)}II4s",
        before, b"moof", 16, b"mfhd", 0, number & 0xFFFFFFFF,
        before - 24, b"traf", 16, b"tfhd", 0x020000, 1,
        20, b"tfdt", 0x01000000, samples[0].start,
        20 + 4 * len(rows), b"trun", 0x01000000 | flags, len(samples), before + 8,
        *rows,
        8 + size, b"mdat",
    )  # fmt: skip
    return [head, *(s.data for s in samples)]
