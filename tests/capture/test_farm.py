"""The farm over real sockets: handshake, passwords, personalities, and clients that mean harm."""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.base import SystemClock, error_classes
from aigaq.capture.farm import (
    Farm,
    FarmCameraError,
    FarmFaultError,
    FarmPortError,
    FarmVideoError,
    Faults,
    load_video,
    parse_faults,
)
from aigaq.capture.farm.requests import MAX_BODY, MAX_HEAD, HostileRequestError, RequestReader


@pytest.fixture(scope="module")
def video(small_video):
    return load_video(small_video)


class Client:
    """A plain RTSP client, written for these tests only."""

    def __init__(self, reader, writer, url):
        self.reader, self.writer, self.url = reader, writer, url
        self.cseq = 0
        self.session = ""
        self.packets = []
        self.stray = []

    @classmethod
    async def open(cls, url):
        host, port = re.match(r"rtsp://([\d.]+):(\d+)/", url).groups()
        return cls(*await asyncio.open_connection(host, int(port)), url)

    async def ask(self, method, suffix="", *, within=2, **headers):
        self.cseq += 1
        lines = [f"{method} {self.url}{suffix} RTSP/1.0", f"CSeq: {self.cseq}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if self.session:
            lines.append(f"Session: {self.session}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        return await asyncio.wait_for(self.reply(), within)

    async def reply(self):
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                channel, *size = await self.reader.readexactly(3)
                self.packets.append((channel, await self.reader.readexactly(int.from_bytes(bytes(size), "big"))))
                continue
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = [tuple(map(str.strip, line.split(":", 1))) for line in lines]
            size = int(dict(headers).get("Content-Length", 0))
            body = await self.reader.readexactly(size)
            return int(status.split()[1]), headers, body.decode("latin-1")

    async def play(self, **describe):
        status, _, sdp = await self.ask("DESCRIBE", **describe)
        assert status == 200
        status, headers, _ = await self.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        assert status == 200
        self.session = dict(headers)["Session"].split(";")[0]
        status, headers, _ = await self.ask("PLAY")
        assert status == 200
        return sdp, dict(headers)

    async def media(self, count, within=3):
        """Read until so many RTP packets have come."""

        async def read():
            while len(self.packets) < count:
                first = await self.reader.readexactly(1)
                if first == b"$":
                    channel, *size = await self.reader.readexactly(3)
                    body = await self.reader.readexactly(int.from_bytes(bytes(size), "big"))
                    self.packets.append((channel, body))
                else:
                    self.stray.append(first + await self.reader.readuntil(b"\r\n\r\n"))

        await asyncio.wait_for(read(), within)
        return self.packets

    async def gone(self, within=4):
        """The farm hangs up."""

        async def read():
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionResetError:
                pass

        await asyncio.wait_for(read(), within)
        return True

    def close(self):
        self.writer.transport.abort()


@pytest.fixture
async def connect(farm):
    clients = []

    async def opened(name="cam"):
        clients.append(await Client.open(farm.url(name)))
        return clients[-1]

    yield opened
    for client in clients:
        client.close()


def digest(name, client, method, challenge, *, password, uri=None, qop=False):
    def h(text):
        return hashlib.new(name, text.encode()).hexdigest()

    realm, nonce = (re.search(f'{key}="([^"]*)"', challenge)[1] for key in ("realm", "nonce"))
    uri = uri or client.url
    middle = f"{nonce}:00000001:abc:auth" if qop else nonce
    response = h(f"{h(f'admin:{realm}:{password}')}:{middle}:{h(f'{method}:{uri}')}")
    text = f'Digest username="admin", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}"'
    text += ", algorithm=SHA-256" if name == "sha256" else ""
    return text + (', qop=auth, nc=00000001, cnonce="abc"' if qop else "")


async def test_play_gives_packets_with_the_promised_numbers(farm, connect, video):
    farm.add("cam", video)
    client = await connect()
    sdp, headers = await client.play()
    assert "sprop-parameter-sets=" in sdp
    packets = await client.media(5)
    rtp = [body for channel, body in packets if channel == 0]
    info = dict(re.findall(r"(seq|rtptime)=(\d+)", headers["RTP-Info"]))
    assert int.from_bytes(rtp[0][2:4], "big") == int(info["seq"])
    assert int.from_bytes(rtp[0][4:8], "big") == int(info["rtptime"])
    assert farm.counts("cam")["sessions"] == 1


def test_the_farm_runs_on_uvloop_too(video):
    async def play():
        async with Farm(clock=SystemClock()) as farm:
            farm.add("cam", video)
            client = await Client.open(farm.url("cam"))
            await client.play()
            await client.media(5)
            client.close()

    uvloop.run(play())


async def test_two_clients_of_a_camera_see_the_same_frames(farm, connect, video):
    farm.add("cam", video)
    first, second = await connect(), await connect()
    await first.play()
    await second.play()
    frames = [
        {b[-20:] for c, b in await client.media(n) if c == 0 and b[1] & 0x80}
        for client, n in ((first, 140), (second, 40))
    ]
    assert frames[0] > frames[1]


async def test_a_camera_that_was_left_starts_again(farm, connect, video):
    farm.add("cam", video)
    for _ in range(2):
        client = await connect()
        await client.play()
        assert (await client.media(2))[0][1]
        client.close()
        await asyncio.sleep(0.02)
    assert farm.counts("cam")["sessions"] == 2


@pytest.mark.parametrize(
    ("auth", "name", "qop"), [("md5", "md5", False), ("md5-qop", "md5", True), ("sha256", "sha256", True)]
)
async def test_digest_passwords(farm, connect, video, auth, name, qop):
    farm.add("cam", video, username="admin", password="pass", faults=Faults(auth=auth))
    client = await connect()
    status, headers, _ = await client.ask("DESCRIBE")
    assert status == 401
    challenge = dict(headers)["WWW-Authenticate"]
    wrong = digest(name, client, "DESCRIBE", challenge, password="wrong", qop=qop)
    assert (await client.ask("DESCRIBE", Authorization=wrong))[0] == 401
    right = digest(name, client, "DESCRIBE", challenge, password="pass", qop=qop)
    assert (await client.ask("DESCRIBE", Authorization=right))[0] == 200
    assert (await client.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP"))[0] == 401


async def test_basic_passwords_only_where_they_are_asked_for(farm, connect, video):
    farm.add("cam", video, username="admin", password="pass", faults=Faults(auth="basic"))
    word = "Basic " + base64.b64encode(b"admin:pass").decode()
    client = await connect()
    assert (await client.ask("DESCRIBE", Authorization=word))[0] == 200
    assert (await client.ask("DESCRIBE", Authorization="Basic !!"))[0] == 401
    farm.set_faults("cam", Faults(auth="sha256"))
    assert (await client.ask("DESCRIBE", Authorization=word))[0] == 401


async def test_all_three_challenges_are_offered(farm, connect, video):
    farm.add("cam", video, username="admin", password="pass", faults=Faults(auth="any"))
    _, headers, _ = await (await connect()).ask("DESCRIBE")
    offers = [value for name, value in headers if name == "WWW-Authenticate"]
    assert [o.split()[0] for o in offers] == ["Digest", "Digest", "Basic"]


async def test_a_nonce_grows_stale(farm, connect, video):
    farm.add("cam", video, username="admin", password="pass", faults=Faults(nonce_uses=1))
    client = await connect()
    challenge = dict((await client.ask("DESCRIBE"))[1])["WWW-Authenticate"]
    word = digest("md5", client, "DESCRIBE", challenge, password="pass")
    assert (await client.ask("DESCRIBE", Authorization=word))[0] == 200
    status, headers, _ = await client.ask("DESCRIBE", Authorization=word)
    assert status == 401
    fresh = dict(headers)["WWW-Authenticate"]
    assert "stale=true" in fresh
    again = digest("md5", client, "DESCRIBE", fresh, password="pass")
    assert (await client.ask("DESCRIBE", Authorization=again))[0] == 200


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_a_camera_that_always_refuses(farm, connect, video, status):
    farm.add("cam", video, faults=Faults(refuse=status))
    assert (await (await connect()).ask("DESCRIBE"))[0] == status


@pytest.mark.parametrize(
    ("lie", "says", "hides"),
    [("audio_only", "PCMA", "m=video"), ("unknown_codec", "VP9", "H264"), ("garbage", "m=", "sprop")],
)
async def test_descriptions_that_lie(farm, connect, video, lie, says, hides):
    farm.add("cam", video, faults=Faults(sdp=lie))
    _, _, sdp = await (await connect()).ask("DESCRIBE")
    assert says in sdp
    assert hides not in sdp


async def test_parameter_sets_may_stay_out_of_the_description(farm, connect, video):
    farm.add("cam", video, faults=Faults(sprop=False))
    assert "sprop" not in (await (await connect()).ask("DESCRIBE"))[2]


async def test_requests_out_of_order_are_refused(farm, connect, video):
    farm.add("cam", video)
    client = await connect()
    assert (await client.ask("PLAY"))[0] == 455
    assert (await client.ask("SETUP", "/trackID=0", Transport="RTP/AVP;unicast;client_port=5000-5001"))[0] == 461
    assert (await client.ask("SETUP", "/trackID=7", Transport="RTP/AVP/TCP"))[0] == 404
    assert (await client.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=999-1000"))[0] == 461
    assert (await client.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=6-7"))[0] == 200
    client.session = "another"
    assert (await client.ask("PLAY"))[0] == 454
    assert (await client.ask("RECORD"))[0] == 405
    assert (await (await connect()).ask("DESCRIBE", "/nobody"))[0] == 404
    assert (await client.ask("OPTIONS"))[0] == 200


async def test_keep_alive_personalities(farm, connect, video):
    farm.add("cam", video, faults=Faults(get_parameter=454, set_parameter=451, cseq_offset=7))
    client = await connect()
    await client.play()
    status, headers, _ = await client.ask("GET_PARAMETER")
    assert (status, int(dict(headers)["CSeq"])) == (454, client.cseq + 7)
    assert (await client.ask("SET_PARAMETER"))[0] == 451
    farm.set_faults("cam", Faults(get_parameter=0))
    with pytest.raises(TimeoutError):
        await client.ask("GET_PARAMETER", within=0.2)
    assert (await client.ask("OPTIONS"))[0] == 200


async def test_replies_that_nobody_asked_for(farm, connect, video):
    farm.add("cam", video, faults=Faults(stray_reply_every=0.05))
    client = await connect()
    await client.play()
    await client.media(10)
    assert client.stray
    assert b"CSeq: 4000000" in client.stray[0]


async def test_a_silent_client_is_dropped_after_the_session_timeout(farm, connect, video):
    farm.add("cam", video, faults=Faults(session_timeout=1))
    client = await connect()
    await client.play()
    assert await client.gone(within=3)


async def test_a_receiver_report_is_no_silence(farm, connect, video):
    farm.add("cam", video, faults=Faults(session_timeout=1))
    client = await connect()
    await client.play()
    for _ in range(4):
        client.writer.write(b"$\x01\x00\x04\x80\xc9\x00\x00")
        await asyncio.sleep(0.4)
    assert (await client.ask("OPTIONS"))[0] == 200


async def test_the_connection_is_cut_after_a_while(farm, connect, video):
    farm.add("cam", video, faults=Faults(drop_after=0.3))
    client = await connect()
    await client.play()
    assert await client.gone()


async def test_a_stalled_camera_neither_reads_nor_writes(farm, connect, video):
    farm.add("cam", video)
    client = await connect()
    await client.play()
    await client.media(3)
    farm.change_faults("cam", stall=True)
    with pytest.raises(TimeoutError):
        await client.ask("OPTIONS", within=0.3)
    farm.change_faults("cam", stall=False)
    assert (await asyncio.wait_for(client.reply(), 2))[0] == 200


async def test_a_client_that_does_not_read_loses_frames_not_the_farms_memory(farm, connect, main_video):
    farm.add("cam", load_video(main_video), faults=Faults())
    client = await connect()
    await client.play()
    client.writer.transport.pause_reading()
    for connection in tuple(farm._connections):
        connection.transport.write(bytes(12 << 20))
    await asyncio.sleep(0.3)
    assert farm.counts("cam")["skipped"] > 0


async def test_cameras_come_and_go(farm, connect, video):
    farm.add("cam", video)
    with pytest.raises(FarmCameraError):
        farm.add("cam", video)
    for name in ("", "a b", "/x", "x/", "é"):
        with pytest.raises(FarmCameraError):
            farm.add(name, video)
    client = await connect()
    await client.play()
    farm.remove("cam")
    assert await client.gone()
    with pytest.raises(FarmCameraError):
        farm.url("cam")


async def test_a_port_that_is_taken_is_named(farm):
    with pytest.raises(FarmPortError) as refused:
        async with Farm(clock=SystemClock(), port=farm.port):
            pass
    assert str(farm.port) in refused.value.where


async def test_an_alternate_of_another_rate_is_refused(farm, video, hevc_video, main_video):
    farm.add("cam", video)
    for other in (hevc_video, main_video):
        with pytest.raises(FarmFaultError):
            farm.set_faults("cam", Faults(alternate=load_video(other)))


HOSTILE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"DESCRIBE\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nContent-Length: -5\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999999\r\n\r\n",
    b"A" * (MAX_HEAD + 2),
]


@pytest.mark.parametrize("data", HOSTILE)
async def test_hostile_clients_are_cut_and_others_play_on(farm, connect, video, data):
    farm.add("cam", video)
    good, bad = await connect(), await connect()
    await good.play()
    bad.writer.write(data)
    assert await bad.gone()
    assert await good.media(5)


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_request_reader(pieces):
    reader = RequestReader()
    try:
        for piece in pieces:
            for request in reader.feed(piece):
                assert request.method
    except HostileRequestError:
        return
    assert len(reader._buffer) <= MAX_HEAD + MAX_BODY + 200


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_requests_are_found_however_they_are_cut(data):
    wire = b"$\x00\x00\x03abcOPTIONS rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\nhi\r\n"
    wire += b"PLAY rtsp://h/a/b?x=1 RTSP/1.0\r\nCSeq: 2\r\n\r\n$\x01\x00\x00"
    reader, found = RequestReader(), []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        found += reader.feed(wire[:size])
        wire = wire[size:]
    assert [(r.method, r.path, r.headers["cseq"]) for r in found] == [("OPTIONS", "cam", "1"), ("PLAY", "a/b", "2")]


def test_faults_are_read_from_words():
    read = parse_faults(["stamp-rate=0.96", "freeze", "in_band=false", "auth=sha256", "first_sequence=65535"])
    assert read == Faults(stamp_rate=0.96, freeze=True, in_band=False, auth="sha256", first_sequence=65535)


@pytest.mark.parametrize(
    "word",
    ["speed=1", "loss=2", "loss=x", "loss=nan", "freeze=maybe", "auth=none", "refuse=1.5", "alternate=x", "seed=-1"],
)
def test_wrong_faults_are_named(word):
    with pytest.raises(FarmFaultError) as refused:
        parse_faults([word])
    assert word.split("=", maxsplit=1)[0] in str(refused.value)


@given(st.text(max_size=40))
def test_any_word_is_a_fault_or_an_error(word):
    known = re.fullmatch(r"[a-z_-]+(=.*)?", word, re.DOTALL)
    with contextlib.suppress(FarmFaultError):
        parse_faults([word])
        assert known


def test_files_that_are_no_camera_are_refused(tmp_path, g711_video, shared):
    (tmp_path / "text.mp4").write_text("no video")
    for path in (tmp_path / "text.mp4", tmp_path / "absent.mp4", shared / "data/videos/vtest.avi"):
        with pytest.raises(FarmVideoError) as refused:
            load_video(path)
        assert str(path) in str(refused.value)
    with pytest.raises(FarmVideoError):
        load_video(b"")
    assert len(load_video(g711_video.read_bytes(), audio=True).tracks) == 2


def test_a_truncated_file_is_served_or_refused_but_never_breaks(small_video):
    whole = small_video.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        with contextlib.suppress(FarmVideoError):
            assert load_video(whole[: int(len(whole) * share)]).length > 0


def test_every_error_of_the_farm_explains_itself():
    mine = [cls for cls in error_classes() if cls.code.startswith("capture.farm")]
    assert len(mine) == 4
    assert all("{" not in cls("x", problem="p").explain("en").why for cls in mine)


def serve(*words):
    return [sys.executable, "-m", "aigaq", "farm", "serve", *map(str, words)]


def test_the_command_prints_addresses_and_stops_when_told(small_video):
    words = [small_video, "--cameras", "2", "--port", "0", "--json", "--wall-aligned"]
    with subprocess.Popen(serve(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        cameras = json.loads(process.stdout.readline())["cameras"]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    assert [c["name"] for c in cameras] == ["cam-1", "cam-2"]
    assert process.returncode == 0
    assert "2 cameras" in said


def test_the_command_refuses_with_a_code(tmp_path):
    done = subprocess.run(serve(tmp_path / "absent.mp4", "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "capture.farm_video"


def test_the_reference_names_every_fault():
    page = (Path(__file__).parents[2] / "docs/reference/farm.md").read_text()
    assert all(f"| `{field.name}` |" in page for field in fields(Faults))
