"""Files of the box: footage being written, sealed footage, initialisation segments, and the ballast.

A segment grows as `<start_ms>.<sha256 of its init>.part`; once the journal holds its row it gets its final name. The
row is the truth: a final name that a crash prevented is given at the next start. Nothing here ever changes written
bytes, and nothing sealed is deleted.
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.base import from_ms
from aigaq_verify import SegmentRecord

BALLAST_BYTES: Final = 8 << 20
"""Given up when the disk is full, so that the journal can still sign that it is."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_AT_ONCE: Final = 1024
"""Pieces that one call may write: IOV_MAX of Linux and macOS."""
_PART: Final = re.compile(r"(\d{1,15})\.([0-9a-f]{64})\.part")


@dataclass(frozen=True, slots=True)
class PartFile:
    """A segment that was being written: its name tells when it starts and which init it needs."""

    path: Path
    start_ms: int
    init_sha256: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A complete file that is on the disk for good."""

    part: PartFile
    size: int
    sha256: bytes


class Spool:
    """The folder `<data>/spool/<election>/<station>` and what lies beside it. Used from one thread."""

    def __init__(
        self, data: Path, election: str, station: str, *, reserve_bytes: int = 64 << 20,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:  # fmt: skip
        self.data = data
        self.root = data / "spool" / election / station
        self.inits = data / "init"
        self.aside = data / "set-aside"
        self._objects = data / "spool"
        self._reserve = reserve_bytes
        self._sync = sync
        self._known: set[Path] = set()

    def prepare(self) -> None:
        """Make the folders and the ballast."""
        for folder in (self.root, self.inits):
            self._make(folder)
        self.refill_ballast()

    def free_bytes(self) -> int:
        """What the disk can still take."""
        stat = os.statvfs(self.data)
        return stat.f_bavail * stat.f_frsize

    def has_room(self) -> bool:
        """Whether a new segment may be begun: the journal's share stays untouched."""
        return self.free_bytes() > self._reserve

    def require_room(self) -> None:
        """Refuse to begin what would take the journal's share.

        Raises:
            OSError: ENOSPC.
        """
        if not self.has_room():
            raise OSError(errno.ENOSPC, "only the share of the journal is left")

    def give_up_ballast(self) -> bool:
        """Free the ballast; False if it was gone already."""
        try:
            (self.data / "ballast").unlink()
        except FileNotFoundError:
            return False
        return True

    def refill_ballast(self) -> None:
        """Take the ballast again where there is room for it."""
        path = self.data / "ballast"
        if path.exists() or not self.has_room():
            return
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.posix_fallocate(fd, 0, BALLAST_BYTES)
        except OSError as error:
            path.unlink()
            if error.errno not in FULL:
                raise
        finally:
            os.close(fd)

    def put_init(self, sha256: bytes, data: bytes) -> None:
        """Keep an initialisation segment under its hash; on disk for good when this returns."""
        path = self.init_path(sha256)
        if path.exists():
            return
        write_synced(path, data, self._sync)

    def init_path(self, sha256: bytes) -> Path:
        """Where an initialisation segment lies."""
        return self.inits / f"{sha256.hex()}.mp4"

    def begin(self, camera: str, stream: str, start_ms: int, init_sha256: bytes) -> "OpenSegment":
        """Open a file for a segment that starts at `start_ms`."""
        folder = self.root / camera / stream / f"{from_ms(start_ms):%Y%m%d/%H}"
        self._make(folder)
        part = PartFile(folder / f"{start_ms}.{init_sha256.hex()}.part", start_ms, init_sha256)
        return OpenSegment(part, self._sync)

    def part_of(self, record: SegmentRecord) -> Path:
        """The name that a segment has until its row is on record."""
        return self.path_of(record).with_name(f"{record.start_ms}.{record.init_sha256.hex()}.part")

    def path_of(self, record: SegmentRecord) -> Path:
        """The final name of a segment."""
        return self._objects / record.object_name

    def name(self, record: SegmentRecord) -> None:
        """Give a segment on record its final name; does nothing if it has it."""
        final = self.path_of(record)
        try:
            self.part_of(record).rename(final)
        except FileNotFoundError:
            if not final.exists():
                raise

    def find(self, record: SegmentRecord) -> Path | None:
        """Where the bytes of a segment on record lie now."""
        return next((path for path in (self.path_of(record), self.part_of(record)) if path.exists()), None)

    def part_files(self) -> Iterator[PartFile]:
        """Segments that were being written when the agent stopped, oldest first."""
        found = (
            (Path(folder, name), _PART.fullmatch(name)) for folder, _, names in os.walk(self.root) for name in names
        )
        parts = [PartFile(path, int(m[1]), bytes.fromhex(m[2])) for path, m in found if m]
        yield from sorted(parts, key=lambda part: (part.start_ms, part.path))

    def set_aside(self, path: Path) -> Path:
        """Move a file that fits nowhere out of the way; it is never deleted."""
        self._make(self.aside)
        place, n = self.aside / path.name, 0
        while place.exists():
            n += 1
            place = self.aside / f"{path.name}.{n}"
        path.rename(place)
        sync_folder(self.aside)
        return place

    def _make(self, folder: Path) -> None:
        if folder in self._known:
            return
        missing = [folder, *folder.parents]
        missing = missing[: next(i for i, path in enumerate(missing) if path.exists())]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)
        self._known = {folder, *self._known} if len(self._known) < 1_000 else {folder}


class OpenSegment:
    """A segment being written: each part goes to the system at once, so that a killed process loses none of it."""

    def __init__(self, part: PartFile, sync: Callable[[int], None]) -> None:
        self.part = part
        self.size = 0
        self._sync = sync
        self._hash = hashlib.sha256()
        self._fd = os.open(part.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def append(self, chunks: Sequence[bytes | bytearray], *, sync: bool) -> None:
        """Add one part, given in pieces.

        Raises:
            OSError: the disk did not take it whole; the file holds only whole parts still.
        """
        try:
            size = _write_all(self._fd, chunks)
            if sync:
                self._sync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
            raise
        for chunk in chunks:
            self._hash.update(chunk)
        self.size += size

    def finish(self) -> Written:
        """Sync and close; the folder is synced by `sync_folder` before the row is committed.

        Raises:
            OSError: the bytes may not be on the disk; the file is gone.
        """
        try:
            self._sync(self._fd)
        except OSError:
            self.abandon()
            raise
        os.close(self._fd)
        return Written(self.part, self.size, self._hash.digest())

    def abandon(self) -> None:
        """Forget the file."""
        os.close(self._fd)
        self.part.path.unlink(missing_ok=True)


def write_synced(path: Path, data: bytes, sync: Callable[[int], None] = os.fdatasync) -> None:
    """Write a new file that is either whole or absent, and on disk for good when this returns.

    Raises:
        OSError: the disk does not take it.
    """
    fresh = path.with_suffix(".part")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        _write_all(fd, (data,))
        sync(fd)
    finally:
        os.close(fd)
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, chunks: Sequence[bytes | bytearray]) -> int:
    """Write them in order; how many bytes that is."""
    size = 0
    for at in range(0, len(chunks), _AT_ONCE):
        some = chunks[at : at + _AT_ONCE]
        wanted, written = sum(map(len, some)), os.writev(fd, some)
        if written < wanted:
            rest = memoryview(b"".join(some))[written:]
            while rest:
                rest = rest[os.write(fd, rest) :]
        size += wanted
    return size
