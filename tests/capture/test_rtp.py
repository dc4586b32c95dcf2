"""RTP sequence accounting and RTCP, with the lies that packets can tell."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.capture.rtp import NTP_EPOCH, RtpStream, SenderReport, ns_to_ntp, ntp_to_ms


class Taking:
    fragment = None

    def __init__(self):
        self.payloads, self.losses = [], []

    def payload(self, view, start, end, timestamp, *, marker):
        self.payloads.append((bytes(view[start:end]), timestamp, bool(marker)))

    def lost(self, packets):
        self.losses.append(packets)


def rtp(sequence, payload=b"x", *, first=0x80, kind=96, timestamp=7, ssrc=1, marker=False):
    return struct.pack(">BBHII", first, kind | marker << 7, sequence & 0xFFFF, timestamp, ssrc) + payload


def take(*packets, kind=96):
    taking = Taking()
    stream = RtpStream(taking, kind)
    for packet in packets:
        stream.packet(memoryview(b"$$" + packet + b"tail"), 2, 2 + len(packet))
    return stream, taking


def test_a_row_that_wraps_loses_nothing():
    stream, taking = take(*(rtp(n) for n in range(65_530, 65_550)))
    assert (stream.received, stream.lost, taking.losses) == (20, 0, [])


@given(st.integers(0, 65_535), st.sets(st.integers(1, 60)))
def test_each_missing_packet_is_counted_once(first, missing):
    rows = [n for n in range(62) if n not in missing]
    stream, taking = take(*(rtp(first + n) for n in rows))
    assert stream.lost == len(missing) == sum(taking.losses)
    assert stream.received == len(rows)


def test_duplicates_are_dropped():
    stream, taking = take(rtp(5), rtp(6), rtp(6), rtp(5), rtp(7))
    assert (stream.received, stream.lost, len(taking.payloads)) == (3, 0, 3)


def test_a_restarted_count_is_taken_up_with_the_second_packet():
    stream, taking = take(rtp(5), rtp(40_000), rtp(40_001), rtp(40_002))
    assert (stream.received, stream.lost, taking.losses) == (3, 1, [1])


def test_a_new_source_is_no_loss():
    stream, _ = take(rtp(5), rtp(900, ssrc=2), rtp(901, ssrc=2))
    assert (stream.received, stream.lost) == (3, 0)


def test_header_extension_csrc_and_padding():
    extended = rtp(1, struct.pack(">HH", 0xBEDE, 1) + b"eeee" + b"media", first=0x90)
    contributed = rtp(2, b"cccc" * 2 + b"media", first=0x82)
    padded = rtp(3, b"media" + b"\0\0\3", first=0xA0)
    everything = rtp(4, b"cccc" + struct.pack(">HH", 0, 1) + b"eeee" + b"media" + b"\0\2", first=0xB1)
    _, taking = take(extended, contributed, padded, everything)
    assert [p for p, _, _ in taking.payloads] == [b"media"] * 4


@pytest.mark.parametrize(
    "packet",
    [
        rtp(1, b"", first=0x80),
        rtp(1, b"abc", first=0x8F),
        rtp(1, b"ab", first=0x90),
        rtp(1, struct.pack(">HH", 0, 65_535) + b"x", first=0x90),
        rtp(1, b"abc\xff", first=0xA0),
        rtp(1, b"abc\0", first=0xA0),
        rtp(1, b"abc", first=0x00),
        rtp(1, b"abc", kind=97),
        b"\x80" * 11,
        b"",
    ],
)
def test_lengths_that_lie_give_nothing(packet):
    stream, taking = take(packet)
    assert taking.payloads == []
    assert stream.malformed == 1


def test_malformed_in_sequence_too():
    stream, taking = take(rtp(1), rtp(2, b"abc", first=0x8F), rtp(3))
    assert (stream.malformed, stream.lost, len(taking.payloads)) == (1, 0, 2)


def sender_report(ntp=5 << 32, timestamp=9, ssrc=1, words=6):
    return struct.pack(">BBHIQIII", 0x80, 200, words, ssrc, ntp, timestamp, 0, 0)


def report_of(stream, data):
    return stream.rtcp(memoryview(data), 0, len(data))


def test_a_sender_report_among_others():
    stream, _ = take(rtp(1))
    receiver = struct.pack(">BBHI", 0x80, 201, 1, 1)
    assert report_of(stream, receiver + sender_report()) == SenderReport(5 << 32, 9)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\xc8",
        sender_report(ssrc=2),
        sender_report(ntp=77),
        sender_report(words=60_000),
        sender_report(words=0),
        b"\0" * 40,
    ],
)
def test_reports_that_cannot_be_believed(data):
    stream, _ = take(rtp(1))
    assert report_of(stream, data) is None


@given(st.binary(max_size=80))
def test_any_rtcp_is_read_or_ignored(data):
    stream, _ = take(rtp(1))
    report_of(stream, data)


@given(st.binary(max_size=60))
def test_any_packet_is_taken_or_counted(data):
    stream, _ = take(data)
    assert stream.received + stream.malformed >= 1


def test_receiver_report():
    stream, _ = take(rtp(65_535), rtp(2))
    head, count, source, lost, highest = struct.unpack_from(">HHxxxxIII", stream.receiver_report())
    assert (head, count, source, lost, highest) == (0x81C9, 7, 1, 2, 2)
    assert take()[0].receiver_report() == b""


def test_ntp_in_both_eras():
    assert ntp_to_ms(NTP_EPOCH << 32) == 0
    assert ntp_to_ms(ns_to_ntp(1_800_000_000_250_000_000)) == 1_800_000_000_250
    # RFC 5905 §6: era 1 begins on 7 February 2036
    assert ntp_to_ms(ns_to_ntp(2_085_978_496 * 10**9 + 500_000_000)) == 2_085_978_496_500


@given(st.integers(0, 4_000_000_000_000))
def test_ntp_round_trip(ms):
    assert abs(ntp_to_ms(ns_to_ntp(ms * 1_000_000)) - ms) <= 1
