"""From parts to rows on a real disk: what the disk refuses becomes a signed gap, and nothing sealed is touched."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from station_bench import T0, Rig, end_of, make_init, make_part, settings_for

from aigaq.station.errors import DiskFailedError, NoSpaceError
from aigaq.station.sink import LiveTap, StreamSink
from aigaq.station.spool import Spool
from aigaq_verify import Flag, GapCause, GapRecord, SegmentRecord


@pytest.fixture
def rig(tmp_path, clock, quick_disk):
    made = Rig(settings_for(tmp_path), clock)
    made.stream().stopped(T0, GapCause.NO_CONNECT, "duty begins")
    return made


def shape(records) -> list[str]:
    return [
        "segment" if isinstance(r, SegmentRecord) else f"{r.cause}{'' if r.to_ms is None else ' closed'}"
        for r in records
    ]  # fmt: skip


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_segments_and_gaps_become_chained_rows(rig):
    rig.segment(T0 + 300)
    rig.segment(T0 + 2300, flags=Flag.RTP_LOSS, lost=7)
    rig.stream().stopped(T0 + 6000, GapCause.NO_RTP, "silent")
    records = rig.records()
    assert shape(records) == ["no_connect", "no_connect closed", "segment", "segment", "no_rtp"]
    assert records[3].flags == Flag.RTP_LOSS
    assert (records[4].from_ms, records[4].to_ms) == (T0 + 4300, None)
    rig.box.writer.seal()
    assert rig.check() == []


def test_a_new_init_in_the_middle(rig):
    rig.segment(T0, init="a")
    rig.segment(T0 + 2000, init="b")
    rig.segment(T0 + 4000, init="a")
    inits = [r.init_sha256 for r in rig.records() if isinstance(r, SegmentRecord)]
    assert inits == [make_init(n).sha256 for n in "aba"]
    rig.box.writer.seal()
    assert rig.check() == []


def test_disk_full_in_the_middle_of_a_segment_keeps_its_whole_parts(rig, monkeypatch):
    stream = rig.stream()
    stream.init(make_init())
    stream.part(make_part(T0))
    stream.part(make_part(T0 + 500, 1))
    monkeypatch.setattr("aigaq.station.spool._write_all", full)
    stream.part(make_part(T0 + 1000, 2))
    stream.part(make_part(T0 + 1500, 3))
    stream.segment_end(end_of(T0, 4), Flag.NONE)
    monkeypatch.undo()
    rig.segment(T0 + 2000)
    records = rig.records()
    assert shape(records) == ["no_connect", "no_connect closed", "segment", "disk_full", "disk_full closed", "segment"]
    assert (records[2].start_ms, records[2].end_ms) == (T0, T0 + 1000)
    assert (records[4].from_ms, records[4].to_ms) == (T0 + 1000, T0 + 2000)
    assert not (rig.settings.station.data / "ballast").exists()
    rig.box.writer.seal()
    assert rig.check() == []
    assert (rig.settings.station.data / "ballast").exists()


def test_disk_full_from_the_first_byte(rig, monkeypatch):
    monkeypatch.setattr("aigaq.station.spool._write_all", full)
    rig.segment(T0 + 100)
    rig.segment(T0 + 2100)
    monkeypatch.undo()
    rig.segment(T0 + 4100)
    records = rig.records()
    assert shape(records)[-2:] == ["disk_full closed", "segment"]
    assert records[-1].start_ms == T0 + 4100
    rig.box.writer.seal()
    assert rig.check() == []
    assert not list(rig.box.spool.root.rglob("*.part"))


def test_a_segment_that_cannot_be_synced_is_a_gap(rig, monkeypatch):
    rig.segment(T0)
    rig.box.spool._sync = full
    rig.segment(T0 + 2000)
    rig.box.spool._sync = os.fdatasync
    rig.segment(T0 + 4000)
    records = rig.records()
    assert shape(records)[2:] == ["segment", "disk_full", "disk_full closed", "segment"]
    assert (records[4].from_ms, records[4].to_ms) == (T0 + 2000, T0 + 4000)


def test_the_share_of_the_journal_stays_free(rig, monkeypatch):
    rig.segment(T0)
    monkeypatch.setattr(Spool, "free_bytes", lambda self: 1000)
    for n in range(1, 50):
        rig.segment(T0 + 2000 * n)
    assert shape(rig.records())[-2:] == ["segment", "disk_full"]
    monkeypatch.undo()
    rig.segment(T0 + 100_000)
    assert shape(rig.records())[-2:] == ["disk_full closed", "segment"]


def test_a_slow_disk_drops_up_to_the_next_segment_and_signs_it(tmp_path, clock, quick_disk):
    rig = Rig(settings_for(tmp_path, limits={"backlog_mb": 1}), clock)
    writer, stream = rig.box.writer, rig.stream()
    sink = StreamSink(stream, writer, clock, flags=lambda: Flag.NONE, live=LiveTap())
    held = threading.Event()
    writer.post(held.wait)
    thread = threading.Thread(target=writer.run, daemon=True)
    thread.start()
    sink.init(make_init())
    for n in range(8):
        for i in range(4):
            sink.part(make_part(T0 + 2000 * n + 500 * i, i, size=40_000))
        sink.segment_end(end_of(T0 + 2000 * n, 4))
    assert writer.full
    held.set()
    while writer.congested:
        time.sleep(0.01)
    sink.part(make_part(T0 + 16_500, 1, size=40_000))
    for i in range(4):
        sink.part(make_part(T0 + 18_000 + 500 * i, i, size=40_000))
    sink.segment_end(end_of(T0 + 18_000, 4))
    writer.close()
    thread.join()
    records = rig.records()
    gaps = [r for r in records if isinstance(r, GapRecord) and r.to_ms]
    assert [(g.cause, g.to_ms) for g in gaps] == [(GapCause.DISK_FULL, T0 + 18_000)]
    kept = sum(r.duration_ms for r in records if isinstance(r, SegmentRecord))
    assert kept + gaps[0].to_ms - gaps[0].from_ms == 20_000
    writer.seal()
    assert rig.check() == []


def test_a_disk_that_refuses_the_journal_is_tried_again(rig):
    writer, journal = rig.box.writer, rig.box.writer._journal
    rig.segment(T0)
    real, refusals = journal.commit, [OSError(errno.ENOSPC, "full")]

    def commit(rows):
        if refusals:
            raise refusals.pop()
        return real(rows)

    journal.commit = commit
    writer.commit()
    assert writer.trouble == ""
    assert shape(rig.records())[-1] == "segment"
    assert not (rig.settings.station.data / "ballast").exists()


def test_a_disk_that_never_recovers_ends_in_its_error_and_loses_nothing(rig, clock):
    writer = rig.box.writer
    rig.segment(T0)
    writer.commit()
    rig.segment(T0 + 2000)
    rig.box.spool.give_up_ballast()
    real, writer._journal.commit = writer._journal.commit, full
    writer.close()
    with pytest.raises(DiskFailedError):
        writer.run()
    writer._journal.commit = real
    rig.kill()
    clock.advance(60)
    rig.start()
    assert shape(rig.records())[-2:] == ["segment", "restart"]
    assert rig.records()[-2].end_ms == T0 + 4000
    assert rig.check() == []


def test_duty_does_not_start_without_room(tmp_path, clock):
    settings = settings_for(tmp_path, limits={"min_free_hours": 10**7})
    with pytest.raises(NoSpaceError):
        Rig(settings, clock)
    with pytest.raises(NoSpaceError):
        Rig(settings, clock)


def test_a_restart_in_the_middle_of_duty_is_not_refused(rig, tmp_path, clock):
    rig.segment(T0)
    rig.box.writer.commit()
    rig.kill()
    limits = rig.settings.limits.model_copy(update={"min_free_hours": 10**7})
    rig.settings = rig.settings.model_copy(update={"limits": limits})
    rig.start()
    assert shape(rig.records())[-1] == "restart"


LIMITED = """
import resource, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from aigaq.base import ManualClock
import importlib.util
spec = importlib.util.spec_from_file_location("station_bench", sys.argv[2] + "/bench.py")
bench = importlib.util.module_from_spec(spec); sys.modules["station_bench"] = bench; spec.loader.exec_module(bench)
rig = bench.Rig(bench.settings_for(Path(sys.argv[1])), ManualClock(bench.T0))
rig.segment(bench.T0)
rig.box.writer.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
stream = rig.stream()
for i in range(4):
    stream.part(bench.make_part(bench.T0 + 2000 + 500 * i, i, size=60_000))
stream.segment_end(bench.end_of(bench.T0 + 2000, 4), bench.Flag.NONE)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
rig.segment(bench.T0 + 4000)
rig.box.writer.seal()
print([type(r).__name__[0] + (r.cause if hasattr(r, "cause") else str(r.duration_ms)) for r in rig.records()])
print(rig.check())
"""


def test_a_real_limit_of_the_kernel(tmp_path):
    """RLIMIT_FSIZE lets a write take half of a part: the kernel's own short write, then EFBIG."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.stdout.splitlines()[-2:] == ["['S2000', 'S1000', 'Gdisk_full', 'Gdisk_full', 'S2000']", "[]"], (
        done.stderr
    )
