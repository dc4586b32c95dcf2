"""Speaks to the centre: signs what the box sends, and sorts what comes back into what a caller can do about it."""

import asyncio
import base64
import enum
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, cast

import httpx2

from aigaq.ledger import SigningKey
from aigaq.station.errors import CenterUnreachableError
from aigaq_verify.note import MAX_NOTE

MAX_ANSWER: Final = 64 << 10
TIMEOUT: Final = httpx2.Timeout(30, connect=10)


class Refused(enum.Enum):
    """What a refusal means for the box."""

    AGAIN = "the centre or the way to it has trouble now"
    NOT_US = "the centre does not accept this box"
    NO_CAMERA = "the centre does not know the camera"
    DAMAGED = "the bytes do not have their hash: damaged here or on the way"
    NO_INIT = "the initialisation segment has to come first"
    OLD_KEY = "the centre does not take this key for our log, or not any more"
    OTHER_SIZE = "the centre holds another size of our log"
    FINAL = "this request will never be accepted"


class RefusalError(Exception):
    """The centre said no; `size` is what it holds of our log, where it says so."""

    def __init__(self, kind: Refused, status: int, code: str, why: str, size: int | None = None) -> None:
        super().__init__(f"{status} {code}: {why}")
        self.kind = kind
        self.status = status
        self.code = code
        self.size = size


_BY_CODE: Final = {
    "archive.hash_mismatch": Refused.DAMAGED,
    "archive.truncated": Refused.AGAIN,
    "archive.unknown_station": Refused.NOT_US,
    "archive.unknown_camera": Refused.NO_CAMERA,
    "ledger.wrong_key": Refused.OLD_KEY,
}
_BY_STATUS: Final = {
    401: Refused.NOT_US,
    403: Refused.NOT_US,
    408: Refused.AGAIN,
    425: Refused.AGAIN,
    428: Refused.NO_INIT,
    429: Refused.AGAIN,
}


def refusal_of(status: int, body: bytes) -> RefusalError:
    """Sort a refusal by status and code; pure."""
    said = _json(body)
    code, why, size = str(said.get("code", "")), str(said.get("why", "")), said.get("size")
    held = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
    return RefusalError(_kind(status, code, held), status, code, why[:500], held)


def _kind(status: int, code: str, held: int | None) -> Refused:
    if status == 409 and held is not None:
        return Refused.OTHER_SIZE
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if code.startswith("enrol."):
        return Refused.NOT_US
    return Refused.FINAL if 400 <= status < 500 else Refused.AGAIN


class Center:
    """The centre as one box sees it. `watched` names the streams (`<camera>/<stream>`) that somebody watches now."""

    def __init__(self, url: str, station: str, key: SigningKey, http: httpx2.AsyncClient) -> None:
        self.watched: frozenset[str] = frozenset()
        self.key = key
        """Signs requests."""
        self.admitted = asyncio.Event()
        """The centre knows a key of ours: rows may be sent, though the newest key may still be on its way."""
        self.introduced = asyncio.Event()
        """The centre knows the present session key: what it signed may be sent."""
        self._url = url
        self._base = f"{url}/ingest/v1/"
        self._station = station
        self._http = http

    async def put_init(self, digest: bytes, data: bytes) -> None:
        """Send an initialisation segment."""
        await self._send("PUT", f"init/{digest.hex()}", data, self._signed("init", data))

    async def put_segment(self, record: bytes, data: bytes) -> bytes:
        """Send a segment; returns the receipt as it came."""
        headers = {"Aigaq-Record": _base64url(record), **self._signed("segment", record)}
        return await self._send("PUT", "segment", data, headers)

    async def post_gap(self, record: bytes) -> bytes:
        """Send a gap; returns the receipt as it came."""
        return await self._send("POST", "gap", record, self._signed("gap", record))

    async def post_checkpoint(self, note: bytes, leaves: bytes) -> int:
        """Send a checkpoint with the leaf hashes that the centre lacks; returns the size that it now holds."""
        return _size(await self._send("POST", "checkpoint", note + leaves, {"Aigaq-Station": self._station}))

    async def post_leaf(self, leaf: bytes) -> None:
        """Bring a leaf that carries its own authority: our enrolment, the delegation of a session key."""
        await self._send("POST", "leaf", leaf, {"Aigaq-Station": self._station})

    async def witnessed(self) -> bytes | None:
        """The newest national checkpoint that a quorum cosigned, as served; None before there is one."""
        try:
            return await self._ask("GET", f"{self._url}/log/witnessed", b"", {}, MAX_NOTE)
        except RefusalError as refusal:
            if refusal.status == 404:
                return None
            raise

    async def log_size(self) -> int:
        """The size of our log that the centre holds."""
        return _size(await self._send("GET", "checkpoint", b"", {"Aigaq-Station": self._station}))

    async def post_health(self, body: bytes) -> None:
        """Tell how the box is."""
        await self._send("POST", "health", body, self._signed("health", body))

    async def put_part(self, path: str, data: bytes) -> None:
        """Send a live part; `path` is `part/<camera>/<stream>/<run start>/<number>`."""
        await self._send("PUT", path, data, self._signed("part", path.encode() + sha256(data).digest()))

    def _signed(self, verb: str, payload: bytes) -> dict[str, str]:
        signature = _base64url(self.key.sign(verb, payload))
        return {"Aigaq-Station": self._station, "Aigaq-Signature": signature}

    async def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        return await self._ask(method, self._base + path, body, headers, MAX_ANSWER)

    async def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str], bound: int) -> bytes:
        """One request.

        Raises:
            CenterUnreachableError: no answer, or one of more than `bound` bytes.
            RefusalError: an answer that says no.
        """
        try:
            async with self._http.stream(method, url, content=body, headers=headers) as answer:
                got = await _bounded(answer, bound)
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.TooManyRedirects) as error:
            problem = str(error) or type(error).__name__
            raise CenterUnreachableError(
                url.removeprefix(self._base).removeprefix(f"{self._url}/").partition("/")[0], problem=problem
            ) from error
        if "aigaq-watched" in answer.headers:
            self.watched = frozenset(answer.headers["aigaq-watched"].replace(",", " ").split())
        if not 200 <= answer.status_code < 300:
            raise refusal_of(answer.status_code, got)
        return got


async def _bounded(answer: httpx2.Response, bound: int) -> bytes:
    got = bytearray()
    async for piece in answer.aiter_bytes():
        got += piece
        if len(got) > bound:
            raise httpx2.DecodingError(f"an answer of more than {bound} bytes")
    return bytes(got)


def _size(body: bytes) -> int:
    size = _json(body).get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise CenterUnreachableError("checkpoint", problem="the answer names no size")
    return size


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
