"""Stored zip files, read so strictly that every unzip tool must see the same files as we do.

Every byte belongs to exactly one thing: entries one behind another from byte 0, then the directory, then its end. No
compression, no encryption, no comment, no two files of one name. So a clip cannot show one video to the verifier and
another to the court, and cannot be bigger inside than it is outside. APPNOTE.TXT 6.3.10 gives the layout.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_MAX_DIRECTORY: Final = 16 << 20
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_END64_LOCATOR: Final = struct.Struct("<4sIQI")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_ENCRYPTED: Final = 0x2041
_DESCRIPTOR: Final = 0x0008


class ContainerError(ValueError):
    """Not a zip file of the strict kind, with the reason."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    offset: int
    size: int
    flags: int


class StoredZip:
    """The files of a stored zip, by name."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the directory and check that the entries fill the file without overlap or remainder.

        Raises:
            ContainerError: the first thing that is wrong.
        """
        self._stream = stream
        self._offsets: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        start, directory = self._read_directory()
        position = 0
        for entry in sorted(_entries(directory), key=lambda e: e.offset):
            if entry.name in self.sizes:
                raise ContainerError(f"two files are called {entry.name!r}")
            position = self._place(entry, position, start)
        if position != start:
            raise ContainerError("bytes that belong to no file before the directory")

    def read(self, name: str) -> bytes:
        """The whole file; look at its size first."""
        return self._at(self._offsets[name], self.sizes[name])

    def _at(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) != size:
            raise ContainerError("cut off")
        return data

    def _read_directory(self) -> tuple[int, bytes]:
        end = self._stream.seek(0, 2) - _END.size
        if end < 0:
            raise ContainerError("too short for a zip file")
        magic, disk, first, here, count, size, start, comment = _END.unpack(self._at(end, _END.size))
        if magic != b"PK\5\6" or comment:
            raise ContainerError("not a zip file, or cut off, or with bytes behind its end")
        if 0xFFFF in {here, count} or 0xFFFFFFFF in {size, start}:
            end, here, count, size, start = self._read_end64(end)
        if disk or first or here != count or start + size != end:
            raise ContainerError("the directory does not reach from the last file to the end")
        if size > _MAX_DIRECTORY:
            raise ContainerError(f"a directory of more than {_MAX_DIRECTORY} bytes")
        return start, self._at(start, size)

    def _read_end64(self, end: int) -> tuple[int, int, int, int, int]:
        size = _END64.size + _END64_LOCATOR.size
        if end < size:
            raise ContainerError("too short for a zip64 file")
        data = self._at(end - size, size)
        magic, _, _, _, _, _, here, count, length, start = _END64.unpack(data[: _END64.size])
        locator, _, at, _ = _END64_LOCATOR.unpack(data[_END64.size :])
        if magic != b"PK\6\6" or locator != b"PK\6\7" or at != end - size:
            raise ContainerError("a zip64 end that does not fit")
        return at, here, count, length, start

    def _place(self, entry: _Entry, position: int, limit: int) -> int:
        """Note where an entry's bytes are; returns the first byte behind it."""
        if entry.offset != position or position + _LOCAL.size > limit:
            raise ContainerError(f"{entry.name!r} overlaps another file, or bytes before it belong to none")
        magic, _, flags, method, _, _, _, packed, size, name_size, extra_size = _LOCAL.unpack(
            self._at(position, _LOCAL.size)
        )
        start = position + _LOCAL.size + name_size + extra_size
        end = start + entry.size
        promised = {entry.size, 0} if flags & _DESCRIPTOR else {entry.size}
        if magic != b"PK\3\4" or method or flags != entry.flags or not promised >= {packed, size} or end > limit:
            raise ContainerError(f"{entry.name!r} is not as the directory says, or compressed")
        if self._at(position + _LOCAL.size, name_size) != entry.name.encode():
            raise ContainerError(f"{entry.name!r} has another name in front of its bytes")
        self._offsets[entry.name], self.sizes[entry.name] = start, entry.size
        return end + (self._descriptor_size(entry.size, end, limit) if flags & _DESCRIPTOR else 0)

    def _descriptor_size(self, size: int, end: int, limit: int) -> int:
        data = self._at(end, min(24, limit - end))
        if not data.startswith(b"PK\7\10"):
            raise ContainerError("a data descriptor without its mark")
        for layout in ("<4sI2I", "<4sI2Q"):
            width = struct.calcsize(layout)
            if len(data) >= width and struct.unpack(layout, data[:width])[2:] == (size, size):
                return width
        raise ContainerError("a data descriptor that does not fit")


def _entries(directory: bytes) -> Iterator[_Entry]:
    position = 0
    while position < len(directory):
        fields = directory[position : position + _CENTRAL.size]
        if len(fields) < _CENTRAL.size or not fields.startswith(b"PK\1\2"):
            raise ContainerError("a directory that cannot be read")
        _, _, _, flags, method, _, _, _, packed, size, name_size, extra_size, comment, disk, _, _, offset = (
            _CENTRAL.unpack(fields)
        )
        name_at = position + _CENTRAL.size
        name = directory[name_at : name_at + name_size]
        extra = directory[name_at + name_size : name_at + name_size + extra_size]
        if offset == 0xFFFFFFFF:
            offset = _offset64(extra)
        if method or packed != size or size == 0xFFFFFFFF or flags & _ENCRYPTED or comment or disk:
            raise ContainerError("a file that is compressed, encrypted, too large or commented")
        if not name.isascii():
            raise ContainerError("a file name that is not plain ASCII")
        yield _Entry(name.decode(), offset, size, flags)
        position = name_at + name_size + extra_size


def _offset64(extra: bytes) -> int:
    """The offset in a zip64 field that holds nothing else (APPNOTE 4.5.3)."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == 1 and size == 8 and len(extra) >= 12:
            return int.from_bytes(extra[4:12], "little")
        extra = extra[4 + size :]
    raise ContainerError("a file far into the zip without its place")
