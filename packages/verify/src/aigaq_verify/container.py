"""Stored zip files, read so strictly that every unzip tool must see the same files as we do.

Every byte belongs to exactly one thing: entries one behind another from byte 0, then the directory, then its end. No
compression, no encryption, no extra fields (they can rename a file), no comment, no two files of one name, nothing of
zip64. So a clip cannot show one video to the verifier and another to the court, and cannot be bigger inside than it is
outside. APPNOTE.TXT 6.3.10 §4.3 gives the layout.
"""

import hashlib
import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

_MAX_DIRECTORY: Final = 16 << 20
_CENTRAL: Final = struct.Struct("<4sH26s3H2I")
_FACTS: Final = struct.Struct("<3H2H3I2H")  # version, flags, method, time, date, CRC, two sizes, lengths of name, extra
_END: Final = struct.Struct("<4s4H2IH")


class NotEvidenceError(ValueError):
    """A file that cannot be judged, because it is neither a clip nor an evidence package; with the reason."""


class StoredZip:
    """The files of a stored zip, by name."""

    def __init__(self, stream: BinaryIO) -> None:
        """Check that the entries fill the file without overlap or remainder; NotEvidenceError where they do not."""
        self._stream, self._offsets, self.sizes = stream, dict[str, int](), dict[str, int]()
        start, count, directory = self._read_directory()
        position = 0
        for name, facts, offset, size in _entries(directory):
            head = b"PK\3\4" + facts + name.encode()
            if name in self.sizes:
                raise NotEvidenceError(f"two files are called {name!r}")
            if offset != position or self._at(position, min(len(head), start - position)) != head:
                raise NotEvidenceError(f"{name!r} does not begin where and as the directory says")
            self._offsets[name], self.sizes[name] = position + len(head), size
            position += len(head) + size
        if position != start or len(self.sizes) != count:
            raise NotEvidenceError("the files are not as many or as long as the end of the directory says")

    def read(self, name: str) -> bytes:
        """The whole file; look at its size first."""
        return self._at(self._offsets[name], self.sizes[name])

    def sha256(self, name: str) -> bytes:
        """The hash of a file of any size."""
        start, end, whole = self._offsets[name], self._offsets[name] + self.sizes[name], hashlib.sha256()
        for offset in range(start, end, 1 << 20):
            whole.update(self._at(offset, min(1 << 20, end - offset)))
        return whole.digest()

    def _at(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) != size:
            raise NotEvidenceError("cut off")
        return data

    def _read_directory(self) -> tuple[int, int, bytes]:
        end = self._stream.seek(0, 2) - _END.size
        if end < 0:
            raise NotEvidenceError("too short for a zip file")
        magic, disk, first, here, count, size, start, comment = _END.unpack(self._at(end, _END.size))
        if magic != b"PK\5\6" or comment:
            raise NotEvidenceError("not a zip file, or cut off, or with bytes behind its end")
        if disk or first or here != count or start + size != end or size > _MAX_DIRECTORY:
            raise NotEvidenceError("the directory does not reach from the last file to the end, or is too long")
        return start, count, self._at(start, size)


def _entries(directory: bytes) -> Iterator[tuple[str, bytes, int, int]]:
    """Name, facts, offset and size of each entry, in the order of the directory."""
    rest = memoryview(directory)
    while rest:
        if len(rest) < _CENTRAL.size:
            raise NotEvidenceError("a directory that is cut off")
        magic, _, facts, comment, disk, _, _, offset = _CENTRAL.unpack(rest[: _CENTRAL.size])
        _, flags, method, _, _, _, packed, size, name_size, extra_size = _FACTS.unpack(facts)
        name, rest = bytes(rest[_CENTRAL.size :][:name_size]), rest[_CENTRAL.size + name_size :]
        if magic != b"PK\1\2" or len(name) != name_size or not name.isascii() or comment or disk:
            raise NotEvidenceError("a directory that cannot be read")
        if flags & ~0x0800 or method or extra_size or packed != size:  # 0x0800: the name is UTF-8, as ASCII always is
            raise NotEvidenceError(f"{name.decode()!r} is compressed, encrypted, or has more to it than name and bytes")
        yield name.decode(), facts, offset, size


class Files:
    """A clip's files, in a folder of the container; the SHA-256 of what was read is kept: nothing is hashed twice."""

    def __init__(self, package: StoredZip, folder: str = "") -> None:
        self._package, self._folder = package, folder
        self.sizes = {name[len(folder) :]: size for name, size in package.sizes.items() if name.startswith(folder)}
        self.sha256: dict[str, bytes] = {}
        self.used = set[str]()

    def read(self, name: str, limit: int) -> bytes | None:
        """The file, or None where it is missing or longer than it may be."""
        self.used.add(name)
        if self.sizes.get(name, limit + 1) > limit:
            return None
        data = self._package.read(self._folder + name)
        self.sha256[name] = hashlib.sha256(data).digest()
        return data

    def numbered(self, name_of: Callable[[int], str]) -> Iterator[tuple[int, str]]:
        """The files of a kind that is named by numbers."""
        for name in self.sizes:
            if (number := re.search(r"[0-9]{1,16}", name)) and name_of(int(number[0])) == name:
                yield int(number[0]), name
