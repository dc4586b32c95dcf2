"""RTP and RTCP (RFC 3550): packet headers, sequence accounting, sender reports, receiver reports.

Owns the numbers. What is inside a packet belongs to `depay`; what time a frame has belongs to `timeline`.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

MAX_DROPOUT: Final = 3000
"""A larger step of the sequence number is a restart, not a loss (RFC 3550 §A.1)."""
MAX_UNIT: Final = 8 * 1024 * 1024
"""Bytes of the largest access unit that is kept."""
NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905)."""
_HEAD: Final = struct.Struct(">BBHII")
_INTERLEAVED: Final = struct.Struct(">HHHHII")
"""Header of interleaving (RFC 2326 §10.12) and of RTP: lead, size, kind, sequence, timestamp, source."""
_LEAD: Final = struct.Struct(">I")
_RECEIVER_ID: Final = 0x41_49_47_51


class Payload(Protocol):
    """Takes the payload of packets in order."""

    fragment: bytearray | None
    """Where the middle pieces of a fragmented NAL unit go; None if none is under way or may grow."""
    code: bytes
    """Fragment header of those pieces."""

    def payload(self, view: memoryview, start: int, end: int, timestamp: int, *, marker: int) -> None:
        """The bytes after the RTP header."""
        ...

    def lost(self, packets: int) -> None:
        """So many packets are missing before the next one."""
        ...


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What the camera says about its clock (RFC 3550 §6.4.1)."""

    ntp: int
    """64-bit NTP time."""
    timestamp: int
    """The same instant in RTP units, 32 bits."""


class RtpStream:
    """One RTP stream received over TCP: in order, but maybe with holes left by the camera."""

    def __init__(self, payload: Payload, payload_type: int) -> None:
        self.received = 0
        self.lost = 0
        self.malformed = 0
        self._payload = payload
        self._type = payload_type
        self._expected = -1
        self._ssrc = -1
        self._restart = -1
        self._last_report = 0

    def take(self, view: memoryview, position: int, end: int, lead: int) -> int:
        """Take the interleaved packets that follow here; returns where something else begins, or one not yet whole.

        `lead` is what such a packet begins with: `$` and the channel. This loop and the next decide what a camera
        costs; they do nothing that `packet` does not do.
        """
        payload, unpack, kind = self._payload, _INTERLEAVED.unpack_from, 0x8000 | self._type
        while end - position >= 16:
            first, size, second, sequence, timestamp, ssrc = unpack(view, position)
            stop = position + 4 + size
            if first != lead or stop > end:
                break
            if sequence == self._expected and ssrc == self._ssrc and second & 0xFF7F == kind and size > 12:
                self._expected = (sequence + 1) & 0xFFFF
                self.received += 1
                payload.payload(view, position + 16, stop, timestamp, marker=second & 0x80)
                position = stop if payload.fragment is None else self._middle(view, stop, end, timestamp)
            else:
                self.packet(view, position + 4, stop)
                position = stop
        return position

    def _middle(self, view: memoryview, position: int, end: int, timestamp: int) -> int:
        """Take the middle pieces of a NAL unit that follow and are as large as the first: nine of ten packets."""
        unit, code = self._payload.fragment, self._payload.code
        if unit is None or end - position < 4 or len(unit) > MAX_UNIT:
            return position
        (head,) = _LEAD.unpack_from(view, position)
        step, body = (head & 0xFFFF) + 4, (head & 0xFFFF) - 12 - len(code)
        stop = end - (end - position) % step
        if body <= 0 or stop == position:
            return position
        first = expected = head << 32 | (0x8000 | self._type) << 16 | self._expected
        source = timestamp << 32 | self._ssrc
        for order, origin, what, data in _pieces(len(code), body).iter_unpack(view[position:stop]):
            if order != expected or origin != source or what != code:
                break
            unit += data
            expected += 1
        taken = expected - first
        self._expected = (self._expected + taken) & 0xFFFF
        self.received += taken
        return position + taken * step

    def packet(self, view: memoryview, start: int, end: int) -> None:
        """Account for one packet and pass its payload on."""
        if end - start < 12:
            self.malformed += 1
            return
        first, second, sequence, timestamp, ssrc = _HEAD.unpack_from(view, start)
        if sequence != self._expected or ssrc != self._ssrc:
            if first >> 6 != 2 or second & 0x7F != self._type:
                self.malformed += 1
                return
            if not self._resequence(sequence, ssrc):
                return
        self._expected = (sequence + 1) & 0xFFFF
        self.received += 1
        begin = start + 12
        if first != 0x80:
            begin, end = _bounds(view, start, end, first)
        if second & 0x7F != self._type or begin >= end:
            self.malformed += 1
            return
        self._payload.payload(view, begin, end, timestamp, marker=second & 0x80)

    def _resequence(self, sequence: int, ssrc: int) -> bool:
        """Decide about a packet that was not the next one; False drops it (RFC 3550 §A.1)."""
        step = (sequence - self._expected) & 0xFFFF
        if self._expected < 0 or ssrc != self._ssrc:
            self._ssrc = ssrc
        elif step < MAX_DROPOUT:
            self._lose(step)
        elif sequence == self._restart:
            self._lose(1)
        else:
            # an old packet again, or the first of a restarted count: the next one will tell
            self._restart = (sequence + 1) & 0xFFFF
            return False
        self._restart = -1
        return True

    def _lose(self, packets: int) -> None:
        self.lost += packets
        self._payload.lost(packets)

    def receiver_report(self) -> bytes:
        """RFC 3550 §6.4.2: one report block; some cameras end a session that sends none."""
        if self._ssrc < 0:
            return b""
        highest = (self._expected - 1) & 0xFFFF
        block = struct.pack(">IIIIII", self._ssrc, min(self.lost, 0x7FFFFF), highest, 0, self._last_report, 0)
        return struct.pack(">BBHI", 0x81, 201, 7, _RECEIVER_ID) + block

    def rtcp(self, view: memoryview, start: int, end: int) -> SenderReport | None:
        """The sender report in a compound RTCP packet, if there is a believable one."""
        while end - start >= 8:
            size = 4 * (((view[start + 2] << 8) | view[start + 3]) + 1)
            if view[start] >> 6 != 2 or start + size > end:
                return None
            if view[start + 1] == 200 and size >= 28:
                return self._sender_report(view, start)
            start += size
        return None

    def _sender_report(self, view: memoryview, start: int) -> SenderReport | None:
        ssrc, ntp, timestamp = struct.unpack_from(">IQI", view, start + 4)
        if (self._ssrc >= 0 and ssrc != self._ssrc) or ntp >> 32 == 0:
            return None
        self._last_report = ntp >> 16 & 0xFFFFFFFF
        return SenderReport(ntp, timestamp)


@lru_cache(64)
def _pieces(code: int, body: int) -> struct.Struct:
    """Equal pieces of a NAL unit: lead, size, kind and sequence in one number, timestamp and source, header, data."""
    return struct.Struct(f">QQ{code}s{body}s")


def _bounds(view: memoryview, start: int, end: int, first: int) -> tuple[int, int]:
    """Payload of a packet with CSRCs, extension or padding (RFC 3550 §5.1, §5.3.1); empty if its lengths lie."""
    if first >> 6 != 2:
        return end, end
    begin = start + 12 + 4 * (first & 15)
    if first & 0x10:
        if begin + 4 > end:
            return end, end
        begin += 4 + 4 * ((view[begin + 2] << 8) | view[begin + 3])
    if first & 0x20:
        padding = view[end - 1]
        end = end - padding if padding else begin
    return (begin, end) if begin <= end else (end, end)


def ntp_to_ms(ntp: int) -> int:
    """UTC milliseconds of a 64-bit NTP time; era 1 begins in 2036 (RFC 5905 §6)."""
    seconds = ntp >> 32
    era = 0 if seconds >= NTP_EPOCH else 1 << 32
    return (seconds + era - NTP_EPOCH) * 1000 + ((ntp & 0xFFFFFFFF) * 1000 >> 32)


def ns_to_ntp(utc_ns: int) -> int:
    """64-bit NTP time of UTC nanoseconds since 1970."""
    seconds, rest = divmod(utc_ns, 1_000_000_000)
    return ((seconds + NTP_EPOCH) & 0xFFFFFFFF) << 32 | (rest << 32) // 1_000_000_000
