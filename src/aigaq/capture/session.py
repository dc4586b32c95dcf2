"""The I/O edge of an RTSP recorder: one TCP connection after the other, until playing, and then why it ended.

Bytes go from the socket into the intake's buffer and from there, one copy, into the access unit that they belong to.
"""

import asyncio
import os
import secrets
import socket
from typing import Final, cast

from aigaq.base import Clock
from aigaq.capture.errors import (
    CaptureError,
    ConnectionClosedError,
    MalformedError,
    NoAnswerError,
    RedirectLoopError,
    UnreachableError,
)
from aigaq.capture.intake import BUFFER, Inlet, Intake, age_ns
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


class RtspConnection(asyncio.Protocol):
    """One TCP connection and the client that speaks on it; it is read on the common beat once the camera plays."""

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
        self._transport: asyncio.Transport | None = None
        self._intake = Intake.of_loop()
        self._inlet: Inlet | None = None
        self._rest = b""
        """What came and waits for more."""
        self._settled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self.client.start(self._now())
        self._write()

    def data_received(self, data: bytes) -> None:
        """The handshake goes on, or ends with the first frames."""
        self._receiver.utc_ns, self._receiver.monotonic_ns = self._clock.utc_ns(), self._clock.monotonic_ns()
        data = self._rest + data
        self._digest(memoryview(data), len(data))
        if self.client.state is State.PLAYING and self._transport and not self.ended.done():
            self._transport.pause_reading()
            self._inlet = Inlet(self._transport)
            self._intake.add(self.read)

    def read(self) -> None:
        """Take what has come since the last beat."""
        if self._inlet is None:
            return
        rest, buffer = self._rest, self._intake.buffer
        kept = len(rest)
        buffer[:kept] = rest
        try:
            size, arrived_ns = self._inlet.receive(buffer[kept:])
        except BlockingIOError:
            return
        except OSError:
            size = arrived_ns = 0
        if not size:
            self.fail(ConnectionClosedError())
            return
        utc_ns, receiver = self._clock.utc_ns(), self._receiver
        age = age_ns(arrived_ns, utc_ns)
        receiver.utc_ns, receiver.monotonic_ns = utc_ns - age, self._clock.monotonic_ns() - age
        self._digest(buffer, kept + size)
        if kept + size == BUFFER:
            # a flood, or we were held up: the camera must not wait for the next beat
            asyncio.get_running_loop().call_soon(self.read)

    def _digest(self, view: memoryview, end: int) -> None:
        """Use up what came; what waits for more is kept."""
        try:
            head = self.client.feed(view, 0, end, self._receiver.monotonic_ns / 1e9)
        except CaptureError as error:
            self.fail(error)
        except BaseException:
            # the sink behind breaks: half digested bytes must not be read again
            self.fail(ConnectionClosedError())
            raise
        else:
            self._rest = bytes(view[head:end])
            if len(self._rest) > MAX_WAITING:
                self.fail(MalformedError(problem="a message without end"))
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's face
        """The camera, or the network, or we closed the connection."""
        self.read()
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
            self._end(error)
            if self._transport:
                self._transport.abort()

    def close(self) -> None:
        """Leave politely."""
        self.read()
        if not self.ended.done():
            self._end(ConnectionClosedError())
            if self._transport:
                self._transport.write(self.client.teardown())
                self._transport.close()

    def _end(self, error: CaptureError) -> None:
        self.ended.set_result(error)
        self._intake.remove(self.read)
        if self._inlet:
            self._inlet.close()
            self._inlet = None

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
