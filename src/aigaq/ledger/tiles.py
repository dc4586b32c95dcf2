"""Merkle tiles of one log in a folder (c2sp.org/tlog-tiles v0.1.0), and the signed checkpoint that counts them.

The checkpoint is the only truth about size: what lies beyond it is left over from a crash, and is dropped. A tile is
durable before the checkpoint that needs it. Who may sign what is decided elsewhere.
"""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from aigaq.ledger.durable import write_whole
from aigaq.ledger.merkle import CompactRange, root_of

WIDTH: Final = 256
ENTRIES: Final = "entries"
CHECKPOINT: Final = "checkpoint"
TILES: Final = "tile"
_HASH: Final = 32
LEVELS: Final = 8
"""256^8 leaves are more than the size in any checkpoint."""


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`; N is written `x001/x234/067` for index 1234067."""
    parts = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"{TILES}/{level}/{'/'.join(parts)}{partial}"


@dataclass(frozen=True, slots=True)
class Growth:
    """A longer tree that is not yet on disk."""

    edge: CompactRange
    files: tuple[tuple[Path, bytes], ...]


class Tiles:
    """The tiles of a tree. A change is whole: when writing fails, the tree is as long as before.

    One thread at a time may change it; any number may read meanwhile.
    """

    def __init__(self, folder: Path, size: int) -> None:
        """Take the tree of that size as it is on disk; what lies beyond is dropped before the first change.

        Raises:
            OSError: a tile of the right edge is missing.
            ValueError: a tile of the right edge is not as long as its name says.
        """
        self.folder = folder
        self._size = size
        self._torn = True
        self._lock = threading.Lock()
        """Held while the size changes and what it makes superfluous goes: a reader looks up both or neither."""
        self._tile = lru_cache(maxsize=64)(self._read_tile)
        self.node = lru_cache(maxsize=4096)(self._node)
        self._edge = CompactRange.load(size, self.node)

    @property
    def size(self) -> int:
        """Leaves under the checkpoint."""
        return self._size

    def root(self) -> bytes:
        """Root hash of the tree."""
        return self._edge.root()

    def grow(self, leaves: Sequence[bytes], entries: Sequence[bytes] | None = None) -> Growth:
        """The tree with these leaf hashes behind it, and with the entries themselves where the log keeps them."""
        edge = self._edge.copy()
        for leaf in leaves:
            edge.append(leaf)
        files: list[tuple[Path, bytes]] = []
        if entries is not None:
            packed = [len(entry).to_bytes(2, "big") + entry for entry in entries]
            self._lay(ENTRIES, self._size, packed, files)
        start, hashes = self._size, list(leaves)
        for level in range(LEVELS):
            tail = self._hashes(level, start // WIDTH)
            self._lay(level, start, hashes, files)
            row = [*tail, *hashes]
            hashes = [root_of(row[i : i + WIDTH]) for i in range(0, len(row) - WIDTH + 1, WIDTH)]
            start //= WIDTH
        return Growth(edge, tuple(files))

    def commit(self, growth: Growth, checkpoint: bytes) -> None:
        """Write the tiles, then the checkpoint that counts them, and drop partial tiles that have become full."""
        self.lay(growth)
        self.publish(growth, checkpoint)

    def lay(self, growth: Growth) -> None:
        """Write the tiles, and nothing that counts them yet."""
        if self._torn:
            self._drop_beyond()
        self._torn = True
        write_whole(growth.files)

    def publish(self, growth: Growth, checkpoint: bytes) -> None:
        """Write the checkpoint that counts the tiles laid last, and drop partial tiles that have become full."""
        write_whole([(self.folder / CHECKPOINT, checkpoint)])
        with self._lock:
            self._torn = False
            before, self._size, self._edge = self._size, growth.edge.size, growth.edge
            for level, scale in self._kinds():
                for index in range(before // scale // WIDTH, self._size // scale // WIDTH):
                    shutil.rmtree(self._partials(level, index), ignore_errors=True)

    def data(self, level: int | str, index: int, width: int) -> bytes | None:
        """A whole or partial tile of the published tree as it is served, its first `width` items; None beyond it."""
        scale = 1 if level == ENTRIES else WIDTH ** int(level)
        held = self._width(scale, index)
        if not 0 < width <= held:
            return None
        data = self._current(level, index, scale)
        if level != ENTRIES:
            return data[: width * _HASH]
        return data[: _bundle_offset(data, width)]

    def entry(self, index: int) -> bytes:
        """One entry of the published tree."""
        if not 0 <= index < self._size:
            raise IndexError(f"no entry {index} in a log of {self._size}")
        data = self._current(ENTRIES, index // WIDTH, 1)
        start = _bundle_offset(data, index % WIDTH)
        return data[start + 2 : _bundle_offset(data, 1, start)]

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes from `start` to before `end`."""
        if not 0 <= start <= end <= self._size:
            raise IndexError(f"no leaves {start} to {end} in a log of {self._size}")
        first = start // WIDTH
        hashes = [h for index in range(first, -(-end // WIDTH)) for h in self._hashes(0, index)]
        return hashes[start - first * WIDTH : end - first * WIDTH]

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """Every entry from `start`, in order.

        Raises:
            ValueError: a bundle that cannot be read.
        """
        for bundle in range(start // WIDTH, -(-self._size // WIDTH)):
            data, at = self._current(ENTRIES, bundle, 1), 0
            for index in range(bundle * WIDTH, min(self._size, (bundle + 1) * WIDTH)):
                end = _bundle_offset(data, 1, at)
                if index >= start:
                    yield data[at + 2 : end]
                at = end
            if at != len(data):
                raise ValueError(f"entry bundle {bundle} is too long")

    def check(self, root: bytes) -> Iterator[str]:
        """Derive every hash again from the leaf hashes on disk, and say which tiles do not follow from them."""
        self._tile.cache_clear()
        hashes = self.leaf_hashes(0, self._size)
        if root_of(hashes) != root:
            yield "the leaf hashes do not give the root of the checkpoint"
        for level in range(1, LEVELS):
            hashes = [root_of(hashes[i : i + WIDTH]) for i in range(0, len(hashes) - WIDTH + 1, WIDTH)]
            for index in range(-(-len(hashes) // WIDTH)):
                try:
                    agrees = self._hashes(level, index) == hashes[index * WIDTH : (index + 1) * WIDTH]
                except (OSError, ValueError):
                    agrees = False
                if not agrees:
                    yield f"tile {tile_path(level, index)} does not follow from the leaf hashes"

    def _kinds(self) -> list[tuple[int | str, int]]:
        """Each kind of tile, and how many leaves stand under one of its items."""
        return [(ENTRIES, 1), *((level, WIDTH**level) for level in range(LEVELS))]

    def _width(self, scale: int, index: int) -> int:
        return max(0, min(WIDTH, self._size // scale - index * WIDTH))

    def _partials(self, level: int | str, index: int) -> Path:
        return (self.folder / tile_path(level, index, 1)).parent

    def _lay(self, level: int | str, start: int, items: Sequence[bytes], files: list[tuple[Path, bytes]]) -> None:
        """Add the tiles that `items` fill or lengthen, when `start` items stand on that level already."""
        index, width = divmod(start, WIDTH)
        held = self._tile(level, index, width) if width and items else b""
        while items:
            taken, items = items[: WIDTH - width], items[WIDTH - width :]
            path = self.folder / tile_path(level, index, width + len(taken))
            files.append((path, held + b"".join(taken)))
            index, width, held = index + 1, 0, b""

    def _current(self, level: int | str, index: int, scale: int) -> bytes:
        with self._lock:
            return self._tile(level, index, self._width(scale, index))

    def _hashes(self, level: int, index: int) -> list[bytes]:
        data = self._current(level, index, WIDTH**level)
        return [data[i : i + _HASH] for i in range(0, len(data), _HASH)]

    def _read_tile(self, level: int | str, index: int, width: int) -> bytes:
        """A tile is never rewritten once it is under a checkpoint, so it may be cached by name and width."""
        if not width:
            return b""
        data = (self.folder / tile_path(level, index, width)).read_bytes()
        if level != ENTRIES and len(data) != width * _HASH:
            raise ValueError(f"{tile_path(level, index, width)} is not {width} hashes long")
        return data

    def _node(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, 8)
        tile, offset = divmod(index << height, WIDTH)
        return root_of(self._hashes(tile_level, tile)[offset : offset + (1 << height)])

    def _drop_beyond(self) -> None:
        """Remove tiles that no checkpoint counts: another batch may take their place with other widths."""
        for level, scale in self._kinds():
            index, width = divmod(self._size // scale, WIDTH)
            while True:
                full, partials = self.folder / tile_path(level, index), self._partials(level, index)
                found = full.exists() or partials.exists()
                full.unlink(missing_ok=True)
                for path in list(partials.iterdir()) if partials.exists() else ():
                    if not path.name.isdecimal() or int(path.name) > width:
                        path.unlink()
                if not found:
                    break
                index, width = index + 1, 0


def _bundle_offset(data: bytes, count: int, start: int = 0) -> int:
    """Where the item after `count` more items begins in an entry bundle.

    Raises:
        ValueError: the bundle ends before.
    """
    for _ in range(count):
        start += 2 + int.from_bytes(data[start : start + 2], "big")
    if start > len(data):
        raise ValueError("an entry bundle is cut off")
    return start
