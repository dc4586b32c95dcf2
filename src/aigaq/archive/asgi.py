"""The little of ASGI that the media and ingest routes need: whole bodies with a limit, answers, ranges, refusals.

These routes do without a framework: a playlist must cost the origin less than 100 µs.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, MutableMapping, Sequence
from types import coroutine
from typing import Any, Final

from aigaq.archive.errors import BadRequestError, NotFoundError, OversizeError, TruncatedError
from aigaq.base import AigaqError, Language
from aigaq.web import negotiate

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

FOREVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
NO_STORE: Final = (b"cache-control", b"no-store")
COMMON: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
"""Footage is public evidence: any page and any tool may read it."""
DRAIN: Final = 64 << 20
IDLE_S: Final = 30
_RANGE: Final = re.compile(rb"bytes=(\d*)-(\d*)")


class ClientGoneError(ConnectionError):
    """The other side hung up before the body was whole."""


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def language(scope: Scope, default: Language = "en") -> Language:
    """The reader's language; a program that names none gets English."""
    wish = header(scope, b"accept-language")
    return negotiate(wish) if wish else default


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises:
        OversizeError: longer than the limit.
        TruncatedError: shorter than announced.
        ClientGoneError: the connection ended, or nothing came for half a minute.
    """
    announced = header(scope, b"content-length") or ""
    expected = int(announced) if announced.isascii() and announced.isdigit() else None
    if expected is not None and expected > limit:
        raise OversizeError(limit=limit)
    data = bytearray()
    async for piece in _pieces(receive):
        data += piece
        if len(data) > limit:
            raise OversizeError(limit=limit)
    if expected is not None and len(data) != expected:
        raise TruncatedError(got=len(data), expected=expected)
    return bytes(data)


async def drain(receive: Receive) -> None:
    """Read and drop what a refused sender still sends, up to a limit: else it sees a reset and not the reason."""
    size = 0
    with contextlib.suppress(ClientGoneError):
        async for piece in _pieces(receive):
            size += len(piece)
            if size > DRAIN:
                return


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await _soon(receive)
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        more = message.get("more_body", False)
        yield message.get("body", b"")


@coroutine
def _soon(receive: Receive) -> Generator[Any, Any, Message]:
    """The next message, within half a minute; the timer, dearer than the reading, only where it is not there yet."""
    receiving = receive().__await__()
    try:
        waits_for = receiving.send(None)
    except StopIteration as there:
        return there.value
    return (yield from _in_time(_rest(receiving, waits_for)).__await__())


async def _in_time(receiving: Awaitable[Message]) -> Message:
    try:
        async with asyncio.timeout(IDLE_S):
            return await receiving
    except TimeoutError as error:
        raise ClientGoneError from error


@coroutine
def _rest(begun: Generator[Any, Any, Message], waits_for: object) -> Generator[Any, Any, Message]:
    """What is left of an awaitable that has begun, and waits for something."""
    try:
        yield waits_for
    except BaseException as error:
        begun.throw(error)
        raise
    return (yield from begun)


async def answer(
    send: Send, status: int, body: bytes, kind: bytes, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """A whole answer; 204 has neither body nor length (RFC 9110 §8.6)."""
    if status == 204:
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        await send({"type": "http.response.body", "body": b""})
        return
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), length, *COMMON, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """A JSON answer that no cache keeps."""
    body = json.dumps(value, ensure_ascii=False).encode()
    await answer(send, status, body, b"application/json", [NO_STORE, *headers])


async def refuse(
    scope: Scope, send: Send, error: AigaqError, headers: Iterable[tuple[bytes, bytes]] = (), **more: object
) -> None:
    """Say no, with code, place, reason and remedy in the reader's language."""
    told = error.explain(language(scope))
    body = {"code": told.code, "where": told.where, "why": told.why, "hint": told.hint} | more
    retry = [(b"retry-after", b"5")] if error.http_status in {503, 507} else []
    await answer_json(send, error.http_status, body, [*headers, *retry, (b"vary", b"accept-language")])


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None if it is not one, and then the whole is sent (RFC 9110 §14.2).

    Raises:
        BadRangeError: beyond the end.
    """
    found = _RANGE.fullmatch(value.strip().encode("latin-1"))
    if not found or found[0] == b"bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and first and int(last) < int(first):
        return None
    if start >= size or start > end:
        raise BadRangeError(size)
    return start, end


class BadRangeError(ValueError):
    """A range beyond the end; carries the size."""


def whole_number(text: str | None, name: str) -> int | None:
    """A query or path number.

    Raises:
        BadRequestError: it is not one.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BadRequestError(name, problem=f"{name} is not a whole number")
    return int(text)


def require_method(scope: Scope, *methods: str) -> None:
    """Refuse other verbs.

    Raises:
        NotFoundError: nothing there for this verb.
    """
    if scope["method"] not in methods:
        raise NotFoundError(f"{scope['method']} {scope['path']}")
