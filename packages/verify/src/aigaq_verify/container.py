"""Stored zip files, read so strictly that every unzip tool must see the same files as we do.

Every byte belongs to exactly one thing: entries one behind another from byte 0, then the directory, then its end. No
compression, no encryption, no extra fields (they can rename a file), no comment, no two files of one name, nothing of
zip64. So a clip cannot show one video to the verifier and another to the court, and cannot be bigger inside than it is
outside. APPNOTE.TXT 6.3.10 §4.3 gives the layout.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

_MAX_DIRECTORY: Final = 16 << 20
_CENTRAL: Final = struct.Struct("<4sH26s3H2I")
_FACTS: Final = struct.Struct("<3H2H3I2H")
"""What both headers of an entry say: version, flags, method, time, date, CRC, two sizes, lengths of name and extra."""
_END: Final = struct.Struct("<4s4H2IH")
_PLAIN_FLAGS: Final = {0, 0x0800}
"""None, or "the name is UTF-8", which plain ASCII always is."""


class ContainerError(ValueError):
    """Not a zip file of the strict kind, with the reason."""


class StoredZip:
    """The files of a stored zip, by name."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the directory and check that the entries fill the file without overlap or remainder.

        Raises:
            ContainerError: the first thing that is wrong.
        """
        self.stream = stream
        self._offsets: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        start, count, directory = self._read_directory()
        position = 0
        for name, facts, offset, size in _entries(directory):
            head = b"PK\3\4" + facts + name
            if name.decode() in self.sizes:
                raise ContainerError(f"two files are called {name.decode()!r}")
            if offset != position or self._at(position, min(len(head), start - position)) != head:
                raise ContainerError(f"{name.decode()!r} does not begin where and as the directory says")
            position += len(head)
            self._offsets[name.decode()], self.sizes[name.decode()] = position, size
            position += size
        if position != start or len(self.sizes) != count:
            raise ContainerError("the files are not as many or as long as the end of the directory says")

    def read(self, name: str) -> bytes:
        """The whole file; look at its size first."""
        return self._at(self._offsets[name], self.sizes[name])

    def sha256(self, name: str) -> bytes:
        """The hash of a file of any size."""
        offset, end, whole = self._offsets[name], self._offsets[name] + self.sizes[name], hashlib.sha256()
        for start in range(offset, end, 1 << 20):
            whole.update(self._at(start, min(1 << 20, end - start)))
        return whole.digest()

    def _at(self, offset: int, size: int) -> bytes:
        self.stream.seek(offset)
        data = self.stream.read(size)
        if len(data) != size:
            raise ContainerError("cut off")
        return data

    def _read_directory(self) -> tuple[int, int, bytes]:
        end = self.stream.seek(0, 2) - _END.size
        if end < 0:
            raise ContainerError("too short for a zip file")
        magic, disk, first, here, count, size, start, comment = _END.unpack(self._at(end, _END.size))
        if magic != b"PK\5\6" or comment:
            raise ContainerError("not a zip file, or cut off, or with bytes behind its end")
        if disk or first or here != count or start + size != end:
            raise ContainerError("the directory does not reach from the last file to the end")
        if size > _MAX_DIRECTORY:
            raise ContainerError(f"a directory of more than {_MAX_DIRECTORY} bytes")
        return start, count, self._at(start, size)


def _entries(directory: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Name, facts, offset and size of each entry, in the order of the directory."""
    rest = memoryview(directory)
    while rest:
        if len(rest) < _CENTRAL.size:
            raise ContainerError("a directory that is cut off")
        magic, _, facts, comment, disk, _, _, offset = _CENTRAL.unpack(rest[: _CENTRAL.size])
        _, flags, method, _, _, _, packed, size, name_size, extra_size = _FACTS.unpack(facts)
        name, rest = bytes(rest[_CENTRAL.size :][:name_size]), rest[_CENTRAL.size + name_size :]
        if magic != b"PK\1\2" or len(name) != name_size or not name.isascii() or comment or disk:
            raise ContainerError("a directory that cannot be read")
        if flags not in _PLAIN_FLAGS or method or extra_size or packed != size:
            raise ContainerError(f"{name.decode()!r} is compressed, encrypted, or has more to it than name and bytes")
        yield name, facts, offset, size
