"""What the templates of the archive draw, from the archive's answers; and the list of a whole country."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from aigaq.archive import (
    Archive,
    CameraState,
    CameraStatus,
    LogSetup,
    Span,
    SpanState,
    StationStatus,
    create_pages,
    first_policy,
    log_origin,
)
from aigaq.archive.page_views import bars, health, holes, log_state, look, station_row, timeline_range, totals
from aigaq.base import ManualClock
from aigaq.election import Camera, DutyWindow, Register, Zone, example_register
from aigaq.ledger import LastSigned, LogKey, SigningKey
from aigaq.ledger.enrolment import Roles
from aigaq_verify import GapCause

T = 1_799_550_000_000
HOUR = 3_600_000
DUTY = [DutyWindow(datetime.fromtimestamp(T / 1000, UTC), datetime.fromtimestamp(T / 1000 + 50_000, UTC))]
REGISTER = example_register(date(2027, 1, 10))
STATION = REGISTER.station("example-001")


def status(*states: CameraState, last: int | None = T) -> StationStatus:
    cameras = [
        CameraStatus(c.id, c.zone, s, None, None if s is CameraState.NEVER else last)
        for c, s in zip(STATION.cameras, states, strict=True)
    ]
    return StationStatus(STATION.id, True, T, tuple(cameras))


def gap(start: int, end: int, state: SpanState = SpanState.GAP) -> Span:
    return Span(start, end, state, GapCause.NO_RTP if state is SpanState.GAP else None)


def test_totals_count_what_was_seen_and_what_is():
    live, never = CameraState.LIVE, CameraState.NEVER
    found = totals([status(live, live, CameraState.GAP, never, never), status(*[never] * 5)])
    assert (found.stations, found.stations_with, found.cameras, found.cameras_with) == (2, 1, 10, 3)
    parts = list(found.parts())
    assert sum(width for _, _, width in parts) == pytest.approx(1000)
    assert [state for state, _, _ in parts] == [live, CameraState.GAP, never]


def test_no_station_is_no_division_by_zero():
    assert list(totals([]).parts()) == []


def test_a_station_is_shown_by_its_ballot_box_if_that_has_footage():
    never, live = CameraState.NEVER, CameraState.LIVE
    assert station_row(STATION, status(live, live, live, live, live), "UTC").still_camera == "box"
    assert station_row(STATION, status(live, never, live, live, live), "UTC").still_camera == "desk"
    assert station_row(STATION, None, "UTC").still_camera is None


def test_a_zone_without_camera_is_listed():
    bare = replace(STATION, cameras=STATION.cameras[:1])
    row = station_row(bare, None, "UTC")
    assert [line.zone for line in row.zones] == list(Zone)
    assert [line.camera for line in row.zones] == ["desk", None, None, None, None]


@pytest.mark.parametrize(
    ("bounds", "now", "expected"),
    [
        (None, T - HOUR, (T, T + HOUR, T)),
        ((T + 5000, T + HOUR), T + HOUR, (T, T + HOUR, T + 5000)),
        ((T - HOUR, T + HOUR), T + HOUR, (T - HOUR, T + HOUR, T - HOUR)),
        ((T, T + HOUR), T + 400_000_000, (T, T + 50_000_000, T)),
        ((T + HOUR, T + HOUR + 1000), T + HOUR, (T, T + HOUR, T + HOUR - 120_000)),
    ],
    ids=["before the day", "on the day", "tried out before", "long after", "just begun"],
)
def test_the_timeline_covers_duty_and_footage(bounds, now, expected):
    found = timeline_range(DUTY, bounds, now)
    assert (found.from_ms, found.to_ms, found.view_from_ms) == expected


@given(st.tuples(st.integers(0, 2**42), st.integers(0, 2**42)).map(sorted), st.integers(0, 2**42))
def test_a_lying_clock_gives_a_range_all_the_same(bounds, now):
    found = timeline_range(DUTY, tuple(bounds), now)
    assert found.from_ms <= found.view_from_ms < found.to_ms <= found.end_ms
    assert found.end_ms - found.from_ms <= 8 * 86_400_000


def test_gaps_lie_on_top_and_never_vanish():
    covered = timeline_range(DUTY, (T, T + 40_000_000), T + 40_000_000)
    spans = [Span(T, T + 9_000_000, SpanState.RECORDED, None, True), gap(T + 9_000_000, T + 9_001_000)]
    spans.append(Span(T + 9_001_000, T + 40_000_000, SpanState.RECORDED, None, False))
    drawn = bars(spans, covered)
    assert [bar.look for bar in drawn] == ["recorded", "pending", "gap"]
    assert drawn[-1].width == 3


def test_every_state_has_a_look_that_the_style_sheet_knows():
    looks = {look(Span(0, 1, state, None, sealed)) for state in SpanState for sealed in (True, False)}
    assert looks == {"recorded", "pending", "gap", "absence", "missing", "off", "future"}
    css = (Path(__file__).parents[2] / "ui" / "src" / "css" / "timeline.css").read_text(encoding="utf-8")
    assert all(f".{name} {{" in css for name in looks)


def test_holes_in_common_are_one_row_newest_first():
    desk, box = STATION.cameras[:2]
    shared, own = gap(T, T + 60_000), gap(T + 90_000, T + 95_000)
    found = holes([desk, box], {"desk": [shared], "box": [shared, own]}, T + HOUR)
    assert [(h.cameras, h.length_ms) for h in found] == [((box,), 5000), ((desk, box), 60_000)]


def test_what_is_on_its_way_is_no_hole_yet():
    camera: Camera = STATION.cameras[0]
    now = T + HOUR
    late, lost = gap(now - 9000, now, SpanState.MISSING), gap(now - 60_000, now, SpanState.MISSING)
    assert holes([camera], {"desk": [late]}, now) == []
    assert len(holes([camera], {"desk": [lost]}, now)) == 1
    assert len(holes([camera], {"desk": [gap(now - 9000, now)]}, now)) == 1, "a signed gap is told at once"
    assert holes([camera], {"desk": [gap(T, T + 500)]}, now) == [], "rounding, not a hole"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["disk", "backlog", "bytes"]), inner),
)


@given(st.none() | st.dictionaries(st.sampled_from(["received_ms", "clock_synced", "disk", "backlog"]), JSON))
def test_a_box_may_say_anything(told):
    found = health(told)
    assert found is None or isinstance(found.received_ms, int)


def test_health_is_read():
    told = {"received_ms": T, "clock_synced": False, "disk": {"hours_left": 31.5}}
    found = health({**told, "backlog": {"sub": {"bytes": 10}, "main": {"bytes": 90}}})
    assert found
    assert (found.clock_synced, found.hours_left, found.waiting_bytes) == (False, 31.5, 100)


def told(at_ms=None, states=("cosigned", "cosigned", "unreachable"), *, stopped=False):
    witnessed = None if at_ms is None else {"size": 7, "at_ms": at_ms}
    return {"size": 9, "witnessed": witnessed, "witnesses": [{"state": s} for s in states], "stopped": stopped}


@pytest.mark.parametrize(
    ("status", "quorum", "state"),
    [
        (told(T - 5000), True, "witnessed"),
        (told(T - 61_000), True, "stale"),
        (told(), True, "never"),
        (told(states=()), False, "alone"),
        (told(T, stopped=True), True, "stopped"),
    ],
)
def test_the_log_is_never_told_better_than_it_is(status, quorum, state):
    found = log_state(status, T, quorum=quorum)
    assert (found.state, found.size) == (state, 9)
    assert found.cosigned <= found.witnesses


def test_silence_that_the_centre_signed_is_a_row_of_its_own():
    silence = Span(T - 60_000, T - 20_000, SpanState.ABSENCE, sealed=True)
    [hole] = holes(STATION.cameras[:2], {c.id: (silence,) for c in STATION.cameras[:2]}, T)
    assert (len(hole.cameras), hole.length_ms, look(hole.span)) == (2, 40_000, "absence")
    [bar] = bars([silence], timeline_range(DUTY, (T - 60_000, T), T))
    assert bar.look == "absence"


@contextlib.contextmanager
def pages_of(register, folder):
    """The pages of an archive that holds nothing yet; its log is signed by itself alone."""
    key, log = SigningKey.create(folder / "key"), LogKey.create(folder / "log.key")
    origin = log_origin("log.example.org", register.election.id)
    last = LastSigned.open(folder / "last.sqlite")
    setup = LogSetup(origin, log, last, first_policy(log, "log.example.org", register.election.id).encode(), Roles(()))
    archive = Archive(folder / "data", register, ManualClock(T), key, log=setup)
    asyncio.run(archive.open())
    try:
        yield TestClient(create_pages(archive))
    finally:
        asyncio.run(archive.stop())


@pytest.fixture
def country(tmp_path):
    """The pages of 10,400 stations, none of which has sent anything yet."""
    like = REGISTER.stations()
    many = [
        replace(
            like[n % 3],
            id=f"s-{n}",
            number=n,
            cameras=tuple(replace(c, station=f"s-{n}") for c in like[n % 3].cameras),
        )
        for n in range(1, 10_401)
    ]
    register = Register(REGISTER.election, REGISTER.territories(), many)
    with pages_of(register, tmp_path) as client:
        yield client


def test_a_whole_country_stays_readable(country):
    first = country.get("/kk/")
    assert first.text.count("<tr>") == 51
    assert "10400 сайлау учаскесі" in first.text
    assert len(first.content) < 300_000
    assert '"?page=2"' in first.text
    last = country.get("/kk/?page=208").text
    assert 'href="/kk/station/s-10400"' in last
    assert 'rel="next"' not in last
    assert country.get("/kk/?q=10399").text.count("<tr>") == 2


def test_a_page_number_that_is_none_is_the_first(country):
    for page in ("0", "-3", "x", "99999999", "²"):
        assert country.get(f"/en/?page={page}").status_code == 200


def test_a_station_before_the_day_can_be_looked_at(country):
    answer = country.get("/ru/station/s-17")
    assert answer.status_code == 200
    assert "Записи пока нет" in answer.text


def test_a_station_without_cameras_says_so(tmp_path):
    bare = Register(REGISTER.election, REGISTER.territories(), [replace(STATION, cameras=())])
    with pages_of(bare, tmp_path) as client:
        answer = client.get("/en/station/example-001")
    assert "lists no camera" in answer.text
