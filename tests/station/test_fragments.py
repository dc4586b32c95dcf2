"""Whole parts are found in a segment cut off anywhere, and in nothing else."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from station_bench import HALF, T0, box, fragment

from aigaq.station.fragments import Whole, whole_parts

START = T0 * 90
PARTS = [fragment(START + i * HALF, first=i == 0, size=50 + i) for i in range(4)]
SEGMENT = b"".join(PARTS)
ENDS = [sum(map(len, PARTS[:n])) for n in range(1, 5)]


def test_every_cut_keeps_exactly_the_whole_parts():
    for cut in range(len(SEGMENT) + 1):
        n = sum(end <= cut for end in ENDS)
        expected = Whole(ENDS[n - 1], START, START + n * HALF, 5 * n, n) if n else None
        assert whole_parts(SEGMENT[:cut]) == expected


def test_garbage_after_whole_parts_is_left_out():
    for tail in (b"\0" * 100, b"\xff" * 100, box(b"free", b"x"), box(b"mdat", b"x"), PARTS[1][:-1], b"\0\0\0\1moof"):
        assert whole_parts(PARTS[0] + tail).size == len(PARTS[0])


def test_a_run_that_claims_more_samples_than_it_holds():
    torn = bytearray(PARTS[0])
    at = torn.index(b"trun") + 8
    torn[at : at + 4] = struct.pack(">I", 2**32 - 1)
    assert whole_parts(bytes(torn)) is None


def test_default_durations_are_understood():
    tfhd = box(b"tfhd", struct.pack(">III", 0x020008, 1, 3600))
    tfdt = box(b"tfdt", struct.pack(">IQ", 0x01000000, START))
    trun = box(b"trun", struct.pack(">II", 0, 10))
    data = box(b"moof", box(b"traf", tfhd, tfdt, trun)) + box(b"mdat", b"x")
    assert whole_parts(data) == Whole(len(data), START, START + 36_000, 10, 1)


@given(st.binary(max_size=400))
def test_noise_never_raises(data):
    found = whole_parts(data)
    assert found is None or 0 < found.size <= len(data)


@given(st.integers(0, len(SEGMENT) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_raises(at, flip):
    data = bytearray(SEGMENT)
    data[at] ^= flip
    found = whole_parts(bytes(data))
    assert found is None or found.size <= len(data)
