"""The box's side of HTTP (`/ingest/v1`, table in the design page): parses requests, hands them to `Ingest`."""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Callable
from typing import Final

from aigaq.archive.asgi import (
    ClientGoneError,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    drain,
    header,
    read_body,
    refuse,
    require_method,
    whole_number,
)
from aigaq.archive.errors import BadRequestError, BusyError, NotFoundError
from aigaq.archive.ingest import Ingest, Signed
from aigaq.archive.live import Live
from aigaq.archive.model import StreamKey
from aigaq.archive.parts import MAX_PART, PartName
from aigaq.base import AigaqError
from aigaq.ledger import WrongSizeError
from aigaq_verify import MAX_RECORD

PREFIX: Final = "/ingest/v1/"
CBOR: Final = b"application/cbor"
JSON: Final = b"application/json"
AT_ONCE: Final = 64
"""Segments held in memory at one time."""
WAITING: Final = 512
log = logging.getLogger(__name__)


class IngestHttp:
    """ASGI app of the boxes."""

    def __init__(self, ingest: Ingest, live: Live, last_init: Callable[[StreamKey], str | None]) -> None:
        self._ingest = ingest
        self._live = live
        self._last_init = last_init
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"].removeprefix(PREFIX)
        station = header(scope, b"aigaq-station") or ""
        request = _Request(scope, receive, path, station)
        try:
            status, kind, body = await self._dispatch(request)
        except ClientGoneError:
            return
        except AigaqError as error:
            await drain(request.receive)
            size = {"size": error.held} if isinstance(error, WrongSizeError) else {}
            log.info("refused %s of %s: %s", path, station, error.code)
            await refuse(scope, send, error, self._watched(station), **size)
            return
        await answer(send, status, body, kind, self._watched(station))

    async def _dispatch(self, request: "_Request") -> tuple[int, bytes, bytes]:
        match request.path.split("/"):
            case ["segment"]:
                require_method(request.scope, "PUT")
                return 200, CBOR, await self._segment(request)
            case ["part", camera, stream, run, number]:
                require_method(request.scope, "PUT")
                await self._part(request, StreamKey(request.station, camera, stream), run, number)
                return 204, CBOR, b""
            case ["gap"]:
                require_method(request.scope, "POST")
                signed, record = request.signed(), await request.body(MAX_RECORD)
                return 200, CBOR, await self._ingest.gap(signed, record)
            case ["init", name]:
                require_method(request.scope, "PUT")
                await self._ingest.init(request.signed(), _sha256(name), request.body)
                return 204, CBOR, b""
            case ["checkpoint" | "leaf" as what]:
                return 200, JSON, await self._for_the_log(request, what)
            case ["health"]:
                require_method(request.scope, "POST")
                await self._ingest.health(request.signed(), request.body)
                return 200, JSON, b"{}"
            case _:
                raise NotFoundError(request.scope["path"])

    async def _segment(self, request: "_Request") -> bytes:
        """Let a bounded number in, for their bodies stand in memory; let some wait, have the rest come again."""
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._room:
                return await self._ingest.segment(request.signed(), request.record(), request.body)
        finally:
            self._waiting -= 1

    async def _for_the_log(self, request: "_Request", what: str) -> bytes:
        """Hand on what carries its own signatures, or tell the size that is held."""
        require_method(request.scope, "POST", *(["GET"] if what == "checkpoint" else []))
        if what == "leaf":
            return b'{"index": %d}' % await self._ingest.leaf(request.body)
        if request.scope["method"] == "GET":
            return b'{"size": %d}' % await self._ingest.size(request.station)
        return b'{"size": %d}' % await self._ingest.checkpoint(request.body)

    async def _part(self, request: "_Request", key: StreamKey, run: str, number: str) -> None:
        """Take a live part; what nobody watches is dropped with the same answer."""
        name = PartName(whole_number(run, "run") or 0, whole_number(number, "number") or 0)
        data = await request.body(MAX_PART)
        payload = request.path.encode() + hashlib.sha256(data).digest()
        self._ingest.check_part(request.signed(), key, payload)
        init = self._last_init(key)
        if init and self._live.is_watched(key):
            self._live.push(key, name, data, init)

    def _watched(self, station: str) -> Headers:
        streams = ",".join(f"{k.camera}/{k.stream}" for k in self._live.watched(station))
        return [(b"aigaq-watched", streams.encode())]


class _Request:
    """One request of a box, read piece by piece."""

    def __init__(self, scope: Scope, receive: Receive, path: str, station: str) -> None:
        self.scope = scope
        self.path = path
        self.station = station
        self._receive = receive
        self._ended = False

    def signed(self) -> Signed:
        """Who says to have signed it, and the signature."""
        signature = header(self.scope, b"aigaq-signature")
        if not self.station or not signature:
            raise BadRequestError(problem="Aigaq-Station or Aigaq-Signature is missing")
        return Signed(self.station, unbase64url(signature, "Aigaq-Signature"))

    def record(self) -> bytes:
        """The record beside the body."""
        text = header(self.scope, b"aigaq-record")
        if not text:
            raise BadRequestError(problem="Aigaq-Record is missing")
        return unbase64url(text, "Aigaq-Record")

    async def body(self, limit: int) -> bytes:
        """The whole body."""
        return await read_body(self.scope, self.receive, limit)

    async def receive(self) -> Message:
        """The next piece of the body; after the last an empty one, so that reading on never waits."""
        if self._ended:
            return {"type": "http.request", "body": b""}
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message


def unbase64url(text: str, name: str) -> bytes:
    """RFC 4648 §5, padded or not.

    Raises:
        BadRequestError: anything else.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError(name, problem=f"{name} is not base64url") from error


def _sha256(name: str) -> bytes:
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        digest = b""
    if len(digest) != 32 or digest.hex() != name:
        raise BadRequestError(name, problem="the name is not a SHA-256 in lower-case hexadecimal")
    return digest
