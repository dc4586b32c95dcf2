"""What a camera may not see is black in each picture, or an alarm rings: the secrecy of the vote."""

import asyncio
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from archive_box import DAY_MS, START, Center, Uplink, cut
from hypothesis import given
from hypothesis import strategies as st

from aigaq.archive.errors import ArchiveError, FactsError
from aigaq.archive.masks import MaskWatch, uncovered
from aigaq.ledger.enrolment import CameraFacts, Facts, make_csr

WIDTH, HEIGHT, FPS = 320, 180, 8
LEFT = ((0, 0), (5_000, 0), (5_000, 10_000), (0, 10_000))
CORNER = ((10_000, 10_000), (10_000, 7_000), (8_000, 10_000))


def picture(*masks, luma=16):
    """A bright room, black where the masks are."""
    room = np.full((HEIGHT, WIDTH), 150, dtype=np.uint8)
    for mask in masks:
        left, right = min(x for x, _ in mask), max(x for x, _ in mask)
        top, bottom = min(y for _, y in mask), max(y for _, y in mask)
        room[top * HEIGHT // 10_000 : bottom * HEIGHT // 10_000, left * WIDTH // 10_000 : right * WIDTH // 10_000] = (
            luma
        )
    return room


class TestUncovered:
    def test_masks_are_told_by_their_numbers(self):
        assert list(uncovered(picture(LEFT, CORNER), (LEFT, CORNER))) == []
        assert list(uncovered(picture(LEFT), (LEFT, CORNER))) == [2]
        assert list(uncovered(picture(), (LEFT, CORNER))) == [1, 2]
        assert list(uncovered(picture(), ())) == []

    def test_a_light_mask_is_none(self):
        assert list(uncovered(picture(LEFT, luma=39), (LEFT,))) == []
        assert list(uncovered(picture(LEFT, luma=40), (LEFT,))) == [1]

    def test_a_blurred_edge_is_forgiven_a_hole_is_not(self):
        covered = picture(LEFT)
        covered[:, WIDTH // 2 - 2 : WIDTH // 2 + 2] = 90
        assert list(uncovered(covered, (LEFT,))) == []
        covered[40:80, 40:80] = 150
        assert list(uncovered(covered, (LEFT,))) == [1]

    @given(
        st.integers(2, 400),
        st.integers(2, 400),
        st.lists(st.tuples(*[st.integers(0, 10_000)] * 2), min_size=3, max_size=8),
    )
    def test_any_polygon_in_any_picture(self, width, height, corners):
        mask = tuple(corners)
        assert list(uncovered(np.zeros((height, width), dtype=np.uint8), (mask,))) == []
        assert list(uncovered(np.full((height, width), 255, dtype=np.uint8), (mask,))) == [1]


def film(path, *masks):
    """Half a minute of that room with moving noise, as a camera compresses it."""
    dice = np.random.default_rng(1)
    rules = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options=rules)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        room = picture(*masks)
        for _ in range(2 * FPS):
            noise = np.where(room > 16, dice.normal(0, 2, room.shape), 0)
            frame = np.clip(room + noise, 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return cut(path)


FACTS = Facts(
    (
        CameraFacts("booths", "02:00:00:00:00:01", bytes(32), (LEFT, CORNER)),
        CameraFacts("desk", "02:00:00:00:00:02", bytes(32)),
    )
)


@pytest.fixture
def watch(tmp_path, center):
    """The watch of a centre over facts in a folder of the test's."""
    (tmp_path / "facts").mkdir()
    archive = center.archive
    made = MaskWatch(tmp_path / "facts", archive.database, archive.stills, archive.footage, archive.logs, center.clock)
    yield made
    made.close()


@pytest.fixture
async def uplink(http, center: Center, make_box):
    """A box whose masks two officers have approved."""
    box = await make_box(enrol=False)
    leaf = center.officers.enrolment(make_csr(box.identity, box.election, box.station, FACTS))
    await center.archive.logs.leaf(leaf)
    await center.archive.logs.leaf(box.delegation(leaf, START - START % DAY_MS))
    return Uplink(http, box)


def tell(tmp_path, text):
    (tmp_path / "facts" / "example-001.json").write_text(text, encoding="utf-8")


async def record(uplink, center, reel, at_ms):
    """A segment of each camera, sealed."""
    uplink.box.reel = reel
    await uplink.init()
    await uplink.send_all([uplink.box.segment(START + at_ms, camera) for camera in ("booths", "desk")])
    assert (await uplink.checkpoint()).status_code == 200
    center.clock.advance(10)


async def rung(watch, center):
    """What rings after one more look, newest first."""
    try:
        await watch._look("example-001")
    except ArchiveError as error:
        await watch._ring("example-001", error)
    return [(alarm.station, alarm.code) for alarm in await center.archive.alarms()]


async def test_a_mask_that_is_taken_away_rings(uplink, center, watch, tmp_path, caplog):
    tell(tmp_path, json.dumps(FACTS.to_json()))
    covered, open_ = film(tmp_path / "covered.mp4", LEFT, CORNER), film(tmp_path / "open.mp4", LEFT)
    assert await rung(watch, center) == [], "nothing has come yet"
    await record(uplink, center, covered, 0)
    assert await rung(watch, center) == []
    await record(uplink, center, open_, 2_000)
    alarm = [("example-001", "archive.mask_removed")]
    assert await rung(watch, center) == alarm
    assert await rung(watch, center) == alarm, "the same picture was looked at already"
    assert "mask 2 is not there" in caplog.text
    await record(uplink, center, covered, 4_000)
    assert await rung(watch, center) == alarm
    await record(uplink, center, open_, 6_000)
    assert await rung(watch, center) == alarm, "the same words are kept once an hour"
    center.clock.advance(3_600)
    await record(uplink, center, open_, 3_600_000)
    assert await rung(watch, center) == alarm * 2


async def test_facts_that_nobody_approved_are_refused(uplink, center, watch, tmp_path):
    assert watch.facts("example-001") is None
    tell(tmp_path, json.dumps(FACTS.to_json()))
    assert watch.facts("example-001") == FACTS
    unmasked = replace(FACTS, cameras=tuple(replace(camera, masks=()) for camera in FACTS.cameras))
    for text, why in ((json.dumps(unmasked.to_json()), "enrolment"), ("{", "JSON"), ('{"cameras": 1}', "list")):
        tell(tmp_path, text)
        with pytest.raises(FactsError, match=why):
            watch.facts("example-001")
    assert await rung(watch, center) == [("example-001", "archive.facts")]


async def test_what_is_no_picture_is_not_judged(uplink, center, watch, tmp_path, monkeypatch):
    tell(tmp_path, json.dumps(FACTS.to_json()))
    await record(uplink, center, film(tmp_path / "open.mp4"), 0)
    monkeypatch.setattr(center.archive.footage, "segment", lambda _: b"torn")
    assert await rung(watch, center) == []


async def test_the_centre_itself_looks_every_twenty_seconds(uplink, center, watch, tmp_path):
    tell(tmp_path, json.dumps(FACTS.to_json()))
    await record(uplink, center, film(tmp_path / "open.mp4"), 0)
    looking = asyncio.create_task(watch.run())
    while not await center.archive.alarms():
        center.clock.advance(21)
        await asyncio.sleep(0.01)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert {alarm.code for alarm in await center.archive.alarms()} >= {"archive.mask_removed"}
