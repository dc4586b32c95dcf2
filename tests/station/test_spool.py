"""Files of the box: whole parts only, names that outlast a crash, room for the journal."""

import errno
import os
from hashlib import sha256

import pytest
from station_bench import T0, make_init

from aigaq.station import spool as module
from aigaq.station.spool import BALLAST_BYTES, Spool
from aigaq_verify import SegmentRecord

INIT = make_init()


@pytest.fixture
def spool(tmp_path) -> Spool:
    made = Spool(tmp_path, "e1", "s1", reserve_bytes=1 << 20)
    made.prepare()
    return made


def record_of(written, seq=0) -> SegmentRecord:
    return SegmentRecord(
        "e1", "s1", "c0", "main", seq, T0, 2000, written.size, written.sha256, written.part.init_sha256
    )  # fmt: skip


def test_a_segment_gets_its_final_name_once_it_is_on_record(spool, tmp_path):
    file = spool.begin("c0", "main", T0, INIT.sha256)
    file.append((b"abc",), sync=True)
    assert file.part.path.read_bytes() == b"abc"
    file.append((b"def",), sync=False)
    record = record_of(file.finish())
    assert spool.find(record) == spool.part_of(record)
    spool.name(record)
    spool.name(record)
    final = tmp_path / "spool" / "e1/s1/c0/main/20270115/08" / f"{T0}-0-{record.sha256.hex()[:16]}.m4s"
    assert spool.find(record) == final
    assert final.read_bytes() == b"abcdef"


def test_an_open_file_of_the_same_start_is_never_overwritten(spool):
    spool.begin("c0", "main", T0, INIT.sha256).append((b"first",), sync=False)
    with pytest.raises(FileExistsError):
        spool.begin("c0", "main", T0, INIT.sha256)


def test_a_part_that_the_disk_took_half_is_taken_back(spool, monkeypatch):
    file = spool.begin("c0", "main", T0, INIT.sha256)
    file.append((b"whole",), sync=False)
    real = os.writev

    def half(fd, chunks):
        return real(fd, [*chunks[:-1], chunks[-1][:1]])

    def full(fd, data):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "writev", half)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="full"):
        file.append((b"too ", b"much"), sync=False)
    monkeypatch.undo()
    assert file.part.path.read_bytes() == b"whole"
    file.append((b" again",), sync=False)
    assert file.finish().part.path.read_bytes() == b"whole again"


def test_a_part_that_the_disk_takes_bit_by_bit_is_whole_in_the_end(spool, monkeypatch):
    real, chunks = os.writev, [bytes([n % 256]) * (n % 7) for n in range(3_000)]
    monkeypatch.setattr(os, "writev", lambda fd, some: real(fd, [*some[:-20], some[-20][:1]]))
    file = spool.begin("c0", "main", T0, INIT.sha256)
    file.append(chunks, sync=False)
    monkeypatch.undo()
    written = file.finish()
    assert written.part.path.read_bytes() == b"".join(chunks)
    assert (written.size, written.sha256) == (len(b"".join(chunks)), sha256(b"".join(chunks)).digest())


def test_a_file_that_cannot_be_synced_is_no_segment(tmp_path):
    def broken(fd):
        raise OSError(errno.EIO, "input/output error")

    spool = Spool(tmp_path, "e1", "s1", sync=broken)
    file = spool.begin("c0", "main", T0, INIT.sha256)
    file.append((b"abc",), sync=False)
    with pytest.raises(OSError, match="input/output"):
        file.finish()
    assert not file.part.path.exists()


def test_ballast_is_given_up_once_and_taken_again(spool, tmp_path):
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES
    assert spool.give_up_ballast()
    assert not spool.give_up_ballast()
    spool.refill_ballast()
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES


def test_the_share_of_the_journal_is_refused(tmp_path, spool):
    Spool(tmp_path, "e1", "s1").require_room()
    with pytest.raises(OSError, match="share of the journal") as caught:
        Spool(tmp_path, "e1", "s1", reserve_bytes=1 << 60).require_room()
    assert caught.value.errno in module.FULL


def test_inits_lie_under_their_hash(spool):
    spool.put_init(INIT.sha256, INIT.data)
    spool.put_init(INIT.sha256, INIT.data)
    assert [path.name for path in spool.inits.iterdir()] == [f"{INIT.sha256.hex()}.mp4"]


def test_what_fits_nowhere_is_set_aside_and_kept(spool, tmp_path):
    for n in range(3):
        path = tmp_path / "x.part"
        path.write_bytes(b"%d" % n)
        spool.set_aside(path)
    assert sorted(p.read_bytes() for p in spool.aside.iterdir()) == [b"0", b"1", b"2"]
