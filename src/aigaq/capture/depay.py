"""From RTP payloads to access units: H.264 (RFC 6184) and H.265 (RFC 7798).

Every NAL unit is kept as received (delimiters and SEI too: a camera's own signature lives there), written with a length
of four bytes as in ISO/IEC 14496-15. A NAL unit of which a packet is missing is dropped whole; nothing is invented.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aigaq.capture.parameters import MAX_SET, ParameterSets
from aigaq.capture.rtp import MAX_UNIT

_MAX_SETS: Final = 16
_LENGTH: Final = struct.Struct(">I")
_ZERO: Final = b"\0\0\0\0"
_START_CODE: Final = b"\0\0\0\1"


@dataclass(slots=True)
class AccessUnit:
    """One coded picture."""

    timestamp: int
    """In the stream's own units; 32 bits, wraps."""
    data: bytes | bytearray
    """NAL units, each after its length in four bytes."""
    key: bool
    """Decoding can begin here."""
    lost: int
    """Packets that were missing in or before it."""
    sets: ParameterSets
    """The parameter sets in force; the same object as long as they do not change."""


class Depacketizer:
    """What H.264 and H.265 share: collecting NAL units into access units. Calls `emit` for each."""

    def __init__(self, sets: ParameterSets, emit: Callable[[AccessUnit], None]) -> None:
        self.oversize = 0
        self.malformed = 0
        self.sets = sets
        self._emit = emit
        self._timestamp = -1
        self._unit = bytearray()
        self.fragment: bytearray | None = None
        self.code = b""
        self._open = -1
        """Where the length of the fragmented NAL unit under way stands in `_unit`; -1 if none is."""
        self._coded = False
        self._key = False
        self._lost = 0
        self._ended = -1
        self._marker_ends = True
        self._found: list[bytes] = []

    # -- what the formats differ in

    def _kind(self, first: int) -> int:
        raise NotImplementedError

    def _note(self, kind: int) -> None:
        """Learn from the type of a NAL unit."""
        raise NotImplementedError

    def _is_set(self, kind: int) -> bool:
        raise NotImplementedError

    def payload(self, view: memoryview, start: int, end: int, timestamp: int, *, marker: int) -> None:
        """Take the payload of one RTP packet."""
        raise NotImplementedError

    # -- access units

    def lost(self, packets: int) -> None:
        """So many packets are missing: the NAL unit under way cannot be completed."""
        self._lost += packets
        self._abandon()

    def _abandon(self) -> None:
        if self._open >= 0:
            del self._unit[self._open :]
            self._open = -1
            self.fragment = None

    def _begin(self, timestamp: int) -> None:
        """The timestamp changed: what was collected is a whole access unit, or belongs to the next one."""
        self._finish()
        self._timestamp = timestamp

    def _mark(self) -> None:
        """The marker bit says that the access unit ends (RFC 6184 §5.1)."""
        if self._marker_ends and self._open < 0:
            self._finish()
            self._ended = self._timestamp

    def _finish(self) -> None:
        self._abandon()
        if self._found:
            self._adopt()
        if not self._coded:
            # parameter sets under a timestamp or marker of their own belong to the picture that follows
            if len(self._unit) > MAX_UNIT:
                self._unit = bytearray()
            return
        unit, self._unit = self._unit, bytearray()
        if len(unit) <= MAX_UNIT:
            self._emit(AccessUnit(self._timestamp, unit, self._key, self._lost, self.sets))
            self._lost = 0
        self._coded = self._key = False

    def _adopt(self) -> None:
        """Parameter sets came in the stream; only a change makes a new object."""
        found, self._found = self._found, []
        merged = self._merge(found)
        if merged != self.sets:
            self.sets = merged

    def _merge(self, found: list[bytes]) -> ParameterSets:
        raise NotImplementedError

    # -- NAL units

    def _whole(self, view: memoryview, start: int, end: int) -> None:
        """One NAL unit that stands alone in a packet or aggregate."""
        self._abandon()
        if not self._room(end - start):
            return
        kind = self._kind(view[start])
        self._note(kind)
        if self._is_set(kind):
            self._parameter_sets(bytes(view[start:end]))
            return
        self._unit += _LENGTH.pack(end - start)
        self._unit += view[start:end]

    def _parameter_sets(self, data: bytes) -> None:
        # some cameras put SPS and PPS into one packet, parted by a start code
        for nal in data.split(_START_CODE):
            if nal:
                self._unit += _LENGTH.pack(len(nal)) + nal
                if self._is_set(self._kind(nal[0])):
                    self._found_set(nal)

    def _room(self, size: int) -> bool:
        if len(self._unit) + size <= MAX_UNIT:
            return True
        self.oversize += 1
        self._abandon()
        return False

    def _several(self, view: memoryview, start: int, end: int) -> None:
        """STAP-A or AP: NAL units, each after its length in two bytes (RFC 6184 §5.7.1, RFC 7798 §4.4.2)."""
        while end - start > 2:
            size = (view[start] << 8) | view[start + 1]
            start += 2
            if not size or start + size > end:
                self.malformed += 1
                return
            self._whole(view, start, start + size)
            start += size

    def _open_fragment(self, header: bytes, code: bytes) -> None:
        self._abandon()
        self._open = len(self._unit)
        self._unit += _ZERO
        self._unit += header
        self.fragment, self.code = self._unit, code

    def _stray_fragment(self) -> None:
        """A piece without its beginning: the rest of a lost NAL unit, of a giant one, or nonsense."""
        if self._open >= 0:
            self._room(1)
        elif not self._lost:
            self.malformed += 1

    def _close_fragment(self) -> None:
        begin, self._open = self._open, -1
        self.fragment = None
        _LENGTH.pack_into(self._unit, begin, len(self._unit) - begin - 4)
        kind = self._kind(self._unit[begin + 4])
        self._note(kind)
        if self._is_set(kind):
            self._found_set(bytes(self._unit[begin + 4 :]))

    def _found_set(self, nal: bytes) -> None:
        if len(nal) <= MAX_SET and len(self._found) < _MAX_SETS:
            self._found.append(nal)


