"""RTP packets of an access unit, made once and shared by all cameras; each sending patches only their headers."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from struct import Struct
from typing import Final

from aigaq.capture.farm.nal import VideoCodec, is_parameter_set

MTU: Final = 1400
"""Largest RTP payload, bytes: fits an Ethernet frame with all headers, as cameras do it."""
_HEAD: Final = Struct(">BBHBBHII")
_PATCH: Final = Struct(">HII")
_SEAT: Final = 6
"""From the `$` of interleaving (RFC 2326 §10.12) to the sequence number (RFC 3550 §5.1)."""


@dataclass(frozen=True, slots=True)
class Packets:
    """Interleaved RTP packets of one access unit; `starts` are the offsets of each packet's `$`."""

    wire: bytes
    starts: tuple[int, ...]
    octets: int
    """RTP payload bytes, for the sender report."""

    def sent(self, *, channel: int, sequence: int, timestamp: int, ssrc: int) -> bytearray:
        """A copy with these headers; `sequence` belongs to the first packet."""
        wire = bytearray(self.wire)
        patch = _PATCH.pack_into
        for start in self.starts:
            wire[start + 1] = channel
            patch(wire, start + _SEAT, sequence & 0xFFFF, timestamp, ssrc)
            sequence += 1
        return wire

    def with_loss(self, wire: bytearray, ratio: float, dice: Random) -> tuple[bytearray, int]:
        """The patched wire without the packets that the dice lose, and how many those are."""
        kept = bytearray()
        lost = 0
        for start, end in zip(self.starts, (*self.starts[1:], len(wire)), strict=True):
            if dice.random() < ratio:
                lost += 1
            else:
                kept += wire[start:end]
        return kept, lost


def frame_packets(payloads: list[bytes], payload_type: int) -> Packets:
    """Interleaved packets around payloads; the last one carries the marker (RFC 6184 §5.1)."""
    wire = bytearray()
    starts: list[int] = []
    for number, payload in enumerate(payloads, 1):
        starts.append(len(wire))
        marker = 0x80 if number == len(payloads) else 0
        wire += _HEAD.pack(0x24, 0, 12 + len(payload), 0x80, payload_type | marker, 0, 0, 0)
        wire += payload
    return Packets(bytes(wire), tuple(starts), sum(map(len, payloads)))


def video_payloads(codec: VideoCodec, nals: Iterable[bytes]) -> list[bytes]:
    """Payloads of one access unit: parameter sets together, large NALs in fragments, the others alone."""
    payloads: list[bytes] = []
    sets: list[bytes] = []
    for nal in nals:
        if is_parameter_set(codec, nal):
            sets.append(nal)
            continue
        payloads += _aggregate(codec, sets)
        sets = []
        payloads += [nal] if len(nal) <= MTU else _fragment(codec, nal)
    return payloads + _aggregate(codec, sets)


def _aggregate(codec: VideoCodec, nals: list[bytes]) -> list[bytes]:
    """STAP-A (RFC 6184 §5.7.1) or aggregation packet (RFC 7798 §4.4.2); alone or too large: single NALs."""
    size = sum(2 + len(n) for n in nals) + 2
    if len(nals) < 2 or size > MTU:
        return [piece for n in nals for piece in ([n] if len(n) <= MTU else _fragment(codec, n))]
    head = bytes([max(n[0] & 0x60 for n in nals) | 24]) if codec == "h264" else bytes([48 << 1, 1])
    return [head + b"".join(len(n).to_bytes(2, "big") + n for n in nals)]


def _fragment(codec: VideoCodec, nal: bytes) -> list[bytes]:
    """FU-A (RFC 6184 §5.8) or fragmentation units (RFC 7798 §4.4.3)."""
    if codec == "h264":
        head, kind, body = bytes([nal[0] & 0xE0 | 28]), nal[0] & 0x1F, memoryview(nal)[1:]
    else:
        head, kind, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 0x3F, memoryview(nal)[2:]
    step = MTU - len(head) - 1
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    last = len(pieces) - 1
    flags = [(0x80 if n == 0 else 0) | (0x40 if n == last else 0) for n in range(len(pieces))]
    return [head + bytes([flag | kind]) + piece for flag, piece in zip(flags, pieces, strict=True)]


def aac_payload(unit: bytes) -> bytes:
    """One access unit behind its AU header (RFC 3640 §3.3.6, AAC-hbr: 13 bits of size, 3 of index)."""
    return b"\x00\x10" + (len(unit) << 3).to_bytes(2, "big") + unit
