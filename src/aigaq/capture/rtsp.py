"""RTSP/1.0 client (RFC 2326) without I/O: bytes and time in, bytes and packets out.

Owns the handshake, authentication, keep-alive and the interleaved framing (§10.12), with the quirks of real cameras.
Refuses UDP: over TCP nothing is lost silently on a good link, and one receive carries many packets.
"""

import enum
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aigaq.capture import wire
from aigaq.capture.auth import Authenticator, strongest
from aigaq.capture.errors import (
    CameraRefusedError,
    ConnectionClosedError,
    MalformedError,
    NoAnswerError,
    NoInterleavingError,
    StreamNotFoundError,
    UnauthorizedError,
)
from aigaq.capture.sdp import Description, Media, parse_sdp
from aigaq.capture.wire import Address, Message, control_url

ANSWER_SECONDS: Final = 10.0
MAX_GARBAGE: Final = 256 * 1024
"""Bytes that are neither RTSP nor RTP, in one connection, before we give up on it."""
_DEFAULT_SESSION_SECONDS: Final = 60
_AGENT: Final = "aigaq"
_FRAME: Final = struct.Struct(">HH")
_DOLLAR: Final = 0x24
_BLANK: Final = b"\r\n\t \0"
_MESSAGE_START: Final = re.compile(rb"(RTSP/1\.|[A-Z_]{3,16} \S)")
_LONGEST_START: Final = 18


class State(enum.Enum):
    """How far the session has come; the value is the request under way."""

    IDLE = ""
    OPTIONS = "OPTIONS"
    DESCRIBE = "DESCRIBE"
    SETUP = "SETUP"
    PLAY = "PLAY"
    PLAYING = "playing"
    REDIRECTED = "redirected"


class Receiver(Protocol):
    """Takes what the session carries."""

    @property
    def playing(self) -> bool:
        """RTP has come."""
        ...

    def choose(self, description: Description) -> Media:
        """The video to record; raises `NoVideoError` or `UnsupportedCodecError`."""
        ...

    def rtp(self, view: memoryview, position: int, end: int, lead: int) -> int:
        """As many interleaved RTP packets as follow; `RtpStream.take`. The view is valid only during the call."""
        ...

    def rtcp(self, view: memoryview, start: int, end: int) -> None:
        """One RTCP packet of the chosen video."""
        ...

    def receiver_report(self) -> bytes:
        """RTCP that tells the camera that we listen; empty if there is nothing to tell."""
        ...


@dataclass(slots=True)
class _Pending:
    method: str
    url: str
    headers: dict[str, str]
    cseq: int
    deadline: float
    challenges: int = 0


