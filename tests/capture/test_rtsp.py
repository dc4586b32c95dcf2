"""The RTSP client as playbooks: what a camera says, what we answer. No sockets."""

import itertools
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.capture.errors import (
    CameraRefusedError,
    CaptureError,
    ConnectionClosedError,
    MalformedError,
    NoAnswerError,
    NoInterleavingError,
    NoVideoError,
    StreamNotFoundError,
    UnauthorizedError,
)
from aigaq.capture.rtsp import ANSWER_SECONDS, MAX_GARBAGE, RtspClient, State
from aigaq.capture.wire import parse_address

URL = "rtsp://cam/live"
SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
RTP = b"\x80\x60" + bytes(10) + b"\x41media"


class Receiver:
    def __init__(self):
        self.packets, self.reports = [], []
        self.report = b""

    @property
    def playing(self):
        return bool(self.packets)

    def choose(self, description):
        if not description.videos():
            raise NoVideoError
        return description.videos()[0]

    def rtp(self, view, position, end, lead):
        (size,) = struct.unpack_from(">H", view, position + 2)
        stop = position + 4 + size
        if stop > end:
            return position
        self.packets.append(bytes(view[position + 4 : stop]))
        return stop

    def rtcp(self, view, start, end):
        self.reports.append(bytes(view[start:end]))

    def receiver_report(self):
        return self.report


