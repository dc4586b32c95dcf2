"""A BagIt bag (RFC 8493) written from front to back as one stored zip: payload first, its manifest and tags last.

The zip is the bag's folder itself: `bagit.txt` stands at its root, so a reader tells a package from a clip by content.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from aigaq.archive.zipstream import ZipStream

DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD: Final = "data/"


class Bag:
    """Makes the pieces of one bag. Names are plain ASCII without line ends, so nothing needs escaping (§2.1.3)."""

    def __init__(self) -> None:
        self._zip = ZipStream()
        self._payload: list[str] = []
        self._tags: list[str] = []
        self._octets = 0

    def begin(self) -> bytes:
        """The declaration, which makes a folder a bag (§2.1.1)."""
        return self._tag("bagit.txt", DECLARATION)

    def file(self, name: str, data: bytes) -> bytes:
        """A payload file; its name is below `data/`."""
        self._payload.append(_line(PAYLOAD + name, data))
        self._octets += len(data)
        return self._zip.file(PAYLOAD + name, data)

    def end(self, info: Sequence[tuple[str, str]]) -> bytes:
        """What the bag is (§2.2.2), the hashes of everything, and the zip's directory."""
        told = [*info, ("Payload-Oxum", f"{self._octets}.{len(self._payload)}")]
        pieces = self._tag("bag-info.txt", "".join(f"{label}: {value}\n" for label, value in told).encode())
        pieces += self._tag("manifest-sha256.txt", "".join(sorted(self._payload, key=_name)).encode())
        pieces += self._zip.file("tagmanifest-sha256.txt", "".join(sorted(self._tags, key=_name)).encode())
        return pieces + self._zip.end()

    def _tag(self, name: str, data: bytes) -> bytes:
        self._tags.append(_line(name, data))
        return self._zip.file(name, data)


def _line(name: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n"


def _name(line: str) -> str:
    return line[66:]
