"""RTSP requests as a server reads them (RFC 2326), and its answers. Bytes in, requests out; no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MAX_HEAD: Final = 16_384
MAX_BODY: Final = 65_536
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    451: "Parameter Not Understood",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}


class HostileRequestError(ValueError):
    """Bytes that no client sends; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The address without scheme, host and query."""
        rest = self.url.partition("://")[2]
        return rest.partition("/")[2].partition("?")[0].strip("/")


class RequestReader:
    """Finds requests in what a client sends, and skips its interleaved receiver reports."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Add bytes and take out the requests that are whole.

        Raises:
            HostileRequestError: the head or the body is too large, or is no RTSP.
        """
        self._buffer += data
        found: list[Request] = []
        while self._buffer:
            if self._buffer[0] == 0x24:
                if not self._skip_interleaved():
                    break
            elif self._buffer[0] in b"\r\n":
                del self._buffer[:1]
            elif (request := self._request()) is not None:
                found.append(request)
            else:
                break
        return found

    def _skip_interleaved(self) -> bool:
        size = 4 + int.from_bytes(self._buffer[2:4], "big") if len(self._buffer) >= 4 else 4
        if len(self._buffer) < size:
            return False
        del self._buffer[:size]
        return True

    def _request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise HostileRequestError("endless head")
            return None
        request = _parse(self._buffer[:end].decode("latin-1"))
        size = _body_size(request.headers)
        if len(self._buffer) < end + 4 + size:
            return None
        del self._buffer[: end + 4 + size]
        return request


def _parse(head: str) -> Request:
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise HostileRequestError(f"not a request: {first[:80]!r}")
    pairs = (line.partition(":") for line in lines)
    return Request(words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in pairs})


def _body_size(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not text.isdecimal() or int(text) > MAX_BODY:
        raise HostileRequestError(f"content length {text[:20]!r}")
    return int(text)


def answer(status: int, cseq: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """The bytes of a response."""
    lines = [f"RTSP/1.0 {status} {_REASONS.get(status, 'Refused')}", f"CSeq: {cseq}", "Server: Aigaq camera farm"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
