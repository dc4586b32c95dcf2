"""What is sent next: playbooks of the two lanes."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from station_bench import T0

from aigaq.station.journal import StoredRow
from aigaq.station.lanes import HOLD_S, LIVE_MS, RETRY_MAX_S, Backoff, Lane, Lanes, TokenBucket
from aigaq_verify import GapCause, GapRecord, SegmentRecord

NOW = T0 + 10**6


class Rows:
    """A journal in a list."""

    def __init__(self) -> None:
        self.rows: list[StoredRow] = []

    def segment(self, stream: str, age_ms: int, *, camera: str = "c0", size: int = 1000) -> StoredRow:
        n = len(self.rows)
        record = SegmentRecord(
            "e1", "s1", camera, stream, n, NOW - age_ms - 2000, 2000, size, bytes(32), bytes(32)
        )  # fmt: skip
        return self._add(record)

    def gap(self, *, camera: str = "c0") -> StoredRow:
        return self._add(GapRecord("e1", "s1", camera, "main", len(self.rows), T0, None, GapCause.NO_RTP))

    def _add(self, record) -> StoredRow:
        self.rows.append(StoredRow(len(self.rows), record, record.encode(), bytes(32), "", 0, None))
        return self.rows[-1]

    def settle(self, index: int) -> None:
        self.rows[index] = replace(self.rows[index], state=1)

    def _waiting(self, kind, stream, without):
        return [
            r
            for r in self.rows
            if r.state == 0
            and isinstance(r.record, kind)
            and r.record.camera not in without
            and stream in {None, r.record.stream}
        ]

    def waiting_gaps(self, without, count):
        return self._waiting(GapRecord, None, without)[:count]

    def waiting_newest(self, stream, since_ms, without, count):
        newest = self._waiting(SegmentRecord, stream, without)[::-1][:count]
        return [r for r in newest if r.record.end_ms > since_ms]

    def waiting_oldest(self, stream, without, count):
        return self._waiting(SegmentRecord, stream, without)[:count]


def lanes_of(rows, mbps=None):
    return Lanes(rows, TokenBucket(mbps * 125_000 if mbps else None), lambda: 0.0)


def drain(lanes, rows, lane, now=0.0):
    """Everything that the lane sends, in order, if all goes well."""
    sent = []
    while row := lanes.next(lane, now, NOW):
        lanes.delivered(lane)
        rows.settle(row.index)
        lanes.recorded([row.index])
        sent.append(row.index)
    return sent


def test_live_lane_sends_gaps_then_the_newest_sub():
    rows = Rows()
    rows.segment("sub", 4000), rows.segment("main", 3000), rows.segment("sub", 2000), rows.gap()
    assert drain(lanes_of(rows), rows, Lane.LIVE) == [3, 2, 0]


def test_backfill_brings_back_the_old_picture_first_then_main_oldest_first():
    rows = Rows()
    rows.segment("main", LIVE_MS + 9000), rows.segment("sub", LIVE_MS + 8000), rows.segment("main", 10)
    rows.segment("sub", LIVE_MS + 1), rows.segment("sub", 5000)
    lanes = lanes_of(rows)
    assert drain(lanes, rows, Lane.BACKFILL) == [1, 3, 0, 2]
    assert drain(lanes, rows, Lane.LIVE) == [4]


def test_a_row_under_way_is_not_given_twice():
    rows = Rows()
    rows.segment("sub", 10), rows.segment("sub", 5)
    lanes = lanes_of(rows)
    assert [lanes.next(Lane.LIVE, 0, NOW).index for _ in range(2)] == [1, 0]
    assert lanes.next(Lane.LIVE, 0, NOW) is None


def test_a_delivered_row_stays_taken_until_it_is_on_record():
    rows = Rows()
    rows.segment("sub", 10)
    lanes = lanes_of(rows)
    row = lanes.next(Lane.LIVE, 0, NOW)
    lanes.delivered(Lane.LIVE)
    assert lanes.next(Lane.LIVE, 0, NOW) is None
    rows.settle(row.index)
    lanes.recorded([row.index])
    assert lanes.next(Lane.LIVE, 0, NOW) is None


def test_after_a_failure_the_lane_waits_and_then_tries_another_first():
    rows = Rows()
    rows.segment("sub", 10), rows.segment("sub", 5)
    lanes = lanes_of(rows)
    first = lanes.next(Lane.LIVE, 0.0, NOW)
    lanes.failed(Lane.LIVE, first, 0.0)
    wait = lanes.wait_s(Lane.LIVE, 0.0)
    assert wait > 0
    assert lanes.next(Lane.LIVE, wait / 2, NOW) is None
    assert lanes.next(Lane.LIVE, wait, NOW).index == 0
    lanes.delivered(Lane.LIVE)
    assert lanes.next(Lane.LIVE, wait + 1, NOW).index == first.index


def test_lanes_do_not_hold_each_other_up():
    rows = Rows()
    rows.segment("sub", 10), rows.segment("main", 10)
    lanes = lanes_of(rows)
    lanes.failed(Lane.BACKFILL, lanes.next(Lane.BACKFILL, 0.0, NOW), 0.0)
    assert lanes.next(Lane.LIVE, 0.0, NOW).index == 0


def test_a_box_that_is_not_enrolled_pauses_everything():
    rows = Rows()
    rows.segment("sub", 10), rows.segment("main", 10)
    lanes = lanes_of(rows)
    lanes.pause(lanes.next(Lane.LIVE, 0.0, NOW), 0.0)
    assert all(lanes.wait_s(lane, 0.0) == HOLD_S for lane in Lane)
    assert lanes.next(Lane.LIVE, HOLD_S, NOW).index == 0


def test_a_camera_that_the_centre_does_not_know_rests_alone():
    rows = Rows()
    for _ in range(50):
        rows.segment("main", 10, camera="new")
    rows.segment("main", 5)
    lanes = lanes_of(rows)
    lanes.hold_camera(lanes.next(Lane.BACKFILL, 0.0, NOW), 0.0)
    assert lanes.next(Lane.BACKFILL, 0.0, NOW).index == 50
    assert lanes.next(Lane.BACKFILL, HOLD_S, NOW).index == 0


def test_a_damaged_file_rests_alone():
    rows = Rows()
    rows.segment("main", 10), rows.segment("main", 5)
    lanes = lanes_of(rows)
    lanes.rest(lanes.next(Lane.BACKFILL, 0.0, NOW), 0.0)
    assert [lanes.next(Lane.BACKFILL, t, NOW).index for t in (0.0, HOLD_S)] == [1, 0]


def test_backfill_gets_what_live_leaves_of_the_uplink():
    rows, now, sent = Rows(), 0.0, dict.fromkeys(Lane, 0)
    for _ in range(2000):
        rows.segment("main", 10, size=100_000)
    lanes = lanes_of(rows, mbps=8)
    for step in range(1000):
        now = step / 100
        if step % 50 == 0:
            rows.segment("sub", 5, size=100_000)
        for lane in Lane:
            if row := lanes.next(lane, now, NOW):
                sent[lane] += row.record.size
                rows.settle(row.index)
                lanes.recorded([row.index])
    assert sent[Lane.LIVE] == 20 * 100_000
    assert abs(sum(sent.values()) - 10 * 1_000_000) <= 1_100_000 + 100_000


@given(st.lists(st.floats(0, 0.999), min_size=1, max_size=30))
def test_backoff_grows_jitters_and_is_bounded(jitters):
    draws, now, backoff = iter(jitters), 0.0, None
    backoff = Backoff(lambda: next(draws))
    for n in range(len(jitters)):
        backoff.failed(now)
        assert 0.25 <= backoff.until - now <= min(RETRY_MAX_S, 0.5 * 2**n)
        now = backoff.until
    backoff.succeeded()
    assert backoff.until == 0.0


class Errands:
    """Sends rows with any outcome, and remembers what was delivered."""

    def __init__(self, lanes: Lanes, rows: Rows) -> None:
        self.lanes, self.rows = lanes, rows
        self.flying: list[tuple[Lane, StoredRow]] = []
        self.delivered: list[int] = []

    def deliver(self, lane: Lane, row: StoredRow, _now: float) -> None:
        self.lanes.delivered(lane)
        self.rows.settle(row.index)
        self.lanes.recorded([row.index])
        self.delivered.append(row.index)

    def fail(self, lane: Lane, row: StoredRow, now: float) -> None:
        self.lanes.failed(lane, row, now)

    def rest(self, _lane: Lane, row: StoredRow, now: float) -> None:
        self.lanes.rest(row, now)

    def hold(self, _lane: Lane, row: StoredRow, now: float) -> None:
        self.lanes.hold_camera(row, now)

    def pause(self, _lane: Lane, row: StoredRow, now: float) -> None:
        self.lanes.pause(row, now)

    def finish(self, now: float) -> None:
        """From now on all goes well."""
        while self.flying:
            self.deliver(*self.flying.pop(), now)
        for _ in range(3):
            now += 10**4
            for lane in Lane:
                while (row := self.lanes.next(lane, now, NOW + LIVE_MS)) or self.lanes.wait_s(lane, now) > 0:
                    now += 1
                    if row:
                        self.deliver(lane, row, now)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_nothing_is_forgotten_and_nothing_sent_twice(data):
    """Whatever fails and in whatever order, every row is delivered once."""
    rows, now = Rows(), 0.0
    for _ in range(data.draw(st.integers(0, 15))):
        camera, kind = data.draw(st.sampled_from(["c0", "c1"])), data.draw(st.sampled_from(["main", "sub", "gap"]))
        age_ms = data.draw(st.integers(0, 10**6))
        rows.gap(camera=camera) if kind == "gap" else rows.segment(kind, age_ms, camera=camera)
    errands = Errands(lanes_of(rows, mbps=data.draw(st.sampled_from([None, 100]))), rows)
    flying = errands.flying
    for _ in range(25):
        lane = data.draw(st.sampled_from(list(Lane)))
        if row := errands.lanes.next(lane, now, NOW):
            assert row.index not in [r.index for _, r in flying]
            flying.append((lane, row))
        if flying and data.draw(st.booleans()):
            outcome = data.draw(
                st.sampled_from([errands.deliver, errands.fail, errands.rest, errands.hold, errands.pause])
            )
            outcome(*flying.pop(data.draw(st.integers(0, len(flying) - 1))), now)
        now += data.draw(st.floats(0, 50))
    errands.finish(now)
    assert sorted(errands.delivered) == list(range(len(rows.rows)))