class RtspClient:
    """One session with one camera. `feed` and `on_time` raise `CaptureError` when the session cannot go on."""

    def __init__(
        self, address: Address, receiver: Receiver, *, username: str, password: str, cnonce: Callable[[], str]
    ) -> None:
        self.state = State.IDLE
        self.location = ""
        """Where the camera sent us, in state REDIRECTED."""
        self._address = address
        self._receiver = receiver
        self._username = username
        self._password = password
        self._cnonce = cnonce
        self._auth: Authenticator | None = None
        self._out = bytearray()
        self._cseq = 0
        self._pending: _Pending | None = None
        self._abandoned: set[int] = set()
        self._base = address.url
        self._media: Media | None = None
        self._play_url = address.url
        self._session = ""
        self._lead = -1
        """What a packet of the chosen video begins with: `$` and its channel (§10.12); RTCP has the next channel."""
        self._keepalive_method = "GET_PARAMETER"
        self._keepalive_every = 25.0
        self._keepalive_at = float("inf")
        self._garbage = 0

    def start(self, now: float) -> None:
        """Begin the handshake; `now` in seconds of a clock that never steps."""
        self._ask(State.OPTIONS, self._address.url, {}, now)

    def output(self) -> bytes:
        """Bytes to send; empty if none."""
        if not self._out:
            return b""
        out = bytes(self._out)
        self._out.clear()
        return out

    def teardown(self) -> bytes:
        """Bytes that end the session politely; empty if there is none."""
        if not self._session:
            return b""
        self._send("TEARDOWN", self._play_url, {})
        return self.output()

    def feed(self, view: memoryview, start: int, end: int, now: float) -> int:
        """Take received bytes; returns up to where they are used up, the rest must be given again with more."""
        position = start
        receiver, lead = self._receiver, self._lead
        while end - position >= 4:
            found, size = _FRAME.unpack_from(view, position)
            if found == lead:
                used = receiver.rtp(view, position, end, lead)
            elif found >> 8 == _DOLLAR:
                used = position + 4 + size
                if used > end:
                    break
                if found == lead + 1:
                    receiver.rtcp(view, position + 4, used)
            else:
                used = self._text(view, position, end, now)
                lead = self._lead
            if used == position or self.state is State.REDIRECTED:
                return used
            position = used
        return position

    def on_time(self, now: float) -> None:
        """Let time pass: keep-alive, and answers that did not come."""
        pending = self._pending
        due = self.state is State.PLAYING and now >= self._keepalive_at
        # a session of 15 s would die before the deadline of a request that the camera never answers
        if pending and (due or now >= pending.deadline):
            self._unanswered(pending, now)
        if due:
            self._keep_alive(now)

    # -- text between the packets

    def _text(self, view: memoryview, position: int, end: int, now: float) -> int:
        if view[position] in _BLANK:
            self._count_garbage(1)
            return position + 1
        begin = bytes(view[position : min(end, position + _LONGEST_START)])
        if not _MESSAGE_START.match(begin):
            whole_start = len(begin) == _LONGEST_START or not re.fullmatch(rb"[A-Z_/1. ]+", begin)
            return self._resynchronise(view, position, end) if whole_start else position
        try:
            found = wire.read_message(view, position, end)
        except MalformedError:
            if self.state is not State.PLAYING:
                raise
            return self._resynchronise(view, position, end)
        if found is None:
            return position
        self._message(found[0], now)
        return found[1]

    def _resynchronise(self, view: memoryview, position: int, end: int) -> int:
        """Skip garbage to the next thing that looks like a packet or a message."""
        if self.state not in {State.PLAY, State.PLAYING}:
            raise MalformedError(problem=f"{bytes(view[position : min(end, position + 16)])!r}")
        data = bytes(view[position + 1 : end])
        channel = self._lead & 0xFF
        channels = bytes((channel, channel + 1))
        plausible = rb"\$[" + b"".join(b"\\x%02x" % c for c in channels) + rb"]..[\x80-\xbf]|RTSP/1\."
        found = re.compile(plausible, re.DOTALL).search(data)
        # four bytes may be the beginning of a packet header that is still to come
        skipped = 1 + (found.start() if found else max(0, len(data) - 4))
        self._count_garbage(skipped)
        return position + skipped

    def _count_garbage(self, n: int) -> None:
        self._garbage += n
        if self._garbage > MAX_GARBAGE:
            raise MalformedError(problem=f"more than {MAX_GARBAGE} bytes of garbage")

    def _message(self, message: Message, now: float) -> None:
        if message.status:
            self._response(message, now)
        elif message.method == "TEARDOWN":
            raise ConnectionClosedError
        elif message.method == "REDIRECT" and message.get("location"):
            self._redirect(message)
        else:
            known = message.method in {"OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"}
            status = "200 OK" if known else "501 Not Implemented"
            self._out += wire.response(status, message.get("cseq")[:20])

    def _redirect(self, message: Message) -> None:
        self.location = message.get("location")
        self.state = State.REDIRECTED

    # -- requests and answers

    def _ask(self, state: State, url: str, headers: dict[str, str], now: float) -> None:
        self.state = state
        self._request(state.value, url, headers, now)

    def _request(self, method: str, url: str, headers: dict[str, str], now: float) -> None:
        cseq = self._send(method, url, headers)
        self._pending = _Pending(method, url, headers, cseq, now + ANSWER_SECONDS)

    def _send(self, method: str, url: str, headers: dict[str, str]) -> int:
        self._cseq += 1
        extra = {"User-Agent": _AGENT}
        if self._session:
            extra["Session"] = self._session
        if self._auth:
            extra["Authorization"] = self._auth.header(method, url)
        self._out += wire.request(method, url, self._cseq, extra | headers)
        return self._cseq

    def _response(self, message: Message, now: float) -> None:
        pending = self._pending
        # A late answer to a request that we gave up is stray. Any other number is taken as the answer, because some
        # cameras count CSeq wrongly or leave it out.
        if message.cseq in self._abandoned or pending is None:
            self._abandoned.discard(message.cseq or 0)
            return
        self._pending = None
        if message.status == 401:
            self._authenticate(message, pending, now)
        elif self.state is State.PLAYING:
            self._kept_alive(message)
        elif pending.method == "OPTIONS":
            self._optioned(message, now)
        elif message.status in {301, 302, 303, 305, 307, 308} and message.get("location"):
            self._redirect(message)
        elif message.status != 200:
            raise _refusal(message, pending.method)
        else:
            self._advance(message, now)

    def _authenticate(self, message: Message, pending: _Pending, now: float) -> None:
        """Answer the challenge once; again only if the camera says that just the nonce was stale (RFC 7616 §3.3)."""
        challenge = strongest(message.all("www-authenticate"))
        again = pending.challenges > 0 and not (challenge and challenge.stale)
        if not self._username or challenge is None or again or pending.challenges > 2:
            raise UnauthorizedError(self._address.url)
        self._auth = Authenticator(self._username, self._password, challenge, self._cnonce())
        self._request(pending.method, pending.url, pending.headers, now)
        self._pending.challenges = pending.challenges + 1  # pyright: ignore[reportOptionalMemberAccess] - just set

    def _unanswered(self, pending: _Pending, now: float) -> None:
        self._pending = None
        self._abandoned = {pending.cseq}
        if self.state is State.PLAYING:
            # some cameras never answer GET_PARAMETER; as long as video flows that is no reason to leave
            self._keepalive_method = "OPTIONS"
        elif self.state is State.PLAY and self._receiver.playing:
            self._play(now)
        elif self.state is State.OPTIONS:
            self._describe(now)
        else:
            raise NoAnswerError(self._address.url, method=pending.method, seconds=round(ANSWER_SECONDS))

    def _advance(self, message: Message, now: float) -> None:
        if self.state is State.DESCRIBE:
            self._described(message, now)
        elif self.state is State.SETUP:
            self._set_up(message, now)
        elif self.state is State.PLAY:
            self._play(now)

    def _optioned(self, message: Message, now: float) -> None:
        """Whatever the camera answers, go on: some refuse OPTIONS and serve video."""
        public = message.get("public").upper()
        if public and "GET_PARAMETER" not in public:
            self._keepalive_method = "OPTIONS"
        self._describe(now)

    def _describe(self, now: float) -> None:
        self._ask(State.DESCRIBE, self._address.url, {"Accept": "application/sdp"}, now)

    def _described(self, message: Message, now: float) -> None:
        base = message.get("content-base") or message.get("content-location")
        self._base = base if base.lower().startswith("rtsp://") else self._address.url
        description = parse_sdp(message.body.decode("utf-8", "replace"))
        self._media = self._receiver.choose(description)
        self._play_url = control_url(self._base, description.control)
        transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        self._ask(State.SETUP, control_url(self._base, self._media.control), transport, now)

    def _set_up(self, message: Message, now: float) -> None:
        session, _, parameters = message.get("session").partition(";")
        self._session = session.strip()
        timeout = re.search(r"timeout\s*=\s*(\d{1,6})", parameters)
        seconds = int(timeout[1]) if timeout else 0
        self._keepalive_every = min(25.0, 0.4 * (seconds or _DEFAULT_SESSION_SECONDS))
        channel = re.search(r"interleaved\s*=\s*(\d{1,3})", message.get("transport"))
        self._lead = _DOLLAR << 8 | (min(int(channel[1]), 254) if channel else 0)
        self._ask(State.PLAY, self._play_url, {"Range": "npt=0.000-"}, now)

    def _play(self, now: float) -> None:
        self.state = State.PLAYING
        self._keepalive_at = now + self._keepalive_every

    # -- keep-alive

    def _keep_alive(self, now: float) -> None:
        self._keepalive_at = now + self._keepalive_every
        self._request(self._keepalive_method, self._play_url, {}, now)
        report = self._receiver.receiver_report()
        if report:
            self._out += _FRAME.pack(self._lead + 1, len(report)) + report

    def _kept_alive(self, message: Message) -> None:
        """A camera that refuses GET_PARAMETER (405, 451, 454, 501 …) gets OPTIONS; that may be refused too."""
        if message.status != 200:
            self._keepalive_method = "OPTIONS"


def _refusal(
    message: Message, method: str
) -> CameraRefusedError | NoInterleavingError | StreamNotFoundError | UnauthorizedError:
    if message.status == 403:
        return UnauthorizedError()
    if message.status in {404, 410}:
        return StreamNotFoundError(status=message.status)
    if message.status == 461:
        return NoInterleavingError()
    return CameraRefusedError(method=method, status=message.status, reason=message.reason)
