"""Playlists, bytes and pictures as players get them, over real HTTP, read by real ffmpeg."""

import asyncio
import io

import av
import httpx2
import pytest
from archive_box import START, Uplink

from aigaq.archive.model import StreamKey
from aigaq_verify import GapCause

DESK = "/media/example-001/desk"


@pytest.fixture
async def ready(uplink):
    assert (await uplink.init()).status_code == 204
    return uplink


async def played(ffprobe, url, *words):
    return await asyncio.to_thread(ffprobe, *words, url)


async def frames(ffprobe, url):
    out = await played(ffprobe, url, "-show_entries", "packet=pts_time,flags", "-select_streams", "v", "-of", "csv=p=0")
    return [line.split(",") for line in out.split() if line]


async def test_ffmpeg_plays_the_archive(ready, ffprobe, ffmpeg):
    await ready.send_all(ready.box.segments(START, 6))
    url = f"{ready.http.base_url}{DESK}/sub/archive.m3u8?from={START}&to={START + 12_000}"
    found = await frames(ffprobe, url)
    assert len(found) == 120
    assert await asyncio.to_thread(ffmpeg, "-i", url, "-f", "null", "-") == ""


async def test_ffmpeg_plays_minute_objects_by_byte_range(ready, center, ffprobe, ffmpeg):
    await ready.send_all(ready.box.segments(START + 40_000, 15))
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 1
    url = f"{ready.http.base_url}{DESK}/sub/archive.m3u8?from={START + 50_000}&to={START + 70_000}"
    text = (await ready.http.get(url)).text
    assert text.count("BYTERANGE") == 5
    # Without this option ffmpeg 5.1 waits after each range for the connection to be closed.
    assert await asyncio.to_thread(ffmpeg, "-http_persistent", "0", "-i", url, "-f", "null", "-") == ""
    out = await played(
        ffprobe, url, "-http_persistent", "0", "-count_packets", "-show_entries", "stream=nb_read_packets"
    )
    assert "nb_read_packets=200" in out


async def test_ffmpeg_plays_live_and_master(ready, ffprobe):
    await ready.send_all(ready.box.segments(START, 6))
    master = await ready.http.get(f"{DESK}/master.m3u8")
    assert 'CODECS="avc' in master.text
    assert "RESOLUTION=640x360" in master.text
    out = await played(
        ffprobe, f"{ready.http.base_url}{DESK}/master.m3u8", "-show_entries", "stream=width", "-of", "csv=p=0"
    )
    assert set(out.split()) == {"640"}


async def test_a_gap_keeps_the_timeline_true(ready):
    await ready.send_all(ready.box.segments(START, 2))
    await ready.send_all([ready.box.gap(START + 4000, START + 10_000), ready.box.segment(START + 10_000)])
    for name in (f"archive.m3u8?from={START}&to={START + 20_000}", "live.m3u8", "dvr.m3u8"):
        text = (await ready.http.get(f"{DESK}/sub/{name}")).text
        assert text.count("#EXT-X-GAP") == 3, text
        assert text.count("PROGRAM-DATE-TIME") == 6
    assert (await ready.http.get("/media/gap.m4s")).status_code == 404


async def test_the_live_window_goes_on_after_a_restart(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 10))
    before = (await ready.http.get(f"{DESK}/sub/live.m3u8")).text
    center.archive._recall()
    after = (await ready.http.get(f"{DESK}/sub/live.m3u8")).text
    assert before.splitlines()[-1] == after.splitlines()[-1]
    await ready.send_all([ready.box.segment(START + 20_000)])
    assert str(START + 20_000) in (await ready.http.get(f"{DESK}/sub/live.m3u8")).text


async def test_the_long_window_follows_while_it_is_asked_for(ready, center):
    await ready.send_all(ready.box.segments(START, 10))
    path = f"{DESK}/sub/dvr.m3u8"
    assert (await ready.http.get(path)).text.count("EXTINF") == 10
    await ready.send_all([ready.box.segment(START + 20_000)])
    assert (await ready.http.get(path)).text.count("EXTINF") == 11
    center.clock.advance(120)
    assert center.archive.live.dvr_window(StreamKey("example-001", "desk", "sub")) is None
    assert (await ready.http.get(path)).text.count("EXTINF") == 11