class H264(Depacketizer):
    """RFC 6184, packetization modes 0 and 1."""

    def payload(self, view: memoryview, start: int, end: int, timestamp: int, *, marker: int) -> None:
        """Take the payload of one RTP packet."""
        if timestamp != self._timestamp:
            self._begin(timestamp)
        first = view[start]
        kind = first & 31
        if kind == 28 and end - start > 2:
            fragment = view[start + 1]
            if fragment & 0x80:
                kind = fragment & 31
                self._open_fragment(bytes((first & 0xE0 | kind,)), bytes((first, kind)))
            if self._open < 0 or len(self._unit) > MAX_UNIT:
                self._stray_fragment()
            else:
                self._unit += view[start + 2 : end]
                if fragment & 0x40:
                    self._close_fragment()
        elif 0 < kind < 24:
            self._whole(view, start, end)
        elif kind == 24:
            self._several(view, start + 1, end)
        else:
            self.malformed += 1
        if marker:
            self._mark()

    def _kind(self, first: int) -> int:
        return first & 31

    def _is_set(self, kind: int) -> bool:
        return kind in {7, 8}

    def _note(self, kind: int) -> None:
        if 1 <= kind <= 5:
            self._coded = True
            if kind == 5:
                self._key = True
            if self._ended == self._timestamp:
                # a second picture under one timestamp: this camera sets the marker on every slice
                self._marker_ends = False

    def _merge(self, found: list[bytes]) -> ParameterSets:
        sps = tuple(dict.fromkeys(n for n in found if n[0] & 31 == 7))
        pps = tuple(dict.fromkeys(n for n in found if n[0] & 31 == 8))
        return ParameterSets("h264", sps or self.sets.sps, pps or self.sets.pps, in_band=True)


class H265(Depacketizer):
    """RFC 7798 without DONL (a camera that interleaves NAL units is refused by its description)."""

    def payload(self, view: memoryview, start: int, end: int, timestamp: int, *, marker: int) -> None:
        """Take the payload of one RTP packet."""
        if timestamp != self._timestamp:
            self._begin(timestamp)
        first = view[start]
        kind = (first >> 1) & 63
        if kind == 49 and end - start > 3:
            fragment = view[start + 2]
            if fragment & 0x80:
                kind, second = fragment & 63, view[start + 1]
                self._open_fragment(bytes((first & 0x81 | kind << 1, second)), bytes((first, second, kind)))
            if self._open < 0 or len(self._unit) > MAX_UNIT:
                self._stray_fragment()
            else:
                self._unit += view[start + 3 : end]
                if fragment & 0x40:
                    self._close_fragment()
        elif kind < 48 and end - start > 2:
            self._whole(view, start, end)
        elif kind == 48 and end - start > 2:
            self._several(view, start + 2, end)
        else:
            self.malformed += 1
        if marker:
            self._mark()

    def _kind(self, first: int) -> int:
        return (first >> 1) & 63

    def _is_set(self, kind: int) -> bool:
        return kind in {32, 33, 34}

    def _note(self, kind: int) -> None:
        if kind < 32:
            self._coded = True
            if 16 <= kind <= 21:
                self._key = True
            if self._ended == self._timestamp:
                self._marker_ends = False

    def _merge(self, found: list[bytes]) -> ParameterSets:
        def of(kind: int) -> tuple[bytes, ...]:
            return tuple(dict.fromkeys(n for n in found if self._kind(n[0]) == kind))

        old = self.sets
        return ParameterSets("h265", of(33) or old.sps, of(34) or old.pps, of(32) or old.vps, in_band=True)
