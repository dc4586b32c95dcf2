"""Access units out of RTP: nothing lost, nothing invented, whatever is dropped on the way."""

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.capture.depay import H264, H265
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.rtp import MAX_UNIT, RtpStream

SPS, PPS, VPS = b"\x67\x42\xc0\x1f\xaa", b"\x68\xce\x3c\x80", b"\x40\x01\x0c"
SPS5, PPS5 = b"\x42\x01\x01\x60", b"\x44\x01\xc1"


@dataclass
class Camera:
    """Packetises NAL units as RFC 6184 and RFC 7798 say; written for the tests alone."""

    codec: str
    mtu: int = 100
    sequence: int = 0

    def unit(self, nals, timestamp, *, aggregate=()):
        payloads = []
        if aggregate:
            head = bytes((24 | 0x60,)) if self.codec == "h264" else bytes((48 << 1, 1))
            payloads.append(head + b"".join(struct.pack(">H", len(n)) + n for n in aggregate))
        for nal in nals:
            payloads += [nal] if len(nal) <= self.mtu else list(self.fragments(nal))
        packets = []
        for i, payload in enumerate(payloads):
            last = i == len(payloads) - 1
            packets.append(struct.pack(">BBHII", 0x80, 96 | last << 7, self.sequence & 0xFFFF, timestamp, 9) + payload)
            self.sequence += 1
        return packets

    def fragments(self, nal):
        size = 1 if self.codec == "h264" else 2
        kind = nal[0] & 31 if size == 1 else nal[0] >> 1 & 63
        head = bytes((nal[0] & 0xE0 | 28,)) if size == 1 else bytes((nal[0] & 0x81 | 49 << 1, nal[1]))
        body = nal[size:]
        for at in range(0, len(body), self.mtu):
            ends = at + self.mtu >= len(body)
            yield head + bytes(((at == 0) << 7 | ends << 6 | kind,)) + body[at : at + self.mtu]


class Rig:
    """A depacketizer behind an RTP stream, fed packet by packet or, like the client, in runs."""

    def __init__(self, codec="h264", sets=None):
        self.units = []
        kind = H264 if codec == "h264" else H265
        self.depay = kind(sets or ParameterSets(codec), self.units.append)
        self.stream = RtpStream(self.depay, 96)

    def feed(self, packets, *, runs=True):
        data = b"".join(b"$\0" + struct.pack(">H", len(p)) + p for p in packets)
        view, position = memoryview(data), 0
        if runs:
            assert self.stream.take(view, position, len(data), 0x2400) == len(data)
            return self
        while position < len(data):
            (size,) = struct.unpack_from(">H", data, position + 2)
            stop = position + 4 + size
            self.stream.packet(view, position + 4, stop)
            position = stop
        return self

    def nals(self):
        return [split(u.data) for u in self.units]


