"""The low-latency ring: parts in, a playlist that a player can follow."""

import re

from archive_box import START
from hypothesis import given
from hypothesis import strategies as st

from aigaq.archive.boxes import Fragment
from aigaq.archive.parts import KEEP_SEGMENTS, PartName, PartRing

INIT, OTHER = "a" * 64, "b" * 64


def fragment(number, *, opens):
    return Fragment((START + 500 * number) * 90, 45_000, opens, opens)


class Player:
    """Feeds a ring with parts of segments of four."""

    def __init__(self):
        self.ring = PartRing("/media/part/s/c/sub/", INIT)

    def part(self, number, init=INIT, run=START):
        return self.ring.add(PartName(run, number), fragment(number, opens=number % 4 == 0), b"%d" % number, init)

    @property
    def text(self):
        return self.ring.text.decode()


def test_the_first_parts_can_be_played_at_once():
    player = Player()
    assert not player.ring.segments
    assert player.part(0)
    assert player.part(1)
    text = player.text
    assert text.count("#EXT-X-PART:") == 2
    assert 'URI="/media/part/s/c/sub/1799550000000/0.m4s",INDEPENDENT=YES' in text
    assert 'PRELOAD-HINT:TYPE=PART,URI="/media/part/s/c/sub/1799550000000/2.m4s"' in text
    assert "CAN-BLOCK-RELOAD=YES" in text
    assert "EXTINF" not in text


def test_a_part_from_the_middle_of_a_segment_is_not_taken_first():
    player = Player()
    assert not player.part(2)
    assert not player.ring.segments
    assert not player.part(3)
    assert player.part(4)


def test_segments_are_named_by_their_parts_and_have_their_bytes():
    player = Player()
    for n in range(9):
        player.part(n)
    assert "#EXTINF:2.000,\n/media/part/s/c/sub/1799550000000/0-3.m4s\n" in player.text
    assert player.ring.find_segment(START, 0, 3) == b"0123"
    assert player.ring.find_segment(START, 8, 8) is None
    assert player.ring.find(PartName(START, 5)) == b"5"


def test_a_late_or_repeated_part_is_dropped():
    player = Player()
    for n in (0, 1, 2):
        assert player.part(n)
    assert not player.part(1)
    assert player.text.count("#EXT-X-PART:") == 3


def test_after_a_lost_part_the_segment_is_a_gap_and_the_next_one_plays():
    player = Player()
    for n in (0, 1, 3):
        player.part(n)
    assert "PRELOAD-HINT" not in player.text
    assert player.part(4)
    text = player.text
    assert "#EXT-X-GAP\n#EXTINF:1.000,\n" in text
    assert player.ring.last_msn == player.ring.first + 1


def test_a_new_init_begins_anew_with_higher_numbers():
    player = Player()
    for n in range(6):
        player.part(n)
    before = player.ring.last_msn
    player.part(8, init=OTHER)
    assert player.ring.first > before
    assert OTHER in player.text
    assert INIT not in player.text


def test_blocking_requests_know_what_is_there():
    ring = Player()
    for n in range(6):
        ring.part(n)
    msn = ring.ring.last_msn
    assert ring.ring.has(msn - 1, None)
    assert ring.ring.has(msn, 1)
    assert not ring.ring.has(msn, 2)
    assert not ring.ring.has(msn, None)
    assert not ring.ring.has(msn + 1, 0)
    assert ring.ring.is_next(PartName(START, 6))
    assert not ring.ring.is_next(PartName(START, 7))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=120))
def test_numbers_stay_with_their_segments_whatever_is_lost(losses):
    player, seen, number = Player(), {}, 0
    player.part(0)
    for lost in losses:
        number += 1 + (lost == 3)
        player.part(number)
        starts = re.findall(r"DATE-TIME:(\S+)", player.text)
        for msn, start in enumerate(starts, player.ring.first):
            assert seen.setdefault(msn, start) == start
        assert len(player.ring.segments) <= KEEP_SEGMENTS


def test_after_a_long_pause_the_playlist_begins_anew_under_higher_numbers():
    player = Player()
    for n in range(6):
        player.part(n)
    last = player.ring.last_msn
    later = START + 60_000
    assert player.ring.add(PartName(later, 0), Fragment(later * 90, 45_000, True, True), b"x", INIT)
    assert len(player.ring.segments) == 1
    assert player.ring.first > last


def test_a_short_pause_between_runs_is_no_lost_part():
    player = Player()
    for n in range(4):
        player.part(n)
    later = START + 5000
    assert player.ring.add(PartName(later, 0), Fragment(later * 90, 45_000, True, True), b"x", INIT)
    assert "GAP" not in player.text
    assert player.text.count("EXTINF") == 1
