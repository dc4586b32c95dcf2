"""Finds where something stands: a segment by its hash, a moment of a camera, a leaf of either log; and since when.

It reads proofs and makes none; what it says anyone can read from the same files.
"""

from dataclasses import dataclass

from aigaq.archive import rows
from aigaq.archive.errors import NotFoundError
from aigaq.archive.known import station_of
from aigaq.archive.logs import Logs
from aigaq.archive.model import Row
from aigaq.archive.store import Database
from aigaq.election import Register
from aigaq_verify import Checkpoint, Leaf, Note, Proof, decode_leaf, decode_record


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in both logs, and between which moments it was made."""

    row: Row
    checkpoint_size: int | None
    """Rows under the first checkpoint of the station that covers it; None until one does."""
    national_index: int | None
    """Leaf of that checkpoint in the national log."""
    national_size: int | None
    """Leaves under the national checkpoint that proves it: the first witnessed one, else the newest."""
    not_before_ms: int | None
    """From the beacon that the record names; None where it names none that was witnessed."""
    not_after_ms: int | None
    """From the witnesses of the national checkpoint; None while they have not cosigned."""


@dataclass(frozen=True, slots=True)
class NationalPlace:
    """A leaf of the national log."""

    index: int
    data: bytes
    leaf: Leaf
    size: int
    """Leaves under the checkpoint that proves it."""
    not_after_ms: int | None
    rows: int | None
    """For a station's checkpoint: how many rows it covers."""


class Search:
    """Questions about places."""

    def __init__(self, register: Register, database: Database, logs: Logs) -> None:
        self._register = register
        self._database = database
        self._logs = logs

    async def by_hash(self, digest: bytes) -> Row:
        """The row of a segment with this SHA-256, or of a record with this leaf hash.

        Raises:
            NotFoundError: neither is here.
        """
        found = await self._database.read(lambda c: rows.by_leaf(c, digest) or rows.by_sha256(c, digest))
        if found is None:
            raise NotFoundError(digest.hex())
        return found

    async def by_time(self, station: str, at_ms: int) -> list[Row]:
        """The rows of every camera of a station that tell of a moment.

        Raises:
            UnknownStationError: there is no such station.
        """
        cameras = station_of(self._register, station).cameras
        return await self._database.read(
            lambda c: [row for camera in cameras for row in rows.at_time(c, station, camera.id, at_ms)]
        )

    async def place(self, row: Row) -> Place:
        """Where a row stands."""
        before = self._logs.not_before_ms(decode_record(row.record))
        try:
            size, _ = await self._logs.public.row_proof(row.station, -1 if row.log_index is None else row.log_index)
            proof = Proof.parse(await self._logs.public.checkpoint_proof(row.station, size))
        except IndexError:
            return Place(row, None, None, None, before, None)
        after = self._logs.policy.witnessed(proof.checkpoint)
        national = Checkpoint.parse(Note.parse(proof.checkpoint).text).size
        return Place(row, size, proof.index, national, before, after.not_after_ms if after else None)

    async def national(self, index: int) -> NationalPlace:
        """A leaf of the national log.

        Raises:
            NotFoundError: it has none of that index yet.
        """
        try:
            data, proof = await self._logs.public.leaf_proof(index)
        except IndexError as error:
            raise NotFoundError(f"#{index}") from error
        note, leaf = Proof.parse(proof).checkpoint, decode_leaf(data)
        after = self._logs.policy.witnessed(note)
        size = Checkpoint.parse(Note.parse(note).text).size
        covers = Checkpoint.parse(Note.parse(leaf["note"]).text).size if "note" in leaf.values else None
        return NationalPlace(index, data, leaf, size, after.not_after_ms if after else None, covers)