class Play:
    """One conversation; `now` is the clock."""

    def __init__(self, username="", password="", url=URL):
        self.receiver = Receiver()
        self.client = RtspClient(
            parse_address(url), self.receiver, username=username, password=password, cnonce=lambda: "cnonce"
        )
        self.now = 0.0
        self.rest = b""
        self.client.start(self.now)

    def says(self):
        """What we send next: method, address, headers."""
        text = self.client.output().decode("latin-1")
        first, *lines = text.split("\r\n\r\n")[0].split("\r\n")
        method, url, _ = first.split(" ")
        return method, url, dict(line.split(": ", 1) for line in lines)

    def hears(self, data: bytes):
        data = self.rest + data
        # a receive buffer goes on behind what was received
        used = self.client.feed(memoryview(data + b"old bytes" * 9), 0, len(data), self.now)
        self.rest = data[used:]

    def answers(self, status="200 OK", body="", cseq=None, **headers):
        """The camera answers our last request."""
        lines = [f"RTSP/1.0 {status}", f"CSeq: {self.client._cseq if cseq is None else cseq}"]
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.hears(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def waits(self, seconds):
        self.now += seconds
        self.client.on_time(self.now)

    def to_describe(self, **headers):
        assert self.says()[0] == "OPTIONS"
        self.answers(**headers)
        return self

    def to_setup(self, sdp=SDP, **headers):
        self.to_describe()
        assert self.says()[0] == "DESCRIBE"
        self.answers(body=sdp, **headers)
        return self

    def to_play(self, session="77;timeout=60", transport="RTP/AVP/TCP;unicast;interleaved=0-1"):
        self.to_setup()
        assert self.says()[0] == "SETUP"
        self.answers(Session=session, Transport=transport)
        return self

    def playing(self, **facts):
        self.to_play(**facts)
        assert self.says()[0] == "PLAY"
        self.answers()
        assert self.client.state is State.PLAYING
        return self


def frame(data, channel=0):
    return b"$" + bytes((channel,)) + len(data).to_bytes(2, "big") + data


def test_a_plain_camera():
    play = Play()
    method, url, headers = play.says()
    assert (method, url, headers["CSeq"]) == ("OPTIONS", URL, "1")
    play.answers(Public="OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER")
    method, url, headers = play.says()
    assert (method, url, headers["Accept"]) == ("DESCRIBE", URL, "application/sdp")
    play.answers(body=SDP, Content_Base=URL + "/")
    method, url, headers = play.says()
    assert (method, url) == ("SETUP", "rtsp://cam/live/trackID=1")
    assert headers["Transport"] == "RTP/AVP/TCP;unicast;interleaved=0-1"
    play.answers(Session="12;timeout=30", Transport="RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1")
    method, url, headers = play.says()
    assert (method, url, headers["Session"]) == ("PLAY", "rtsp://cam/live/", "12")
    play.answers()
    play.hears(frame(RTP) + frame(b"sr", 1) + frame(b"other", 7) + frame(RTP))
    assert play.receiver.packets == [RTP, RTP]
    assert play.receiver.reports == [b"sr"]
    assert play.client.teardown().startswith(b"TEARDOWN rtsp://cam/live/ RTSP/1.0\r\n")


def test_digest_is_answered_and_kept():
    play = Play("admin", "secret").to_describe()
    play.says()
    play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n1", qop="auth"')
    method, _, headers = play.says()
    assert method == "DESCRIBE"
    assert 'uri="rtsp://cam/live"' in headers["Authorization"]
    assert "nc=00000001" in headers["Authorization"]
    play.answers(body=SDP)
    method, _, headers = play.says()
    assert method == "SETUP"
    assert "nc=00000002" in headers["Authorization"]


def test_a_wrong_password_is_tried_once():
    play = Play("admin", "wrong").to_describe()
    play.says()
    play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n1"')
    play.says()
    with pytest.raises(UnauthorizedError):
        play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n2"')


def test_a_stale_nonce_is_no_wrong_password():
    play = Play("admin", "secret").to_describe()
    play.says()
    for nonce in ("n1", "n2"):
        play.answers("401 Unauthorized", WWW_Authenticate=f'Digest realm="r", nonce="{nonce}", stale=true')
        assert f'nonce="{nonce}"' in play.says()[2]["Authorization"]
    play.answers(body=SDP)
    assert play.says()[0] == "SETUP"


def test_a_camera_that_is_stale_for_ever():
    play = Play("admin", "secret").to_describe()
    play.says()
    for _ in range(3):
        play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n", stale=true')
        assert play.says()[0] == "DESCRIBE"
    with pytest.raises(UnauthorizedError):
        play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n", stale=true')


def test_no_name_no_answer():
    play = Play().to_describe()
    play.says()
    with pytest.raises(UnauthorizedError):
        play.answers("401 Unauthorized", WWW_Authenticate='Basic realm="r"')


def test_a_challenge_that_nobody_knows():
    play = Play("admin", "secret").to_describe()
    play.says()
    with pytest.raises(UnauthorizedError):
        play.answers("401 Unauthorized", WWW_Authenticate="Negotiate")


def test_options_may_want_a_password_too():
    play = Play("admin", "secret")
    play.says()
    play.answers("401 Unauthorized", WWW_Authenticate='Basic realm="r"')
    method, _, headers = play.says()
    assert (method, headers["Authorization"]) == ("OPTIONS", "Basic YWRtaW46c2VjcmV0")


def test_options_may_be_refused():
    play = Play()
    play.says()
    play.answers("501 Not Implemented")
    assert play.says()[0] == "DESCRIBE"


def test_options_may_stay_unanswered():
    play = Play()
    play.says()
    play.waits(ANSWER_SECONDS)
    assert play.says()[0] == "DESCRIBE"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("403 Forbidden", UnauthorizedError),
        ("404 Not Found", StreamNotFoundError),
        ("453 Not Enough Bandwidth", CameraRefusedError),
        ("503 Service Unavailable", CameraRefusedError),
    ],
)
def test_describe_refused(status, error):
    play = Play().to_describe()
    play.says()
    with pytest.raises(error):
        play.answers(status)


def test_a_camera_that_only_sends_udp():
    play = Play().to_setup()
    play.says()
    with pytest.raises(NoInterleavingError):
        play.answers("461 Unsupported Transport")


@pytest.mark.parametrize("step", ["to_describe", "to_setup", "to_play"])
def test_a_camera_that_falls_silent(step):
    play = getattr(Play(), step)()
    play.waits(ANSWER_SECONDS - 0.1)
    with pytest.raises(NoAnswerError):
        play.waits(0.2)


def test_play_unanswered_but_video_flows():
    play = Play().to_play()
    play.hears(frame(RTP))
    play.waits(ANSWER_SECONDS)
    assert play.client.state is State.PLAYING
    assert play.receiver.packets == [RTP]


