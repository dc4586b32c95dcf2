"""The I/O edge of an RTSP recorder: one TCP connection after the other, until playing, and then why it ended.

Bytes go from the socket into one buffer and from there, one copy, into the access unit that they belong to.
"""

import asyncio
import os
import secrets
import socket
from typing import Final, cast
from weakref import WeakKeyDictionary

from aigaq.base import Clock
from aigaq.capture.errors import (
    CaptureError,
    ConnectionClosedError,
    MalformedError,
    NoAnswerError,
    RedirectLoopError,
    UnreachableError,
)
from aigaq.capture.model import Source
from aigaq.capture.receiver import UnitTarget, VideoReceiver
from aigaq.capture.rtsp import ANSWER_SECONDS, RtspClient, State
from aigaq.capture.sdp import Description
from aigaq.capture.wire import Address, parse_address

CONNECT_SECONDS: Final = 10.0
HANDSHAKE_SECONDS: Final = 3 * ANSWER_SECONDS
"""For the handshake as a whole: a camera that answers each request just in time is still too slow."""
CLOSE_SECONDS: Final = 1.0
MAX_REDIRECTS: Final = 5
MAX_WAITING: Final = 192 * 1024
"""Bytes that may wait for more: above the longest message and the longest packet."""
PULSE_SECONDS: Final = 0.04
_BUFFER: Final = 256 * 1024
_ROOM: Final = 32 * 1024


class Pulse:
    """Digests what many cameras sent in one go, a moment later.

    A camera alone wakes us for each frame, and each time the processor's caches have forgotten the way. Taken together,
    the frames of 20 cameras cost about a sixth less. Arrival times are noted at once.
    """

    def __init__(self) -> None:
        self._waiting: list[RtspConnection] = []

    def add(self, connection: "RtspConnection") -> None:
        """Digest this one with the next beat."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(PULSE_SECONDS, self._beat)
        self._waiting.append(connection)

    def _beat(self) -> None:
        waiting, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        for connection in waiting:
            # each on its own: what breaks behind one camera is not felt by the others
            loop.call_soon(connection.digest)


_pulses: WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = WeakKeyDictionary()
"""One for each event loop."""


class RtspConnection(asyncio.BufferedProtocol):
    """One TCP connection and the client that speaks on it."""

    def __init__(self, client: RtspClient, receiver: VideoReceiver, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self.client = client
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done once playing or redirected."""
        self.ended: asyncio.Future[CaptureError] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done once the socket is closed, or never was open."""
        self._receiver = receiver
        self._clock = clock
        self._transport: asyncio.WriteTransport | None = None
        self._pulse = _pulses.setdefault(loop, Pulse())
        self._buffer = memoryview(bytearray(_BUFFER))
        self._tail = 0
        self._marks: list[tuple[int, int, int]] = []
        self._settled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self.client.start(self._now())
        self._write()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's face
        """Where the next bytes go."""
        return self._buffer[self._tail :]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came: note when; answers are read at once, video with the next beat."""
        self._tail += nbytes
        self._marks.append((self._tail, self._clock.utc_ns(), self._clock.monotonic_ns()))
        if self.client.state is not State.PLAYING or _BUFFER - self._tail < _ROOM:
            self.digest()
        elif len(self._marks) == 1:
            self._pulse.add(self)

    def digest(self) -> None:
        """Use up what came, each read under the time of its arrival."""
        marks, self._marks = self._marks, []
        if not marks or self.ended.done():
            self._tail = 0
            return
        receiver, feed, head = self._receiver, self.client.feed, 0
        failure: CaptureError | None = ConnectionClosedError()
        try:
            for end, receiver.utc_ns, receiver.monotonic_ns in marks:
                head = feed(self._buffer, head, end, receiver.monotonic_ns / 1e9)
            self._keep(head)
            failure = None
        except CaptureError as error:
            failure = error
        finally:
            # also when the sink behind breaks: half digested bytes must not be read again
            if failure:
                self.fail(failure)
        self._write()

    def _keep(self, head: int) -> None:
        """Move what waits for more to the front."""
        left = self._tail - head
        if left > MAX_WAITING:
            raise MalformedError(problem="a message without end")
        if left and head:
            self._buffer[:left] = bytes(self._buffer[head : self._tail])
        self._tail = left

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's face
        """The camera, or the network, or we closed the connection."""
        self.digest()
        self.fail(ConnectionClosedError())
        if not self.gone.done():
            self.gone.set_result(None)

    def tick(self) -> None:
        """Let time pass: keep-alive, and answers that did not come."""
        if not self.ended.done():
            try:
                self.client.on_time(self._now())
            except CaptureError as error:
                self.fail(error)
            else:
                self._write()

    def fail(self, error: CaptureError) -> None:
        """End with this reason; the first one counts."""
        if not self.ended.done():
            self.ended.set_result(error)
            if self._transport:
                self._transport.abort()

    def close(self) -> None:
        """Leave politely."""
        self.digest()
        if not self.ended.done():
            self.ended.set_result(ConnectionClosedError())
            if self._transport:
                self._transport.write(self.client.teardown())
                self._transport.close()

    async def wait_closed(self) -> None:
        """Let the last words go out, but not for long."""
        if self._transport:
            await asyncio.wait((self.gone,), timeout=CLOSE_SECONDS)
            self._transport.abort()

    def _write(self) -> None:
        out = self.client.output()
        if out and self._transport:
            self._transport.write(out)
        if not self._settled and self.client.state in {State.PLAYING, State.REDIRECTED}:
            self._settled = True
            self.ready.set_result(None)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9


