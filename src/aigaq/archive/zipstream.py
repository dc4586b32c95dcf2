"""A stored zip file, written from front to back: every entry's size and CRC stand before its bytes (APPNOTE 6.3.10).

No compression, no data descriptors, no times, so the same clip is the same file, and a strict reader accepts it.
"""

import struct
import zlib
from typing import Final

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_VERSION: Final = 20
_DAY_ONE: Final = 0x21
"""1980-01-01 in DOS form."""
MAX_BYTES: Final = 0xFFFF_FFFE
MAX_FILES: Final = 0xFFFE


class ZipStream:
    """Makes the pieces of one zip file, below 4 GiB."""

    def __init__(self) -> None:
        self._directory = bytearray()
        self._offset = 0
        self._count = 0

    def file(self, name: str, data: bytes) -> bytes:
        """An entry: header, name and bytes."""
        raw, crc, size = name.encode("ascii"), zlib.crc32(data), len(data)
        head = _LOCAL.pack(b"PK\3\4", _VERSION, 0, 0, 0, _DAY_ONE, crc, size, size, len(raw), 0)
        self._directory += _CENTRAL.pack(
            b"PK\1\2", _VERSION, _VERSION, 0, 0, 0, _DAY_ONE, crc, size, size, len(raw), 0, 0, 0, 0, 0, self._offset
        )
        self._directory += raw
        piece = head + raw + data
        self._offset += len(piece)
        self._count += 1
        return piece

    def end(self) -> bytes:
        """The directory."""
        size = len(self._directory)
        return bytes(self._directory) + _END.pack(b"PK\5\6", 0, 0, self._count, self._count, size, self._offset, 0)