@pytest.mark.parametrize("cseq", [0, 1, 99, "", "x"])
def test_a_wrong_sequence_number_is_taken_as_the_answer(cseq):
    play = Play().to_describe()
    assert play.says()[0] == "DESCRIBE"
    play.answers(body=SDP, cseq=cseq)
    assert play.says()[0] == "SETUP"


def test_the_late_answer_to_a_request_given_up_is_stray():
    play = Play()
    play.says()
    play.waits(ANSWER_SECONDS)
    play.says()
    play.answers(cseq=1)
    assert play.client.state is State.DESCRIBE
    play.answers(body=SDP)
    assert play.client.state is State.SETUP


def test_control_at_session_level_is_what_plays():
    play = Play().to_setup("v=0\r\na=control:rtsp://10.0.0.9/all\r\n" + SDP[5:])
    play.says()
    play.answers(Session="1")
    assert play.says()[:2] == ("PLAY", "rtsp://10.0.0.9/all")


@pytest.mark.parametrize("base", ["/live/", "", "http://cam/"])
def test_a_content_base_that_is_no_address_is_ignored(base):
    play = Play().to_setup(Content_Base=base)
    assert play.says()[1] == "rtsp://cam/live/trackID=1"


def test_the_camera_chooses_the_channels():
    play = Play().playing(transport="RTP/AVP/TCP;unicast;interleaved=4-5")
    play.hears(frame(b"no") + frame(RTP, 4) + frame(b"sr", 5))
    assert (play.receiver.packets, play.receiver.reports) == ([RTP], [b"sr"])


def test_video_may_come_before_the_answer_to_play():
    play = Play().to_play()
    play.hears(frame(RTP))
    play.answers()
    assert play.client.state is State.PLAYING
    assert play.receiver.packets == [RTP]


@pytest.mark.parametrize("how", ["answer", "request"])
def test_redirect(how):
    play = Play().to_describe()
    if how == "answer":
        play.answers("302 Moved", Location="rtsp://other/live")
    else:
        play.hears(b"REDIRECT rtsp://cam RTSP/1.0\r\nCSeq: 5\r\nLocation: rtsp://other/live\r\n\r\n")
    assert (play.client.state, play.client.location) == (State.REDIRECTED, "rtsp://other/live")


def test_keep_alive_in_time_for_a_session_of_15_s():
    play = Play().playing(session="7;timeout=15")
    play.waits(5)
    assert play.client.output() == b""
    play.waits(1.1)
    method, _, headers = play.says()
    assert (method, headers["Session"]) == ("GET_PARAMETER", "7")


@pytest.mark.parametrize("status", ["454 Session Not Found", "405 Method Not Allowed", "501 Not Implemented"])
def test_get_parameter_refused(status):
    play = Play().playing()
    play.waits(30)
    assert play.says()[0] == "GET_PARAMETER"
    play.answers(status)
    play.waits(30)
    assert play.says()[0] == "OPTIONS"
    play.answers("454 Session Not Found")
    assert play.client.state is State.PLAYING


@pytest.mark.parametrize(("session", "every"), [("7;timeout=15", 6), ("7;timeout=60", 24)])
def test_get_parameter_never_answered(session, every):
    play = Play().playing(session=session)
    play.waits(every)
    assert play.says()[0] == "GET_PARAMETER"
    play.waits(every)
    assert play.says()[0] == "OPTIONS", "in time, before the session dies"
    play.hears(frame(RTP))
    assert play.receiver.packets == [RTP]


def test_a_camera_without_get_parameter_is_never_asked():
    play = Play()
    play.to_describe(Public="OPTIONS, DESCRIBE, SETUP, PLAY")
    play.says()
    play.answers(body=SDP)
    play.says()
    play.answers(Session="1")
    play.says()
    play.answers()
    play.waits(30)
    assert play.says()[0] == "OPTIONS"


def test_a_nonce_that_grows_old_while_playing():
    play = Play("admin", "secret").playing()
    play.waits(30)
    play.says()
    play.answers("401 Unauthorized", WWW_Authenticate='Digest realm="r", nonce="n2"')
    method, _, headers = play.says()
    assert (method, 'nonce="n2"' in headers["Authorization"]) == ("GET_PARAMETER", True)


