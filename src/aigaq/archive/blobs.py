"""Objects of the archive: written once, read by range, never overwritten.

obstore reads, lists and removes. It does not write to a folder: its put renames without syncing file or directory
(seen with strace), and a receipt promises both (I4).
"""

import contextlib
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import obstore
from obstore.store import LocalStore

from aigaq.archive.errors import DiskFullError, StoreFailedError


class Blobs:
    """A folder of immutable objects."""

    def __init__(self, folder: Path, min_free: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.min_free = min_free
        self._store = LocalStore(prefix=folder)
        self._durable: set[Path] = set()
        self._numbers = itertools.count()

    def put_once(self, name: str, data: bytes) -> None:
        """Store durably: when this returns, a power cut does not lose it. The same bytes again are no error.

        Raises:
            DiskFullError: no room; nothing is left behind.
            StoreFailedError: the disk failed, or other bytes have this name already.
        """
        path = self.folder / name
        if path.exists():
            return self._same(path, data)
        self.require_room()
        try:
            self._write(path, data)
        except OSError as error:
            raise refusal(error, self.free()) from error
        return None

    def require_room(self) -> None:
        """Refuse early, while the database can still write.

        Raises:
            DiskFullError: less than the reserve is free.
        """
        if (free := self.free()) < self.min_free:
            raise DiskFullError(free=free)

    def free(self) -> int:
        """Bytes that are free for us."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def get(self, name: str, start: int, length: int) -> bytes:
        """A range of an object; fewer bytes if it ends before.

        Raises:
            FileNotFoundError: there is no such object.
        """
        return bytes(self._store.get_range(name, start=start, length=length))

    async def get_async(self, name: str, start: int, length: int) -> bytes:
        """As `get`, off the event loop."""
        return bytes(await self._store.get_range_async(name, start=start, length=length))

    def size(self, name: str) -> int | None:
        """Length of an object, None if there is none."""
        try:
            return self._store.head(name)["size"]
        except FileNotFoundError:
            return None

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects whose bytes live on elsewhere; one that is gone already is no error."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._store.delete(name)

    def list(self) -> Iterator[tuple[str, int]]:
        """Name and size of every object."""
        for page in obstore.list(self._store):
            for found in page:
                yield found["path"], found["size"]

    def _same(self, path: Path, data: bytes) -> None:
        if path.read_bytes() != data:
            raise StoreFailedError(str(path), problem="other bytes have this name already")
        # The first writer may have died between rename and sync.
        _sync(path)
        self._sync_folders(path.parent)

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.{next(self._numbers)}")
        try:
            with part.open("wb", buffering=0) as file:
                _write_all(file.fileno(), data)
                os.fdatasync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._sync_folders(path.parent)

    def _sync_folders(self, folder: Path) -> None:
        """Sync the directory entry, and those of parents that may be new."""
        _sync(folder)
        while folder not in self._durable and folder != self.folder:
            self._durable.add(folder)
            folder = folder.parent
            _sync(folder)


def refusal(error: OSError, free: int) -> DiskFullError | StoreFailedError:
    """What an operating system's refusal to write means for the sender."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFullError(free=free)
    return StoreFailedError(problem=error.strerror or str(error))


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
