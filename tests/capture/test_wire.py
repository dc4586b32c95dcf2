"""Messages and addresses on the wire, and their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.capture.errors import BadAddressError, MalformedError
from aigaq.capture.wire import MAX_BODY, MAX_HEAD, control_url, parse_address, read_message, request


def read(data: bytes, end: int | None = None):
    return read_message(memoryview(data), 0, len(data) if end is None else end)


def test_a_response_with_a_body():
    data = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\nX: a: b\r\n\r\nv=0\r\nNEXT"
    message, end = read(data)
    assert (message.status, message.reason, message.cseq, message.body) == (200, "OK", 3, b"v=0\r\n")
    assert message.get("x") == "a: b"
    assert data[end:] == b"NEXT"


def test_every_prefix_waits_for_more():
    data = b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc"
    assert all(read(data, n) is None for n in range(len(data)))
    assert read(data) is not None


def test_line_ends_of_sloppy_cameras():
    assert read(b"RTSP/1.0 200 OK\nCSeq: 7\n\n")[0].cseq == 7


def test_a_request_from_the_camera():
    message, _ = read(b"GET_PARAMETER rtsp://x RTSP/1.0\r\nCSeq: 9\r\n\r\n")
    assert (message.status, message.method) == (0, "GET_PARAMETER")


@pytest.mark.parametrize("cseq", [b"", b"x", b"9" * 30, b"-1"])
def test_a_sequence_number_that_cannot_be_is_none(cseq):
    assert read(b"RTSP/1.0 200 OK\r\nCSeq: " + cseq + b"\r\n\r\n")[0].cseq is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"A" * MAX_HEAD,
        b"\0\0\0\0\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_what_can_never_be_a_message(data):
    with pytest.raises(MalformedError):
        read(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_not(data):
    try:
        found = read(b"RTSP/1.0 200 OK\r\n" + data)
    except MalformedError:
        return
    if found:
        assert found[1] <= len(data) + 17


def test_address():
    address = parse_address("rtsp://admin:p%40ss@cam.local/live?ch=1#x")
    assert (address.host, address.port, address.url) == ("cam.local", 554, "rtsp://cam.local/live?ch=1")
    assert (address.username, address.password) == ("admin", "p@ss")
    assert parse_address("rtsp://[fe80::1]:8554/a").url == "rtsp://[fe80::1]:8554/a"


@pytest.mark.parametrize("url", ["http://x/", "rtsp://", "rtsp://x:99999/", "rtsp://x/a b", "rtsp://x/\r\nEvil: 1", ""])
def test_bad_addresses(url):
    with pytest.raises(BadAddressError):
        parse_address(url)


@pytest.mark.parametrize("url", ["http://admin:secret@x/", "rtsp://admin:secret@x:99999/", "rtsp://a:secret@x/ y"])
def test_a_bad_address_does_not_tell_the_password(url):
    with pytest.raises(BadAddressError) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_request():
    assert (
        request("PLAY", "rtsp://x/", 4, {"Session": "1"}) == b"PLAY rtsp://x/ RTSP/1.0\r\nCSeq: 4\r\nSession: 1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("base", "control", "wanted"),
    [
        ("rtsp://x/live/", "trackID=1", "rtsp://x/live/trackID=1"),
        ("rtsp://x/live", "trackID=1", "rtsp://x/live/trackID=1"),
        ("rtsp://x/live?a=b", "trackID=1", "rtsp://x/live?a=b/trackID=1"),
        ("rtsp://x/live", "rtsp://10.0.0.9/other", "rtsp://10.0.0.9/other"),
        ("rtsp://x/live/", "*", "rtsp://x/live/"),
        ("rtsp://x/live/", "", "rtsp://x/live/"),
    ],
)
def test_control(base, control, wanted):
    assert control_url(base, control) == wanted
