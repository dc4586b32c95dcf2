"""Playlists are right by the rules of RFC 8216bis, whatever the footage looks like."""

import re
from datetime import datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aigaq.archive.playlists import MAX_GAP_MS, Playable, Variant, gap_items, master, timeline, vod
from aigaq.archive.windows import DVR_MS, LIVE_MS, LiveWindow

START = 1_799_550_000_000
INIT, OTHER = "a" * 64, "b" * 64


def seg(start, length=2000, init=INIT, place=None):
    return Playable(start, length, f"/media/o/{start}.m4s", init, 1000, place)


def entries(text):
    """Every entry of a media playlist: time, length, address and what stands before it."""
    found, tags = [], []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            pdt = next(t for t in tags if t.startswith("#EXT-X-PROGRAM-DATE-TIME:")).split(":", 1)[1]
            start = round(datetime.fromisoformat(pdt).timestamp() * 1000)
            length = round(float(next(t for t in tags if t.startswith("#EXTINF:"))[8:-1]) * 1000)
            found.append((start, length, line, [t.split(":")[0] for t in tags]))
            tags = []
        else:
            tags.append(line)
    return found


def test_back_to_back_segments_need_neither_gap_nor_discontinuity():
    text = vod(timeline([seg(START), seg(START + 2000)], START))
    assert "GAP" not in text
    assert "DISCONTINUITY" not in text
    assert text.count("#EXT-X-MAP") == 1
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_a_hole_keeps_its_length_on_the_timeline():
    found = entries(vod(timeline([seg(START), seg(START + 9000)], START)))
    assert [(s - START, n, "#EXT-X-GAP" in tags) for s, n, _, tags in found] == [
        (0, 2000, False),
        (2000, 2000, True),
        (4000, 2000, True),
        (6000, 2000, True),
        (8000, 1000, True),
        (9000, 2000, False),
    ]


def test_a_long_hole_is_a_discontinuity_without_entries():
    text = vod(timeline([seg(START), seg(START + 2000 + MAX_GAP_MS + 1)], START))
    assert "GAP" not in text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1


def test_a_stretch_that_begins_in_a_hole_begins_with_it():
    found = entries(vod(timeline([seg(START + 4000)], START)))
    assert [(s - START, "#EXT-X-GAP" in tags) for s, _, _, tags in found] == [(0, True), (2000, True), (4000, False)]


def test_a_new_init_is_a_discontinuity_with_a_new_map():
    text = vod(timeline([seg(START), seg(START + 2000, init=OTHER), seg(START + 4000, init=OTHER)], START))
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert re.findall(r"init/(.)", text) == ["a", "b"]
    assert text.index("DISCONTINUITY") < text.index(OTHER)


def test_a_clock_that_was_set_back_is_a_discontinuity():
    text = vod(timeline([seg(START + 10_000), seg(START)], START + 10_000))
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1


def test_byte_ranges_name_length_and_offset():
    assert "#EXT-X-BYTERANGE:1000@555\n" in vod(timeline([seg(START, place=(1000, 555))], START))


def test_master_lists_codec_size_and_rate():
    text = master([Variant("sub/live.m3u8", "avc1.64001f", 640, 360, 400_000, 300_000)])
    line = '#EXT-X-STREAM-INF:BANDWIDTH=400000,AVERAGE-BANDWIDTH=300000,CODECS="avc1.64001f",RESOLUTION=640x360'
    assert line in text


@given(st.integers(1, 700_000))
def test_pieces_of_a_hole_tile_it(length):
    pieces = list(gap_items(START, START + length))
    assert sum(p.duration_ms for p in pieces) == length
    assert pieces[0].start_ms == START
    assert all(a.end_ms == b.start_ms for a, b in pairwise(pieces))
    assert all(1000 <= p.duration_ms < 3000 for p in pieces) or len(pieces) == 1


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 0, 1, 300, 501, 7000, 65_000, MAX_GAP_MS, MAX_GAP_MS + 1, -5000]),
        st.integers(500, 6000),
        st.sampled_from([INIT, INIT, INIT, OTHER]),
    ),
    min_size=1,
    max_size=40,
)