async def test_ranges_head_and_caching(ready):
    (sealed,) = made = ready.box.segments(START, 1)
    await ready.send_all(made)
    path = f"/media/o/{sealed.record.object_name}"
    whole = await ready.http.get(path)
    assert whole.content == sealed.data
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["access-control-allow-origin"] == "*"
    head = await ready.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(sealed.data))
    for asked, first, last in [("10-19", 10, 19), ("5-", 5, None), ("-7", len(sealed.data) - 7, None)]:
        part = await ready.http.get(path, headers={"Range": f"bytes={asked}"})
        assert part.status_code == 206
        assert part.content == sealed.data[first : None if last is None else last + 1]
        assert part.headers["content-range"].endswith(f"/{len(sealed.data)}")
    beyond = await ready.http.get(path, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(sealed.data)}")
    for odd in ("bytes=5-2", "bytes=-", "items=0-1", "bytes=0-1,4-5", "bytes=-0"):
        assert (await ready.http.get(path, headers={"Range": odd})).status_code in {200, 416}


async def test_a_segment_keeps_its_address_when_its_bytes_move(ready, center):
    made = ready.box.segments(START + 40_000, 12)
    await ready.send_all(made)
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 1
    for sealed in (made[0], made[9], made[11]):
        answer = await ready.http.get(f"/media/o/{sealed.record.object_name}")
        assert answer.content == sealed.data
    part = await ready.http.get(f"/media/o/{made[7].record.object_name}", headers={"Range": "bytes=100-199"})
    assert part.content == made[7].data[100:200]


NOT_THERE = [
    "/media/o/../archive.sqlite",
    "/media/o/%2e%2e/archive.sqlite",
    "/media/o/example-2027/%2e%2e/%2e%2e/archive.sqlite",
    "/media/o/example-2027//etc/passwd",
    "/media/o//etc/passwd",
    "/media/o/init/" + "0" * 64 + ".mp4",
    "/media/init/" + "0" * 64 + ".mp4",
    "/media/init/zz.mp4",
    "/media/example-001/desk/third/live.m3u8",
    "/media/example-001/garage/sub/live.m3u8",
    "/media/nobody/desk/sub/live.m3u8",
    "/media/example-001/desk/sub/live.m3u8",
    "/media/example-001/desk/sub/dvr.m3u8",
    "/media/example-001/desk/master.m3u8",
    "/media/example-001/desk/still.jpg",
    "/media/still/v1/" + "0" * 64 + ".jpg",
    "/media/still/v9/" + "0" * 64 + ".jpg",
    "/media/still/v1/nonsense.jpg",
    "/media/part/example-001/desk/sub/1/2.m4s",
    "/media/part/example-001/desk/sub/1/2-5.m4s",
    "/media/",
    "/media/a/b/c/d/e/f",
]


async def test_what_is_not_there_is_a_typed_404(ready):
    for path in NOT_THERE:
        request = httpx2.Request("GET", f"{str(ready.http.base_url).rstrip('/')}{path}")
        answer = await ready.http.send(request)
        assert answer.status_code == 404, (path, answer.text)
        assert answer.json()["code"].startswith("archive.")


BAD_INTERVALS = [
    ("", "archive.bad_time"),
    ("from=1", "archive.bad_time"),
    ("from=x&to=2", "archive.bad_request"),
    ("from=5&to=5", "archive.bad_interval"),
    ("from=0&to=99999999999", "archive.too_long"),
    ("from=5&to=9", "archive.nothing_received"),
    ("from=" + "9" * 30 + "&to=1", "archive.bad_request"),
]


async def test_bad_intervals(ready):
    for query, code in BAD_INTERVALS:
        answer = await ready.http.get(f"{DESK}/sub/archive.m3u8?{query}")
        assert answer.json()["code"] == code, query
        assert 400 <= answer.status_code < 500


async def test_only_reading(ready):
    assert (await ready.http.post(f"{DESK}/sub/live.m3u8")).status_code == 404


