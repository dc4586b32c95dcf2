"""Fetching from servers that are not what they should be: real sockets, one hostile answer each."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterable, Iterator

import pytest
from tests.ledger.monitor_lab import URL, tile
from tests.ledger.witness_lab import Branch

from aigaq.ledger.monitor import BadAnswerError, HttpFetch, UnreachableError
from aigaq.ledger.monitor.remote import RemoteTree
from aigaq.ledger.tiles import WIDTH


@contextlib.contextmanager
def answering(answer: bytes | Iterable[bytes], pause: float = 0) -> Iterator[str]:
    """A server that sends these bytes to whoever connects, piece by piece."""
    stop, pieces = threading.Event(), [answer] if isinstance(answer, bytes) else answer

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    for piece in pieces:
                        connection.sendall(piece)
                        if stop.wait(pause):
                            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/checkpoint"
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def fetch() -> Iterator[HttpFetch]:
    with contextlib.closing(HttpFetch(timeout_s=1)) as fetch:
        yield fetch


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_what_is_served(fetch):
    with answering(http("200 OK", b"note\n")) as url:
        assert fetch(url, 5) == b"note\n"
    with answering(http("404 Not Found", b"no")) as url:
        assert fetch(url, 5) is None


@pytest.mark.parametrize("status", ["500 Oops", "302 Found", "204 No Content", "301 Moved"])
def test_another_status(fetch, status):
    with answering(http(status, b"", "location: http://127.0.0.1:1/")) as url, pytest.raises(BadAnswerError):
        fetch(url, 5)


def test_too_long(fetch):
    with answering(http("200 OK", b"x" * 100_000)) as url, pytest.raises(BadAnswerError):
        fetch(url, 99_999)


def test_nothing_is_unpacked(fetch):
    packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    with answering(http("200 OK", packed, "content-encoding: gzip")) as url:
        assert fetch(url, 99) == packed


@pytest.mark.parametrize("sent", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"])
def test_what_is_no_answer(fetch, sent):
    with answering(sent) as url, pytest.raises(UnreachableError):
        fetch(url, 99)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1", "nonsense", "ftp://127.0.0.1/", "http://a b/"])
def test_addresses_that_lead_nowhere(fetch, url):
    with pytest.raises(UnreachableError):
        fetch(url, 99)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"])
def test_a_server_that_drips_holds_up_nobody(fetch, start):
    """It never ends, and each byte comes before any timeout of a single read: without a limit this test would hang."""
    drops = itertools.chain([start], itertools.repeat(b"x"))
    with answering(drops, pause=0.1) as url, pytest.raises(UnreachableError):
        fetch(url, 9999)


def test_a_full_tile_in_the_place_of_the_partial_one():
    """A log may drop partial tiles once the full one is there (c2sp.org/tlog-tiles)."""
    log, asked = Branch().grow(300), list[str]()

    def fetch(url: str, _limit: int) -> bytes | None:
        asked.append(url)
        _, level, *rest = url.removeprefix(f"{URL}/").split("/")
        width = int(rest[1]) if len(rest) > 1 else WIDTH
        return tile(log, level, int(rest[0].removesuffix(".p")), width)

    remote = RemoteTree(fetch, URL, 100)
    assert list(remote.entries(90, 100)) == log.entries[90:100]
    assert remote.node(2, 3) == log.node(2, 3)
    assert [url.removeprefix(URL) for url in asked] == [
        "/tile/entries/000.p/100", "/tile/entries/000", "/tile/0/000.p/100", "/tile/0/000",
    ]  # fmt: skip
