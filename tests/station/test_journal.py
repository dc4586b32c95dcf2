"""The journal: one agent, one owner, rows without holes, and every committed row after a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from station_bench import Rig, settings_for

from aigaq.ledger.enrolment import IdentityKey
from aigaq.station.box import Box, journal_path
from aigaq.station.errors import JournalBehindError, JournalDamagedError, JournalForeignError, JournalLockedError
from aigaq.station.journal import DELIVERED, REFUSED, Identity, Journal, JournalReader
from aigaq_verify import GapCause, leaf_hash


@pytest.fixture
def rig(tmp_path, clock, quick_disk):
    return Rig(settings_for(tmp_path), clock)


def fill(rig, count=3):
    start = rig.clock.utc_ns() // 1_000_000
    for i in range(count):
        rig.segment(start + 2000 * i)
    rig.box.writer.commit()
    return start


def test_row_number_is_the_log_index(rig):
    fill(rig)
    rows = rig.rows()
    assert [row.index for row in rows] == [0, 1, 2]
    assert all(row.leaf == leaf_hash(row.encoded) for row in rows)
    rig.box.writer.seal()
    assert rig.box.writer.sealed == 3


def test_two_agents_on_one_journal(rig, clock):
    with pytest.raises(JournalLockedError) as caught:
        Box.open(rig.settings, clock)
    assert str(os.getpid()) in caught.value.explain().why


def test_the_lock_goes_with_its_process(tmp_path, clock):
    settings = settings_for(tmp_path)
    code = (
        "import sys, time; from pathlib import Path; from aigaq.station.journal import Lock;"
        "lock = Lock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(60)"
    )
    lock = settings.station.data / "lock"
    other = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(JournalLockedError) as caught:
            Box.open(settings, clock)
        assert str(other.pid) in str(caught.value)
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    Box.open(settings, clock).close()


@pytest.mark.parametrize("change", ["election", "id", "log_domain", "identity"])
def test_a_journal_of_another_station_is_refused(rig, clock, change):
    fill(rig)
    rig.kill()
    section = rig.settings.station
    if change == "identity":
        other = section.data / "other.key"
        IdentityKey.create(other)
        section = section.model_copy(update={"identity": other})
    else:
        section = section.model_copy(update={change: "other"})
    settings = rig.settings.model_copy(update={"station": section})
    with pytest.raises(JournalForeignError):
        Box.open(settings, clock)
    rig.start()
    assert len(rig.records()) >= 3


def test_a_lost_journal_is_not_begun_anew(rig, clock):
    fill(rig)
    rig.box.writer.seal()
    rig.kill()
    for path in rig.settings.station.data.glob("journal.sqlite*"):
        path.unlink()
    with pytest.raises(JournalBehindError):
        Box.open(rig.settings, clock)


def test_what_is_no_journal_says_so(tmp_path, clock):
    settings = settings_for(tmp_path)
    journal_path(settings.station.data).write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalDamagedError):
        Box.open(settings, clock)


def test_a_hole_in_the_rows_is_found(rig, clock):
    fill(rig)
    rig.kill()
    with sqlite3.connect(journal_path(rig.settings.station.data)) as db:
        db.execute("DELETE FROM rows WHERE id = 2")
    db.close()
    with pytest.raises(JournalDamagedError):
        Box.open(rig.settings, clock)


def test_answers_and_backlog(rig):
    fill(rig)
    reader, journal = rig.box.reader, rig.box.writer._journal
    assert (reader.waiting("main").rows, reader.waiting("sub").rows) == (3, 0)
    journal.answered([(0, DELIVERED, b"receipt"), (2, REFUSED, b"because")])
    assert reader.waiting("main").rows == 1
    assert [row.index for row in reader.waiting_oldest("main", (), 9)] == [1]
    assert reader.waiting_oldest("main", ("c0",), 9) == []
    assert [row.answer for row in reader.rows(0, 3)] == [b"receipt", None, b"because"]
    assert (reader.refused(), journal.offer_refused_again(), reader.refused()) == (1, 1, 0)


def test_checkpoints_come_in_pieces(rig):
    journal, reader = rig.box.writer._journal, rig.box.reader
    for size in (10, 20, 30, 5000):
        journal.keep_checkpoint(size, b"%d" % size, 7)
    assert journal.alive_ms() == 7
    assert reader.checkpoint(0, 25) == (20, b"20")
    assert reader.checkpoint(30, 1000) == (5000, b"5000")
    assert reader.checkpoint(5000, 9000) is None
    journal.prune_checkpoints(30)
    assert reader.checkpoint(0, 25) == (30, b"30")


def test_a_closed_journal_can_be_read_without_writing_rights(rig):
    fill(rig)
    rig.kill()
    reader = JournalReader(journal_path(rig.settings.station.data))
    assert reader.size() == 3
    reader.close()


COMMITTING = """
import sys
from pathlib import Path
from aigaq.station.journal import Identity, Journal, Row
from aigaq_verify import GapCause, GapRecord, leaf_hash
journal = Journal.open(Path(sys.argv[1]), Identity("e1", "s1", "o", "v"))
while True:
    n = journal.size
    rows = []
    for i in range(n, n + 3):
        record = GapRecord("e1", "s1", "c0", "main", i, i, i + 1, GapCause.NO_RTP)
        rows.append(Row(record, record.encode(), leaf_hash(record.encode())))
    print(journal.commit(rows).stop, flush=True)
"""


def test_every_committed_row_survives_sigkill(tmp_path):
    path = tmp_path / "journal.sqlite"
    said = 0
    for wait in (0.05, 0.15, 0.02):
        child = subprocess.Popen([sys.executable, "-c", COMMITTING, str(path)], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        told = [int(line) for line in child.communicate()[0].split()]
        said = max([said, *told])
        journal = Journal.open(path, Identity("e1", "s1", "o", "v"))
        assert said <= journal.size
        assert journal.size % 3 == 0
        said = journal.size
        journal.close()


def test_causes_round_trip(rig):
    stream = rig.stream()
    for i, cause in enumerate(GapCause):
        stream.stopped(rig.clock.utc_ns() // 1_000_000 + i, cause, "détail")
    rig.box.writer.commit()
    causes = [record.cause for record in rig.records() if record.to_ms is None]
    assert causes == list(GapCause)
    assert rig.check() == []
