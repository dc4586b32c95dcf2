"""Film that claims to be older than the checkpoint inside it is kept, and an alarm rings."""

import hashlib

import pytest
from archive_box import START, Center

BACK_DATED = [("example-001", "archive.back_dated")]


@pytest.fixture
def center(tmp_path):
    return Center(tmp_path / "watched", witness=True)


async def rung(center):
    return [(alarm.station, alarm.code) for alarm in await center.archive.alarms()]


async def test_film_of_before_its_own_beacon_rings(uplink, center):
    await uplink.init()
    await center.feed()
    await uplink.witnessed()
    await uplink.send_all([uplink.box.segment(START - 7_000), uplink.box.segment(START - 5_000)])
    assert await rung(center) == [], "five seconds are forgiven, for clocks that differ"
    late = uplink.box.segment(START - 7_500, "booths")
    await uplink.send_all([late])
    assert await rung(center) == BACK_DATED
    assert center.archive.blobs.folder.joinpath(late.record.object_name).read_bytes() == late.data, "kept as evidence"
    await uplink.send_all([uplink.box.segment(START - 5_500, "booths")])
    assert await rung(center) == BACK_DATED


async def test_what_names_no_checkpoint_of_this_log_cannot_be_told(uplink, center):
    await uplink.init()
    await uplink.send_all([uplink.box.segment(START - 60_000)])
    await center.feed()
    await uplink.witnessed()
    size, _ = uplink.box.beacon
    uplink.box.beacon = (size, b"another note's !")
    await uplink.send_all([uplink.box.segment(START - 58_000)])
    assert await rung(center) == []


class TestAlone:
    """Where no witness is asked, no checkpoint proves a time."""

    @pytest.fixture
    def center(self, tmp_path):
        return Center(tmp_path / "alone")

    async def test_nothing_is_told(self, uplink, center, http):
        await uplink.init()
        await center.feed()
        note = (await http.get("/log/checkpoint")).content
        uplink.box.beacon = (int(note.split(b"\n")[1]), hashlib.sha256(note).digest()[:16])
        await uplink.send_all([uplink.box.segment(START - 60_000)])
        assert await rung(center) == []
