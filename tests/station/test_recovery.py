"""Whatever moment the box dies at: all whole parts are kept, the rest is a signed gap, and the rows tile."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from station_bench import T0, Rig, make_init, make_part, settings_for

from aigaq.base import ManualClock
from aigaq.station.errors import RecoveryError
from aigaq_verify import Flag, GapCause, GapRecord, SegmentRecord


@pytest.fixture
def rig(tmp_path, clock, quick_disk):
    return Rig(settings_for(tmp_path), clock)


def begin(rig, start_ms, parts, stream=None):
    stream = stream or rig.stream()
    stream.init(make_init())
    for i in range(parts):
        stream.part(make_part(start_ms + 500 * i, i))


def part_file(rig) -> Path:
    (found,) = rig.box.spool.root.rglob("*.part")
    return found


def test_a_torn_segment_keeps_its_whole_parts(rig):
    rig.segment(T0)
    begin(rig, T0 + 2000, 3)
    rig.box.writer.commit()
    rig.kill()
    rig.clock.advance(60)
    rig.start()
    _, torn, gap = rig.records()
    assert (torn.start_ms, torn.end_ms, torn.flags) == (T0 + 2000, T0 + 3500, Flag.RECOVERED)
    assert (gap.from_ms, gap.to_ms, gap.cause) == (T0 + 3500, None, GapCause.RESTART)
    assert rig.box.recovery.recovered == 1
    assert rig.check() == []


def test_every_truncation_of_the_file(tmp_path, quick_disk):
    data = b"".join(make_part(T0 + 500 * i, i, size=20).data for i in range(3))
    ends = [len(b"".join(make_part(T0 + 500 * i, i, size=20).data for i in range(n + 1))) for n in range(3)]
    for cut in range(0, len(data) + 1, 13):
        rig = Rig(settings_for(tmp_path / str(cut), sub=False), ManualClock(T0))
        begin(rig, T0, 1)
        part_file(rig).write_bytes(data[:cut])
        rig.kill()
        rig.clock.advance(10)
        rig.start()
        n = sum(end <= cut for end in ends)
        found = [(r.size, r.duration_ms) for r in rig.records() if isinstance(r, SegmentRecord)]
        assert found == ([(ends[n - 1], 500 * n)] if n else [])
        assert rig.check() == []
        rig.kill()


def test_a_prevented_rename_is_finished(rig, monkeypatch):
    monkeypatch.setattr("aigaq.station.spool.Spool.name", lambda self, record: None)
    rig.segment(T0)
    rig.box.writer.seal()
    assert rig.check() == []
    rig.kill()
    monkeypatch.undo()
    rig.start()
    assert rig.box.recovery.renamed == 1
    assert not list(rig.box.spool.root.rglob("*.part"))
    assert rig.check() == []


def test_a_synced_segment_without_its_row_is_recovered_whole(rig):
    rig.segment(T0)
    rig.kill()
    rig.clock.advance(3)
    rig.start()
    assert [type(r) for r in rig.records()] == [SegmentRecord, GapRecord]
    assert rig.records()[0].duration_ms == 2000
    assert rig.check() == []


def test_a_file_whose_time_is_taken_is_set_aside(rig):
    rig.segment(T0)
    rig.segment(T0 + 2000)
    rig.box.writer.commit()
    stale = rig.box.spool.path_of(rig.records()[0]).parent / f"{T0}.{'ab' * 32}.part"
    stale.write_bytes(make_part(T0).data)
    rig.kill()
    rig.start()
    (problem,) = rig.box.recovery.problems
    assert isinstance(problem, RecoveryError)
    assert (rig.settings.station.data / "set-aside" / stale.name).read_bytes() == make_part(T0).data
    assert rig.check() == []


@pytest.mark.parametrize("lie", ["elsewhere", "endless"])
def test_a_torn_file_of_impossible_times_is_set_aside(rig, lie):
    begin(rig, T0, 1)
    odd = make_part(T0 + 5000, 0) if lie == "elsewhere" else make_part(T0, 0, duration=61_000 * 90)
    part_file(rig).write_bytes(odd.data)
    rig.kill()
    rig.clock.advance(100)
    rig.start()
    assert rig.records() == []
    assert [p.read_bytes() for p in (rig.settings.station.data / "set-aside").iterdir()] == [odd.data]


def test_a_camera_that_left_the_settings_is_closed_by_the_operator(tmp_path, clock, quick_disk):
    rig = Rig(settings_for(tmp_path, cameras=2), clock)
    begin(rig, T0, 2, rig.stream("c1", "sub"))
    rig.kill()
    rig.settings = settings_for(tmp_path, cameras=1)
    rig.clock.advance(5)
    rig.start()
    assert [getattr(r, "cause", "segment") for r in rig.records("c1", "sub")] == [
        "segment", GapCause.RESTART, GapCause.RESTART, GapCause.OPERATOR,
    ]  # fmt: skip
    assert rig.check() == []


def test_the_clock_was_set_back_while_the_box_was_off(rig):
    rig.segment(T0)
    rig.box.writer.commit()
    rig.kill()
    rig.clock.step(-86_400)
    rig.start()
    rig.segment(T0 - 86_400_000 + 500)
    causes = [(r.from_ms, r.to_ms, r.cause) for r in rig.records() if isinstance(r, GapRecord)]
    assert causes[0] == (T0 + 2000, T0 - 86_400_000, GapCause.CLOCK_STEP)
    rig.box.writer.seal()
    assert rig.check() == []


class World:
    """A camera, a clock, a disk and an operator, all of bad luck; and what must be true of the rows afterwards."""

    def __init__(self, rig: Rig, draw) -> None:
        self.rig, self.draw, self.now, self.recording = rig, draw, T0, None

    def step(self) -> None:
        getattr(self, self.draw(st.sampled_from([
            "segment", "segment", "segment", "stop", "kill", "tear", "clock", "off_duty", "left", "seal", "disk",
        ])))()  # fmt: skip
        self.now += self.draw(st.integers(0, 3000))
        self.rig.clock = ManualClock(self.now)

    def segment(self) -> None:
        start = self.recording if self.recording is not None else self.now
        parts = self.draw(st.integers(1, 4))
        self.rig.segment(start, parts)
        self.recording = start + 500 * parts
        self.now = max(self.now, self.recording)

    def stop(self) -> None:
        cause = self.draw(st.sampled_from([GapCause.NO_RTP, GapCause.NO_CONNECT, GapCause.NO_IDR]))
        self.rig.stream().stopped(self.now, cause, "")
        self.recording = None

    def clock(self) -> None:
        self.now += self.draw(st.integers(-(10**7), 10**7))
        if self.draw(st.booleans()):
            self.rig.stream().stopped(self.now, GapCause.CLOCK_STEP, "")
            self.recording = None

    def kill(self) -> None:
        self.rig.kill()
        self.rig.start()
        self.recording = None

    def tear(self) -> None:
        """Die inside a segment, with a torn last part."""
        start = self.recording if self.recording is not None else self.now
        begin(self.rig, start, self.draw(st.integers(1, 3)))
        torn = list(self.rig.box.spool.root.rglob("*.part"))
        for path in torn[-1:]:
            os.truncate(path, max(0, path.stat().st_size - self.draw(st.integers(0, 400))))
        self.kill()

    def off_duty(self) -> None:
        self.rig.stream().off_duty(self.now)
        self.recording = None

    def left(self) -> None:
        self.rig.stream().left(self.now, "stopped")
        self.recording = None

    def seal(self) -> None:
        self.rig.box.writer.seal()

    def disk(self) -> None:
        """One segment for which there is no room."""
        spool = self.rig.box.spool
        spool._reserve, before = 1 << 60, spool._reserve
        self.rig.segment(self.recording if self.recording is not None else self.now)
        spool._reserve = before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_life_of_a_box_leaves_rows_that_hold(tmp_path, quick_disk, data):
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    world = World(Rig(settings_for(folder, sub=False), ManualClock(T0)), data.draw)
    for _ in range(data.draw(st.integers(1, 14))):
        world.step()
    rig = world.rig
    rig.box.writer.seal()
    assert rig.check() == []
    assert rig.box.writer.sealed == len(rig.rows())
    rig.kill()


RECORDING = """
import sys, time, importlib.util
spec = importlib.util.spec_from_file_location("station_bench", sys.argv[2] + "/bench.py")
bench = importlib.util.module_from_spec(spec); sys.modules["station_bench"] = bench; spec.loader.exec_module(bench)
from pathlib import Path
from aigaq.base import SystemClock
rig = bench.Rig(bench.settings_for(Path(sys.argv[1])), SystemClock())
start = time.time_ns() // 1_000_000
print(start, flush=True)
n = 0
while True:
    for stream in rig.box.streams.values():
        stream.init(bench.make_init())
    for i in range(4):
        for stream in rig.box.streams.values():
            stream.part(bench.make_part(start + 2000 * n + 500 * i, i, size=3000))
        print(f"part {n} {i}", flush=True)
    for stream in rig.box.streams.values():
        stream.segment_end(bench.end_of(start + 2000 * n, 4), bench.Flag.NONE)
    if n % 3 == 1:
        rig.box.writer.seal()
    n += 1
"""


def test_sigkill_of_a_recording_process_at_random_moments(tmp_path):
    """Every part that the process had written is on record afterwards, in a segment that is whole."""
    rng = random.Random(7)
    config = settings_for(tmp_path)
    for _ in range(4):
        command = [sys.executable, "-c", RECORDING, str(tmp_path), str(Path(__file__).parent)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
        start = int(next(line for line in child.stdout if line.strip().isdecimal()))
        time.sleep(rng.uniform(0.01, 0.15))
        child.send_signal(signal.SIGKILL)
        told = child.communicate()[0].splitlines()
        parts = [tuple(map(int, line.split()[1:])) for line in told if line.startswith("part ")]
        rig = Rig(config, ManualClock(start + 10**6))
        assert rig.check() == []
        for camera, stream in (("c0", "main"), ("c0", "sub")):
            segments = [r for r in rig.records(camera, stream) if isinstance(r, SegmentRecord) and r.start_ms >= start]
            last = parts[-1] if parts else (-1, 0)
            assert sum(s.duration_ms for s in segments) >= last[0] * 2000 + (last[1] + 1) * 500
        rig.kill()