async def test_a_still_is_the_first_frame_of_a_sealed_segment(ready, center):
    await ready.send_all(ready.box.segments(START, 3))
    assert (await ready.http.get(f"{DESK}/still.jpg")).status_code == 404
    await ready.checkpoint()
    answer = await ready.http.get(f"{DESK}/still.jpg", follow_redirects=True)
    assert answer.headers["content-type"] == "image/jpeg"
    with av.open(io.BytesIO(answer.content), "r", format="mjpeg") as picture:
        frame = next(picture.decode(video=0))
        assert (frame.width, frame.height) == (640, 360)
        assert frame.to_ndarray(format="gray").std() > 20
    center.clock.advance(5)
    newest = await ready.http.get(f"{DESK}/still.jpg")
    earlier = await ready.http.get(f"{DESK}/still.jpg?t={START + 2500}")
    assert newest.headers["location"] != earlier.headers["location"]
    assert "immutable" in (await ready.http.get(earlier.headers["location"])).headers["cache-control"]
    assert (await ready.http.get(f"{DESK}/still.jpg?t={START + 999_000}")).status_code == 404


async def test_live_parts_while_somebody_watches(ready, center):
    box = ready.box
    await ready.send_all(box.segments(START, 3))
    run = START + 6000

    async def push(first, count):
        for n in range(first, first + count):
            data = box.reel.part(run + 500 * n, n + 12, opens=n % 4 == 0)
            assert (await ready.part(run, n, data)).status_code == 204

    await push(0, 4)
    waiting = asyncio.create_task(ready.http.get(f"{DESK}/sub/ll.m3u8"))
    while not center.archive.live.watched("example-001"):
        await asyncio.sleep(0)
    assert (await ready.part(run, 4, box.reel.part(run + 2000, 16, opens=True))).headers["aigaq-watched"] == "desk/sub"
    first = (await waiting).text
    assert first.count("#EXT-X-PART:") == 1
    msn = int(first.split("MEDIA-SEQUENCE:")[1].split()[0])
    blocked = asyncio.create_task(ready.http.get(f"{DESK}/sub/ll.m3u8?_HLS_msn={msn}&_HLS_part=1"))
    hinted = asyncio.create_task(ready.http.get(f"/media/part/example-001/desk/sub/{run}/5.m4s"))
    await push(5, 8)
    assert "/5.m4s" in (await blocked).text
    assert (await hinted).content == box.reel.part(run + 2500, 17, opens=False)
    whole = await ready.http.get(f"/media/part/example-001/desk/sub/{run}/4-7.m4s")
    assert whole.content == b"".join(box.reel.part(run + 2000 + 500 * n, 16 + n, opens=n == 0) for n in range(4))
    far = await ready.http.get(f"{DESK}/sub/ll.m3u8?_HLS_msn={msn + 100}")
    assert far.json()["code"] == "archive.not_live"