def footage(steps):
    at, made = START, []
    for pause, length, init in steps:
        at += pause
        made.append(seg(at, length, init))
        at += length
    return made


@given(steps)
def test_every_archive_playlist_holds_the_rules(steps):
    made = footage(steps)
    text = vod(timeline(made, START))
    found = entries(text)
    target = int(re.search(r"TARGETDURATION:(\d+)", text)[1])
    assert all(round(length / 1000) <= target for _, length, _, _ in found)
    assert [u for _, _, u, tags in found if "#EXT-X-GAP" not in tags] == [m.uri for m in made]
    follow_rules(found)


def follow_rules(found):
    """Time goes on without a step unless a discontinuity is declared; a map holds until the next."""
    for (start, length, _, _), (after, _, _, tags) in pairwise(found):
        if "#EXT-X-DISCONTINUITY" not in tags:
            assert abs(after - start - length) <= 500
        if "#EXT-X-MAP" in tags:
            assert "#EXT-X-DISCONTINUITY" in tags


@given(steps)
def test_a_live_playlist_never_renumbers(steps):
    window, numbers = LiveWindow(), {}
    discontinuities = {}
    for seq, one in enumerate(footage(steps)):
        window.add(seq, one)
        text = window.text.decode()
        first = int(re.search(r"MEDIA-SEQUENCE:(\d+)", text)[1])
        count = int(re.search(r"DISCONTINUITY-SEQUENCE:(\d+)", text)[1])
        found = entries(text)
        follow_rules(found)
        for number, (start, _, uri, tags) in enumerate(found, first):
            count += "#EXT-X-DISCONTINUITY" in tags
            assert numbers.setdefault(number, (start, uri)) == (start, uri)
            assert discontinuities.setdefault(number, count) == count
        assert found[-1][2] == one.uri


@given(st.permutations(range(12)))
def test_a_window_goes_only_forward_whatever_the_order_of_arrival(order):
    window = LiveWindow()
    made = [seg(START + 2000 * n) for n in range(12)]
    for n in order:
        window.add(n, made[n])
    starts = [item.start_ms for item in window.items]
    assert starts == sorted(starts)


def test_one_overtaken_segment_still_gets_its_place():
    window = LiveWindow()
    for n in (0, 2, 1, 3):
        window.add(n, seg(START + 2000 * n))
    assert [u[2] for u in entries(window.text.decode())] == [seg(START + 2000 * n).uri for n in range(4)]


def test_a_gap_row_fills_its_number():
    window = LiveWindow()
    window.add(0, seg(START))
    window.add(2, None)
    window.add(3, seg(START + 10_000))
    assert len(entries(window.text.decode())) == 1
    window.add(1, None)
    assert entries(window.text.decode())[-1][0] == START + 10_000


def test_a_window_keeps_its_length_and_numbers_grow_over_a_restart():
    window = LiveWindow()
    for n in range(100):
        window.add(n, seg(START + 2000 * n))
    assert window.items[-1].end_ms - window.items[0].start_ms <= LIVE_MS + 4000
    before = window.first + len(window.items)
    again = LiveWindow()
    again.load([(n, seg(START + 2000 * n)) for n in range(100, 130)], 129)
    assert again.first > before - 30
    assert again.first >= window.first
    again.add(130, seg(START + 260_000))
    assert entries(again.text.decode())[-1][0] == START + 260_000


def test_a_long_window_holds_two_hours():
    window = LiveWindow(DVR_MS)
    window.load([(n, seg(START + 2000 * n)) for n in range(4000)], 3999)
    assert len(window.items) == DVR_MS // 2000
    assert window.rates == (4000, 4000)
