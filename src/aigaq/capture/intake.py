"""How video is taken in: cameras that play are read one after the other on a common beat; none wakes us by itself.

Owns the beat, the one buffer into which all are read, and the time of arrival. It knows neither RTSP nor video.
"""

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

BEAT_SECONDS: Final = 0.06
BUFFER: Final = 256 * 1024
_STAMPS: Final = 35 if sys.platform == "linux" else None
"""SO_TIMESTAMPNS of Linux, asm-generic/socket.h: the kernel says when the last byte of what is read arrived."""
_STAMP: Final = struct.Struct("@ll")
_OLDEST_NS: Final = 1_000_000_000
"""What arrived longer ago was stamped by a clock that has been set since."""


class Intake:
    """The cameras of one event loop.

    Woken by each frame of each camera, the loop spends more on waking than on the frame.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(BUFFER))
        """Valid during one reader's turn."""
        self._readers: dict[Callable[[], None], None] = {}
        self._beating = False

    @classmethod
    def of_loop(cls) -> "Intake":
        """The one of the running loop."""
        loop = asyncio.get_running_loop()
        found = _intakes.get(loop)
        if found is None:
            found = _intakes[loop] = cls()
        return found

    def add(self, reader: Callable[[], None]) -> None:
        """Give this one its turn at each beat."""
        self._readers[reader] = None
        if not self._beating:
            self._beating = True
            asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def remove(self, reader: Callable[[], None]) -> None:
        """Leave this one out from now on."""
        self._readers.pop(reader, None)

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._beating = bool(self._readers)
        if self._beating:
            loop.call_later(BEAT_SECONDS, self._beat)
        for reader in self._readers:
            # each on its own: what breaks behind one camera is not felt by the others
            loop.call_soon(reader)


_intakes: "WeakKeyDictionary[asyncio.AbstractEventLoop, Intake]" = WeakKeyDictionary()


class Inlet:
    """The receiving end of a connection whose transport reads no more."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._socket: socket.socket = transport.get_extra_info("socket").dup()
        self._socket.settimeout(0)
        if _STAMPS is not None:
            with contextlib.suppress(OSError):  # a kernel without them is asked for the time of reading, like others
                self._socket.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)

    def receive(self, room: memoryview) -> tuple[int, int]:
        """Bytes received, 0 at the end of the stream, and when the last one arrived: UTC nanoseconds, 0 if unknown.

        Raises:
            BlockingIOError: nothing has come.
            OSError: the connection broke.
        """
        size, told, _, _ = self._socket.recvmsg_into((room,), 64)
        if told and len(told[0][2]) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(told[0][2])
            return size, seconds * 1_000_000_000 + nanoseconds
        return size, 0

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def age_ns(arrived_ns: int, utc_ns: int) -> int:
    """How long ago that was; 0 if it is not known or cannot be."""
    age = utc_ns - arrived_ns
    return age if 0 <= age <= _OLDEST_NS else 0