class RtspSession:
    """A source's stream from connecting to its end. `open` it, `tick` it, await `ended`, `close` it."""

    def __init__(self, source: Source, target: UnitTarget, clock: Clock) -> None:
        self.receiver = VideoReceiver(target)
        self._source = source
        self._clock = clock
        self._connection: RtspConnection | None = None

    @property
    def description(self) -> Description | None:
        """What the camera offers, once it has told."""
        return self.receiver.description

    @property
    def received(self) -> int:
        """RTP packets that came in this session."""
        return self.receiver.stream.received if self.receiver.stream else 0

    @property
    def lost(self) -> int:
        """RTP packets lost in this session."""
        return self.receiver.stream.lost if self.receiver.stream else 0

    async def open(self) -> asyncio.Future[CaptureError]:
        """Connect and play, following redirects; the future tells one day why it ended.

        Raises:
            CaptureError: why it did not come to playing.
        """
        address = parse_address(self._source.url)
        username = self._source.username or address.username
        password = self._source.password or address.password
        home = address.host
        for _ in range(MAX_REDIRECTS + 1):
            # another host must not learn the password
            known = (username, password) if address.host == home else ("", "")
            connection = await self._play(address, *known)
            if connection.client.state is State.PLAYING:
                return connection.ended
            connection.close()
            address = parse_address(connection.client.location)
        raise RedirectLoopError(address.url, count=MAX_REDIRECTS)

    async def _play(self, address: Address, username: str, password: str) -> RtspConnection:
        """One handshake, until playing or redirected."""
        client = RtspClient(
            address, self.receiver, username=username, password=password, cnonce=lambda: secrets.token_hex(8)
        )
        connection = RtspConnection(client, self.receiver, self._clock)
        await _connect(connection, address)
        self._connection = connection
        waiting = (connection.ready, connection.ended)
        await asyncio.wait(waiting, timeout=HANDSHAKE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if connection.ended.done():
            raise connection.ended.result()
        if not connection.ready.done():
            connection.close()
            raise NoAnswerError(address.url, method=client.state.value, seconds=round(HANDSHAKE_SECONDS))
        return connection

    def tick(self) -> None:
        """Let time pass."""
        if self._connection:
            self._connection.tick()

    def fail(self, error: CaptureError) -> None:
        """End with this reason."""
        if self._connection:
            self._connection.fail(error)

    def close(self) -> None:
        """Leave politely."""
        if self._connection:
            self._connection.close()

    async def wait_closed(self) -> None:
        """Until the socket is closed."""
        if self._connection:
            await self._connection.wait_closed()


async def _connect(connection: RtspConnection, address: Address) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await loop.create_connection(lambda: connection, address.host, address.port)
    except TimeoutError as error:
        raise UnreachableError(address.url, problem=f"no answer within {CONNECT_SECONDS:.0f} s") from error
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else None
        raise UnreachableError(address.url, problem=os.strerror(number) if number else str(error)) from error
