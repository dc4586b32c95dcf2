"""The copy of the log on an object store: a whole log as of its checkpoint, whatever interrupts the copying."""

from pathlib import Path

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import LocalStore

from aigaq.ledger import LastSigned, LogKey, Mirror, MirrorError, NationalLog
from aigaq.ledger.tiles import Tiles
from aigaq_verify import Checkpoint

ORIGIN = "log.example/vote-26"


class Pair:
    """A log and its copy in another folder."""

    def __init__(self, folder: Path, key: LogKey) -> None:
        self.key, self.copy = key, folder / "copy"
        self.last = LastSigned.open(folder / "last-signed.sqlite")
        self.log = NationalLog.open(folder / "log", ORIGIN, key, self.last)
        self.mirror = self.fresh()

    def fresh(self) -> Mirror:
        self.mirror = Mirror(LocalStore(self.copy, mkdir=True))
        return self.mirror

    async def bring(self, size: int | None = None) -> None:
        """As of now; with another size as of an older checkpoint, while the log has gone on."""
        head = self.log.head
        await self.mirror.copy(size or head.size, head.note, lambda tile: self.log.tiles.data(*tile))

    def check(self, size: int) -> None:
        """What lies there is that tree and nothing but it."""
        tiles = Tiles(self.copy, size)
        note = (self.copy / "checkpoint").read_bytes()
        assert Checkpoint.open(note, self.key.verifiers(ORIGIN))[0].root == tiles.root()
        assert list(tiles.check(tiles.root())) == []
        assert list(tiles.entries()) == [b"leaf %d" % n for n in range(size)]
        partial = [p for p in self.copy.rglob("*.p/*") if p.is_file()]
        assert len(partial) <= 1 + 8

    def grow(self, count: int) -> None:
        start = self.log.size
        self.log.commit([b"leaf %d" % n for n in range(start, start + count)])

    def close(self) -> None:
        self.log.close()
        self.last.close()


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> LogKey:
    return LogKey.create(tmp_path_factory.mktemp("keys") / "log.key")


@pytest.fixture
def pair(tmp_path, key):
    made = Pair(tmp_path, key)
    yield made
    made.close()


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=4), restart=st.booleans())
async def test_the_copy_is_a_log_after_each_step(key, tmp_path_factory, sizes, restart):
    pair = Pair(tmp_path_factory.mktemp("mirror"), key)
    for count in sizes:
        pair.grow(count)
        await pair.bring()
        pair.check(pair.log.size)
        if restart:
            pair.fresh()
    pair.close()


async def test_a_copy_of_an_older_checkpoint_while_the_log_goes_on(pair):
    pair.grow(300)
    note = pair.log.head.note
    pair.grow(900)
    await pair.mirror.copy(300, note, lambda tile: pair.log.tiles.data(*tile))
    pair.check(300)


@pytest.mark.parametrize("step", range(7))
async def test_a_store_that_fails_leaves_the_older_log_whole(pair, monkeypatch, step):
    pair.grow(300)
    await pair.bring()
    pair.grow(400)
    put, left = obstore.put_async, [step]

    async def failing(*words: object) -> object:
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return await put(*words)

    monkeypatch.setattr("obstore.put_async", failing)
    with pytest.raises(MirrorError):
        await pair.bring()
    pair.check(300)
    monkeypatch.undo()
    await pair.bring()
    pair.check(700)


async def test_what_was_lost_there_is_brought_again(pair):
    """A folder that is not synced loses names and bytes with the power: the next program looks what is there."""
    pair.grow(700)
    await pair.bring()
    (pair.copy / "tile/0/001").unlink()
    (pair.copy / "tile/entries/000").write_bytes(b"")
    (pair.copy / "tile/0/002.p").mkdir(exist_ok=True)
    (pair.copy / "tile/0/002.p/99").write_bytes(bytes(99 * 32))
    pair.fresh()
    await pair.bring()
    pair.check(700)
    assert not (pair.copy / "tile/0/002.p/99").exists()


def test_addresses(tmp_path):
    with pytest.raises(MirrorError):
        Mirror.open("gopher://nowhere")
    Mirror.open(f"file://{tmp_path}")