async def test_a_low_latency_stream_plays_in_ffmpeg(ready, center, ffprobe):
    box = ready.box
    await ready.send_all(box.segments(START, 1))
    center.archive.live.watch(StreamKey("example-001", "desk", "sub"))
    for n in range(21):
        data = box.reel.part(START + 2000 + 500 * n, n + 4, opens=n % 4 == 0)
        assert (await ready.part(START + 2000, n, data)).status_code == 204
    text = (await ready.http.get(f"{DESK}/sub/ll.m3u8")).text
    assert text.count("EXTINF") == 5
    init = (await ready.http.get(text.split('MAP:URI="')[1].split('"')[0])).content
    body = b"".join([(await ready.http.get(line)).content for line in text.split() if line.endswith(".m4s")])
    with av.open(io.BytesIO(init + body), "r", format="mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) == 100


async def test_parts_that_are_none_or_unsigned_or_unwatched(ready, center, make_box):
    box = ready.box
    await ready.send_all(box.segments(START, 1))
    assert (await ready.part(START, 0, b"whatever")).status_code == 204
    key = StreamKey("example-001", "desk", "sub")
    center.archive.live.watch(key)
    assert (await ready.part(START, 0, b"whatever")).json()["code"] == "archive.not_a_segment"
    thief = Uplink(ready.http, await make_box(name="thief", enrol=False))
    assert (await thief.part(START, 0, b"x")).json()["code"] == "archive.wrong_signature"
    assert (await ready.part(START, 0, b"x", camera="garage")).json()["code"] == "archive.unknown_camera"
    assert (await ready.part(START, 0, b"x", stream="third")).json()["code"] == "archive.not_found"


async def test_a_lease_ends_and_its_parts_are_forgotten(ready, center):
    live, key = center.archive.live, StreamKey("example-001", "desk", "sub")
    live.watch(key)
    assert live.watched("example-001") == [key]
    assert live.watched("example-002") == []
    center.clock.advance(16)
    assert live.watched("example-001") == []
    center.clock.advance(120)
    assert live.watched("example-001") == []
    assert not live._leases


async def test_who_comes_back_after_a_while_gets_no_old_parts(ready, center):
    await ready.send_all(ready.box.segments(START, 1))
    live, key = center.archive.live, StreamKey("example-001", "desk", "sub")
    live.watch(key)
    await ready.part(START + 2000, 0, ready.box.reel.part(START + 2000, 4, opens=True))
    assert "PART:" in (await ready.http.get(f"{DESK}/sub/ll.m3u8")).text
    center.clock.advance(20)
    live.watch(key)
    assert not live._rings


async def test_nobody_waits_for_ever_for_parts(ready, center, monkeypatch):
    monkeypatch.setattr("aigaq.archive.live.WAIT_S", 0.05)
    answer = await ready.http.get(f"{DESK}/sub/ll.m3u8")
    assert (answer.status_code, answer.json()["code"]) == (404, "archive.not_live")


async def test_stations_and_coverage_for_programs(ready, center):
    await ready.send_all(ready.box.segments(START, 3))
    await ready.send_all([ready.box.gap(START + 6000, None, GapCause.NO_CONNECT)])
    await ready.checkpoint()
    center.clock.advance(20)
    stations = (await ready.http.get("/api/v1/stations")).json()
    assert [s["station"] for s in stations["stations"]] == ["example-001", "example-002", "example-003"]
    desk = stations["stations"][0]["cameras"][0]
    assert (desk["state"], desk["cause"], desk["last_ms"]) == ("gap", "no_connect", START + 6000)
    one = (await ready.http.get("/api/v1/stations/example-001")).json()
    assert (one["sealed_size"], one["first_ms"], one["last_ms"]) == (4, START, START + 6000)
    path = "/api/v1/stations/example-001/coverage"
    found = (await ready.http.get(path, params={"from": START - 1000, "to": START + 30_000})).json()
    assert [(s["state"], s["sealed"]) for s in found["cameras"]["desk"]] == [
        ("missing", False),
        ("recorded", True),
        ("gap", True),
        ("future", False),
    ]
    local = await ready.http.get(path, params={"from": "2027-01-10T08:00:00", "to": "2027-01-10T08:00:06"})
    assert [s["state"] for s in local.json()["cameras"]["desk"]] == ["recorded"]
    for query, code in [
        ({"from": "soon", "to": 5}, "archive.bad_time"),
        ({"from": 5, "to": 5}, "archive.bad_interval"),
    ]:
        assert (await ready.http.get(path, params=query)).json()["code"] == code
    assert (await ready.http.get("/api/v1/stations/nobody")).json()["code"] == "archive.unknown_station"
    assert (await ready.http.get("/healthz")).json()["status"] == "ok"
    center.archive.blobs.min_free = 1 << 60
    assert (await ready.http.get("/healthz")).status_code == 507


async def test_an_open_gap_ends_where_later_rows_begin_even_if_some_are_missing(ready, center):
    first, second, closing, third = (
        ready.box.segment(START),
        ready.box.gap(START + 2000, None),
        ready.box.gap(START + 2000, START + 5000),
        ready.box.segment(START + 5000),
    )
    await ready.send_all([first, second, third])
    center.clock.advance(10)
    window = (START, START + 9000)
    for _ in range(2):
        found = (await center.archive.coverage("example-001", *window))["desk"]
        assert [(s.to_ms - START, str(s.state)) for s in found] == [
            (2000, "recorded"),
            (5000, "gap"),
            (7000, "recorded"),
            (9000, "missing"),
        ]
        await ready.send_all([closing])
