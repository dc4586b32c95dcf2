"""The floor under every recorder: receive, write, hash, sync each megabyte. No timeline, no container, no records.

python -m benchmarks.floor FOLDER URL …
"""

import hashlib
import os
import re
import selectors
import socket
import sys
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1 << 20
SIZE: Final = 256 << 10


class Stream:
    """One camera's bytes, as they come."""

    def __init__(self, url: str, folder: Path, number: int) -> None:
        host, port = re.findall(r"rtsp://([\d.]+):(\d+)/", url)[0]
        self.socket = socket.create_connection((host, int(port)))
        self._ask(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        said = self._ask(f"SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n")
        session = re.findall(r"Session: (\w+)", said)[0]
        self.socket.sendall(f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}\r\n\r\n".encode())
        self._folder, self._number, self._files = folder, number, 0
        self._open()

    def _ask(self, request: str) -> str:
        self.socket.sendall(request.encode())
        return self.socket.recv(65536).decode("latin-1")

    def _open(self) -> None:
        path = self._folder / f"{self._number}-{self._files}.part"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT)
        self._hash, self._size = hashlib.sha256(), 0
        self._files += 1

    def take(self, buffer: memoryview) -> None:
        """Take what has come."""
        size = self.socket.recv_into(buffer)
        if size == 0:
            raise SystemExit("the farm hung up")
        os.write(self._file, buffer[:size])
        self._hash.update(buffer[:size])
        self._size += size
        if self._size >= MEGABYTE:
            self._hash.digest()
            os.fdatasync(self._file)
            os.close(self._file)
            self._open()


def main(folder: Path, urls: list[str]) -> None:
    """Receive for ever."""
    selector = selectors.DefaultSelector()
    for number, url in enumerate(urls):
        stream = Stream(url, folder, number)
        selector.register(stream.socket, selectors.EVENT_READ, stream)
    buffer = memoryview(bytearray(SIZE))
    while True:
        for key, _ in selector.select():
            key.data.take(buffer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