def split(data):
    nals, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        assert size > 0
        assert at + 4 + size <= len(data)
        nals.append(bytes(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return nals


def h264_nals():
    body = st.binary(min_size=1, max_size=400).map(lambda b: b + b"\x80")
    other = st.tuples(st.sampled_from([6, 9, 12]), body).map(lambda t: bytes((t[0],)) + t[1])
    coded = st.tuples(st.sampled_from([0x41, 0x65, 0x01]), body).map(lambda t: bytes((t[0],)) + t[1])
    return st.tuples(st.lists(other, max_size=2), st.lists(coded, min_size=1, max_size=3)).map(lambda t: t[0] + t[1])


def h265_nals():
    body = st.binary(min_size=2, max_size=400).map(lambda b: b + b"\x80")
    other = st.tuples(st.sampled_from([35, 39]), body).map(lambda t: bytes((t[0] << 1, 1)) + t[1])
    coded = st.tuples(st.sampled_from([0, 1, 19, 20, 21]), body).map(lambda t: bytes((t[0] << 1, 1)) + t[1])
    return st.tuples(st.lists(other, max_size=2), st.lists(coded, min_size=1, max_size=3)).map(lambda t: t[0] + t[1])


CODECS = {"h264": h264_nals(), "h265": h265_nals()}


@st.composite
def streams(draw):
    codec = draw(st.sampled_from(sorted(CODECS)))
    units = draw(st.lists(CODECS[codec], min_size=1, max_size=6))
    camera = Camera(codec, mtu=draw(st.sampled_from([3, 20, 100])), sequence=draw(st.integers(65_500, 65_535)))
    packets = [p for i, nals in enumerate(units) for p in camera.unit(nals, (2**32 - 1000 + 3000 * i) % 2**32)]
    return codec, units, packets


@given(streams())
def test_what_goes_in_comes_out(stream):
    codec, units, packets = stream
    rig = Rig(codec).feed(packets)
    assert rig.nals() == units
    assert [u.timestamp for u in rig.units] == [(2**32 - 1000 + 3000 * i) % 2**32 for i in range(len(units))]
    keys = [any(n[0] & 31 == 5 if codec == "h264" else 16 <= n[0] >> 1 & 63 <= 21 for n in nals) for nals in units]
    assert [u.key for u in rig.units] == keys
    assert rig.stream.lost == rig.depay.malformed == 0


@settings(max_examples=300)
@given(streams(), st.data())
def test_loss_truncates_nothing_and_is_counted(stream, data):
    codec, units, packets = stream
    kept = data.draw(st.lists(st.booleans(), min_size=len(packets), max_size=len(packets)))
    rig = Rig(codec).feed([p for p, keep in zip(packets, kept, strict=True) if keep])
    known = {bytes(n) for nals in units for n in nals}
    assert {n for nals in rig.nals() for n in nals} <= known
    rig.depay._begin(-5)
    inside = kept[kept.index(True) : len(kept) - kept[::-1].index(True)] if True in kept else []
    assert rig.stream.lost == inside.count(False)
    assert sum(u.lost for u in rig.units) + rig.depay._lost == rig.stream.lost
    for unit in rig.units:
        assert split(unit.data)


@given(streams(), st.data())
def test_runs_and_single_packets_agree(stream, data):
    codec, _, packets = stream
    packets = [p for p in packets if data.draw(st.integers(0, 9))]
    fast, slow = Rig(codec).feed(packets), Rig(codec).feed(packets, runs=False)
    assert fast.units == slow.units
    assert (fast.stream.received, fast.stream.lost) == (slow.stream.received, slow.stream.lost)
    assert fast.depay.malformed == slow.depay.malformed


@given(st.sampled_from(sorted(CODECS)), st.lists(st.binary(min_size=1, max_size=30), max_size=20), st.data())
def test_any_payload_is_taken_or_counted(codec, payloads, data):
    rig = Rig(codec)
    for number, payload in enumerate(payloads):
        head = struct.pack(">BBHII", 0x80, 96 | data.draw(st.booleans()) << 7, number, data.draw(st.integers(0, 2)), 9)
        rig.feed([head + payload])
    for nals in rig.nals():
        assert all(nals)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_aggregates(codec):
    sets = [SPS, PPS] if codec == "h264" else [VPS, SPS5, PPS5]
    key = b"\x65abc" if codec == "h264" else b"\x26\x01abc"
    rig = Rig(codec).feed(Camera(codec).unit([key], 1, aggregate=sets))
    assert rig.nals() == [[*sets, key]]
    found = rig.units[0].sets
    assert found.complete
    assert found.in_band
    assert found.sps == (sets[-2],)


def test_an_aggregate_that_lies_gives_what_is_whole():
    camera = Camera("h264")
    packet = camera.unit([b"\x65abc"], 1, aggregate=[SPS, PPS])[0]
    rig = Rig().feed([packet[:-2], *camera.unit([b"\x65abc"], 1)])
    assert rig.nals() == [[SPS, b"\x65abc"]]
    assert rig.depay.malformed == 1


def test_a_fragment_without_its_beginning_is_nothing():
    camera = Camera("h264")
    packets = camera.unit([b"\x65" + b"a" * 300, b"\x41b"], 1)
    packets[0] = struct.pack(">BBHII", 0x80, 96, 0, 1, 9) + b"\x06sei"
    rig = Rig().feed(packets)
    assert rig.nals() == [[b"\x06sei", b"\x41b"]]
    assert rig.depay.malformed == 2
    assert not rig.units[0].key


def test_parameter_sets_under_a_time_and_marker_of_their_own_join_the_picture():
    camera = Camera("h264")
    packets = camera.unit([SPS], 5) + camera.unit([PPS], 6) + camera.unit([b"\x65a"], 9) + camera.unit([b"\x41b"], 12)
    rig = Rig().feed(packets)
    assert rig.nals() == [[SPS, PPS, b"\x65a"], [b"\x41b"]]
    assert [u.timestamp for u in rig.units] == [9, 12]


def test_a_camera_that_marks_every_slice_is_learned():
    camera = Camera("h264")
    packets = []
    for number in range(4):
        for name in (b"\x41a", b"\x41b"):
            packets += camera.unit([name], number)
    rig = Rig().feed(packets)
    rig.depay._begin(99)
    assert rig.nals() == [[b"\x41a"], [b"\x41b"], *[[b"\x41a", b"\x41b"]] * 3]


def test_two_sets_in_one_packet_parted_by_a_start_code():
    rig = Rig().feed(Camera("h264").unit([SPS + b"\0\0\0\1" + PPS, b"\x65a"], 1))
    assert rig.nals() == [[SPS, PPS, b"\x65a"]]
    assert rig.units[0].sets == ParameterSets("h264", (SPS,), (PPS,), in_band=True)


def test_sets_stay_the_same_object_until_they_change():
    camera, rig = Camera("h264"), Rig()
    other = SPS[:-1] + b"\xbb"
    for number, sps in enumerate([SPS, SPS, other, SPS]):
        rig.feed(camera.unit([sps, PPS, b"\x65a"], number))
    first, second, third, fourth = (u.sets for u in rig.units)
    assert first is second
    assert second != third
    assert fourth == first


def test_a_giant_picture_is_dropped_and_the_next_one_kept():
    camera = Camera("h264", mtu=60_000)
    giant = camera.unit([b"\x65" + bytes(50_000_000)], 1)
    for runs in (True, False):
        rig = Rig().feed([*giant, *Camera("h264", sequence=camera.sequence).unit([b"\x41b"], 2)], runs=runs)
        assert rig.nals() == [[b"\x41b"]]
        assert rig.depay.oversize == 1


def test_many_small_units_are_capped_too():
    camera, rig = Camera("h264", mtu=60_000), Rig()
    for _ in range(200):
        rig.feed(camera.unit([b"\x06" + bytes(59_000)], 1))
    assert len(rig.depay._unit) <= MAX_UNIT
    assert rig.depay.oversize > 0
    rig.feed([*camera.unit([b"\x41b"], 2), *camera.unit([b"\x41c"], 3)])
    assert rig.nals()[-1] == [b"\x41c"]


def test_thousands_of_parameter_sets_are_not_kept():
    camera, rig = Camera("h264"), Rig()
    rig.feed(camera.unit([SPS + bytes((n & 127, n >> 7 | 1)) for n in range(3000)] + [PPS, b"\x65a"], 1))
    assert len(rig.units[0].sets.sps) <= 16
