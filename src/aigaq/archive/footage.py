"""Reads footage wherever it lies now: as an object of its own, or inside a minute object."""

import hashlib

from aigaq.archive import rows
from aigaq.archive.blobs import Blobs
from aigaq.archive.errors import NotFoundError, StoreFailedError
from aigaq.archive.model import Row
from aigaq.archive.names import init_name, parse_segment_name, segment_name
from aigaq.archive.playlists import Playable
from aigaq.archive.store import Database


class Footage:
    """The bytes of the archive, by row or by name."""

    def __init__(self, election: str, database: Database, blobs: Blobs) -> None:
        self.election = election
        self._database = database
        self._blobs = blobs

    def playable(self, row: Row) -> Playable:
        """A segment as playlists name it: by its own name until a minute object holds it."""
        init = row.init.hex() if row.init else ""
        start = round(row.start_ticks / 90)
        duration = (row.end_ms or row.start_ms) - row.start_ms
        if row.bundle:
            return Playable(start, duration, f"/media/o/{row.bundle}", init, row.size, (row.size, row.at))
        return Playable(start, duration, f"/media/o/{segment_name(self.election, row)}", init, row.size)

    def segment(self, row: Row) -> bytes:
        """A segment's bytes, proven by their hash.

        Raises:
            StoreFailedError: they are not there, or not the bytes that were sealed.
        """
        try:
            data = self._read(row)
        except FileNotFoundError:
            # Compaction may have moved it since the row was read.
            moved = self._database.read_now(lambda c: rows.find(c, row.key, row.seq)) or row
            data = self._read_or_fail(moved)
        if hashlib.sha256(data).digest() != row.sha256:
            raise StoreFailedError(segment_name(self.election, row), problem="the stored bytes are damaged")
        return data

    def _read(self, row: Row) -> bytes:
        return self._blobs.get(row.bundle or segment_name(self.election, row), row.at, row.size)

    def _read_or_fail(self, row: Row) -> bytes:
        try:
            return self._read(row)
        except FileNotFoundError as error:
            problem = "the stored bytes are missing"
            raise StoreFailedError(segment_name(self.election, row), problem=problem) from error

    def init(self, sha256: bytes) -> bytes:
        """An initialisation segment.

        Raises:
            NotFoundError: never received.
        """
        name = init_name(sha256)
        size = self._blobs.size(name)
        if size is None:
            raise NotFoundError(name)
        return self._blobs.get(name, 0, size)

    async def locate(self, name: str) -> tuple[str, int, int]:
        """Object, offset and size of what has this name; a segment keeps its name when its bytes move.

        Raises:
            NotFoundError: nothing has it.
        """
        parsed = parse_segment_name(name)
        if parsed is None:
            size = self._blobs.size(name) if _is_public(name, self.election) else None
            if size is None:
                raise NotFoundError(name)
            return name, 0, size
        row = await self._database.read(lambda c: rows.find(c, parsed.key, parsed.seq))
        if row is None or row.sha256 is None or segment_name(self.election, row) != name:
            raise NotFoundError(name)
        return row.bundle or name, row.at, row.size


def _is_public(name: str, election: str) -> bool:
    """Minute objects only: no other file of the folder is served, and no path leads out of it."""
    return name.startswith(f"{election}/") and name.endswith(".m4s") and ".." not in name and "//" not in name
