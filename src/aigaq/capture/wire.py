"""RTSP/1.0 messages on the wire (RFC 2326 §4–7): addresses, requests and responses. Bounded, no state, no I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from aigaq.capture.errors import BadAddressError, MalformedError

MAX_HEAD: Final = 16 * 1024
MAX_BODY: Final = 128 * 1024
MAX_HEADERS: Final = 128
_STATUS: Final = re.compile(r"RTSP/1\.\d\s+(\d{3})\s*(.*)")
_REQUEST: Final = re.compile(r"([A-Z_]{3,16}) (\S+) RTSP/1\.\d")
_HEAD_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


@dataclass(frozen=True, slots=True)
class Address:
    """An `rtsp://` address without its user name and password."""

    host: str
    port: int
    url: str
    username: str = ""
    password: str = ""


def parse_address(url: str) -> Address:
    """Split an `rtsp://` address.

    Raises:
        BadAddressError: it is not one.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 554
    except ValueError as error:
        raise BadAddressError(_without_secrets(url), problem=str(error)) from error
    if parts.scheme.lower() != "rtsp" or not host:
        raise BadAddressError(_without_secrets(url), problem="not an rtsp:// address with a host")
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise BadAddressError(_without_secrets(url), problem="it holds a space or a control character")
    place = parts.netloc.rpartition("@")[2]
    clean = parts._replace(scheme="rtsp", netloc=place, fragment="").geturl()
    return Address(host, port, clean, unquote(parts.username or ""), unquote(parts.password or ""))


def _without_secrets(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


@dataclass(frozen=True, slots=True)
class Message:
    """A response, or a request that the camera sends to us (`status` is 0 then)."""

    status: int
    reason: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def all(self, name: str) -> Iterator[str]:
        """Every value of a header; `name` in lower case."""
        return (value for key, value in self.headers if key == name)

    def get(self, name: str) -> str:
        """First value of a header, or an empty text."""
        return next(self.all(name), "")

    @property
    def cseq(self) -> int | None:
        """The sequence number, if it can be read."""
        text = self.get("cseq").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def read_message(view: memoryview, start: int, end: int) -> tuple[Message, int] | None:
    """One whole message and where it ends, or None if more bytes are needed.

    Raises:
        MalformedError: it can never become a message, or is larger than the limits.
    """
    head = bytes(view[start : min(end, start + MAX_HEAD)])
    found = _HEAD_END.search(head)
    if not found:
        if len(head) >= MAX_HEAD:
            raise MalformedError(problem=f"headers longer than {MAX_HEAD} bytes")
        return None
    message = _parse_head(head[: found.start()])
    size = _body_size(message)
    body = start + found.end()
    if end - body < size:
        return None
    whole = Message(message.status, message.reason, message.method, message.headers, bytes(view[body : body + size]))
    return whole, body + size


def _parse_head(head: bytes) -> Message:
    lines = head.decode("utf-8", "replace").splitlines()
    first = lines[0].strip() if lines else ""
    if len(lines) > MAX_HEADERS:
        raise MalformedError(problem=f"more than {MAX_HEADERS} headers")
    headers = tuple(
        (key.strip().lower(), value.strip()) for key, colon, value in (li.partition(":") for li in lines[1:]) if colon
    )
    if status := _STATUS.match(first):
        return Message(int(status[1]), status[2][:100], "", headers)
    if request := _REQUEST.match(first):
        return Message(0, "", request[1], headers)
    raise MalformedError(problem=f"first line {first[:60]!r}")


def _body_size(message: Message) -> int:
    text = message.get("content-length") or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > MAX_BODY:
        raise MalformedError(problem=f"Content-Length {text[:20]!r}")
    return int(text)


def request(method: str, url: str, cseq: int, headers: dict[str, str]) -> bytes:
    """Bytes of a request without body."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {cseq}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def response(status: str, cseq: str) -> bytes:
    """Bytes of an answer to the camera."""
    return f"RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n\r\n".encode()


def control_url(base: str, control: str) -> str:
    """Where a control attribute points (RFC 2326 §C.1.1).

    Cameras mean concatenation, not RFC 3986 resolution: a base without a final slash still keeps its last part.
    """
    if not control or control == "*":
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"