def test_a_receiver_report_goes_along():
    play = Play().playing()
    play.receiver.report = b"report--"
    play.waits(30)
    assert play.client.output().endswith(b"$\x01\x00\x08report--")


def test_stray_answers_while_playing_are_nothing():
    play = Play().playing()
    play.answers("455 Method Not Valid", cseq=999)
    play.hears(frame(RTP))
    assert play.receiver.packets == [RTP]


def test_the_camera_asks_and_leaves():
    play = Play().playing()
    play.hears(b"OPTIONS rtsp://us RTSP/1.0\r\nCSeq: 31\r\n\r\n")
    assert play.client.output() == b"RTSP/1.0 200 OK\r\nCSeq: 31\r\n\r\n"
    play.hears(b"RECORD rtsp://us RTSP/1.0\r\nCSeq: 32\r\n\r\n")
    assert play.client.output().startswith(b"RTSP/1.0 501")
    with pytest.raises(ConnectionClosedError):
        play.hears(b"TEARDOWN rtsp://us RTSP/1.0\r\nCSeq: 33\r\n\r\n")


@pytest.mark.parametrize(
    "garbage", [b"\0\r\n", b"hello", b"$\x07", b"RTSQ/1.0 200", b"\xff" * 3000, b"ABCDEFGHIJKLMNOPQRS"]
)
def test_video_is_found_again_after_garbage(garbage):
    play = Play().playing()
    play.hears(frame(RTP) + garbage)
    play.hears(b"".join(frame(RTP) for _ in range(9000)))
    assert len(play.receiver.packets) >= 5000


def test_garbage_before_play_is_not_rtsp():
    play = Play()
    with pytest.raises(MalformedError):
        play.hears(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS")


def test_a_web_server_is_not_a_camera():
    play = Play()
    with pytest.raises(MalformedError):
        play.hears(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>")


def test_endless_garbage_ends():
    play = Play().playing()
    for _ in range(MAX_GARBAGE // 1000):
        play.hears(b"\xaa" * 1000)
    with pytest.raises(MalformedError):
        play.hears(b"\xaa" * 2000)


def test_endless_headers_end():
    play = Play()
    with pytest.raises(MalformedError):
        play.hears(b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 10_000)


SCRIPT = (
    frame(RTP)
    + frame(b"sr", 1)
    + b"RTSP/1.0 200 OK\r\nCSeq: 5\r\nContent-Length: 4\r\n\r\n$abc"
    + frame(RTP + b"$\0\0\0")
    + b"\r\n"
    + frame(b"", 0)
    + frame(RTP)
)


@given(st.lists(st.integers(1, len(SCRIPT) - 1)))
def test_how_bytes_are_cut_does_not_matter(cuts):
    play = Play().playing()
    edges = [0, *sorted(set(cuts)), len(SCRIPT)]
    for start, end in itertools.pairwise(edges):
        play.hears(SCRIPT[start:end])
    assert play.receiver.packets == [RTP, RTP + b"$\0\0\0", b"", RTP]
    assert play.receiver.reports == [b"sr"]
    assert play.rest == b""


PIECES = st.binary(max_size=40) | st.sampled_from(
    [
        SCRIPT,
        frame(RTP),
        b"RTSP/1.0 401 x\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n",
        b"Content-Length: 9\r\n\r\n",
        b"$\0\xff\xff",
    ]
)


@given(st.sampled_from(["start", "to_describe", "to_setup", "to_play", "playing"]), st.lists(PIECES, max_size=12))
def test_any_bytes_end_in_an_answer_or_an_error_of_ours(step, pieces):
    play = Play("admin", "secret")
    try:
        if step != "start":
            getattr(play, step)()
        for piece in pieces:
            play.hears(piece)
            play.waits(1)
            for line in re.findall(rb"(?m)^[A-Z_]+ .*$", play.client.output()):
                assert line.rstrip().endswith(b"RTSP/1.0")
    except CaptureError:
        return
    assert len(play.rest) < 300_000
