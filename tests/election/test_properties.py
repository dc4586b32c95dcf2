"""Over random registers and random damage: what is written reads back equal, and nothing is ever half read."""

import csv
import io
import tempfile
from datetime import date, time, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.base import time_zone_names
from aigaq.election import (
    Area,
    Camera,
    Election,
    Names,
    PollingStation,
    Register,
    StationKind,
    Territory,
    Zone,
    example_register,
    load_register,
    save_register,
    write_register,
)
from aigaq.election.reading import SOURCE_FILES, read_files

DAY = date(2031, 3, 16)
LETTERS = "abcXYZабвҚқҰұӘәіё0189 ,;\"'№.()/?!&-%\\"

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
names = (
    st.text(LETTERS, min_size=1, max_size=20)
    .map(str.strip)
    .map(lambda t: "x" + t.replace("?", "? ").strip() + "x")
    .filter(lambda t: "??" not in t and "?x" not in t)
)
zones = st.sampled_from(sorted(n for n in time_zone_names() if n.startswith(("Asia/", "Europe/"))))
hours = st.times().map(lambda t: t.replace(microsecond=0))
windows = st.tuples(hours, hours).filter(lambda w: w[0] != w[1])
degrees = st.integers(-890_000_000, 890_000_000).map(lambda n: n / 10**7)
urls = st.builds(
    lambda scheme, port, path: f"{scheme}://192.0.2.7:{port}/{path}",
    st.sampled_from(["rtsp", "rtmp"]),
    st.integers(1, 65535),
    st.from_regex(r"[a-zA-Z0-9/_.-]{0,20}", fullmatch=True),
)
three = st.builds(Names, names, names, names | st.just(""))


@st.composite
def registers(draw: st.DrawFn) -> Register:
    opens, closes = sorted(draw(st.lists(hours, min_size=2, max_size=2, unique=True)))
    election = Election(
        id=draw(ids),
        names=Names(draw(names), draw(names), draw(names)),
        day=draw(st.dates(date(2024, 1, 1), date(2099, 1, 1))),
        time_zone=draw(zones),
        opens=opens,
        closes=closes,
        duty={zone: draw(windows) for zone in Zone},
        area=Area(-90.0, -89.0, 179.5, 89.0),
    )
    territories: list[Territory] = []
    for territory in draw(st.lists(ids, min_size=1, max_size=4, unique=True)):
        parent = draw(st.sampled_from([None, *[t.id for t in territories]]))
        territories.append(Territory(territory, parent, draw(three), draw(st.none() | zones)))
    stations = [
        PollingStation(
            id=station,
            number=draw(st.integers(1, 99_999)),
            territory=draw(st.sampled_from(territories)).id,
            names=draw(three),
            address=draw(three),
            latitude=draw(degrees),
            longitude=draw(degrees),
            registered_voters=draw(st.integers(0, 100_000)),
            kind=draw(st.sampled_from(StationKind)),
            cameras=tuple(
                Camera(camera, station, draw(st.sampled_from(Zone)), draw(urls), draw(urls))
                for camera in draw(st.lists(ids, max_size=3, unique=True))
            ),
        )
        for station in draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    ]
    return Register(election, territories, stations)


@settings(max_examples=25, deadline=None)
@given(registers().filter(lambda r: any(True for _ in r.cameras())))
def test_what_is_written_reads_back_equal(register: Register) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_register(register, Path(name) / "source")
        assert load_register(Path(name) / "source") == register
        save_register(register, Path(name) / "data")
        assert load_register(Path(name) / "data") == register


def _example() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        return {p.name: p.read_bytes() for p in write_register(example_register(DAY), Path(name))}


EXAMPLE = _example()
hostile = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "\x00", "=cmd|' /C calc'!A0", "-1", "1e9", "NaN", "∞", "٣", "rtsp://a:b@c/", "🗳"]),
    st.just("a" * 2000),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(data=st.data(), value=hostile)
def test_any_damaged_cell_is_taken_or_told_with_its_place(data: st.DataObject, value: str) -> None:
    name = data.draw(st.sampled_from(["territories.csv", "stations.csv", "cameras.csv"]))
    table = list(csv.reader(io.StringIO(EXAMPLE[name].decode("utf-8-sig"), newline="")))
    row = data.draw(st.integers(0, len(table) - 1))
    column = data.draw(st.integers(0, len(table[0]) - 1))
    heading = table[0][column]
    table[row][column] = value
    out = io.StringIO()
    csv.writer(out).writerows(table)
    reading = read_files({**EXAMPLE, name: out.getvalue().encode("utf-8", "replace")})
    refused = [p for p in reading.problems if not p.reason.warning]
    assert (reading.register is None) == bool(refused)
    assert all(p.file and p.why() and p.hint() and p.value.isprintable() for p in reading.problems)
    if refused and row > 0:
        place = {(p.file, p.row, p.column) for p in refused}
        followers = {p.column for p in refused if p.file != name}
        assert (name, row + 1, heading) in place or (heading == "id" and followers), place


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_bytes_never_raise_and_never_import_partly(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SOURCE_FILES))
    content = bytearray(EXAMPLE[name])
    at = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.integers(0, 30))
    content[at : at + cut] = data.draw(st.binary(max_size=30))
    reading = read_files({**EXAMPLE, name: bytes(content)})
    if reading.register is None:
        assert any(not p.reason.warning for p in reading.problems)
    else:
        assert len(reading.register.stations()) + 1 >= len(example_register(DAY).stations())
        for station in reading.register.stations():
            assert reading.register.lineage(station.territory)
            for camera in station.cameras:
                window = reading.register.duty(station.id, camera.zone)
                assert window.start < window.end


@given(
    start=hours, end=hours.filter(lambda t: t != time(0)), zone=zones, day=st.dates(date(2024, 1, 1), date(2060, 1, 1))
)
@settings(max_examples=100, deadline=None)
def test_duty_never_ends_before_it_starts(start: time, end: time, zone: str, day: date) -> None:
    if start == end:
        return
    example = example_register(day)
    election = Election("e", example.election.names, day, zone, time(7), time(20), dict.fromkeys(Zone, (start, end)))
    register = Register(election, [Territory("t", None, example.election.names)], [_plain(example)])
    window = register.duty("s", Zone.BALLOT_BOX)
    length = window.end - window.start
    assert timedelta(0) <= length <= timedelta(hours=26)
    assert timedelta(milliseconds=window.end_ms - window.start_ms) == length


def _plain(example: Register) -> PollingStation:
    names = example.election.names
    return PollingStation("s", 1, "t", names, names, 0.0, 0.0, 1, StationKind.ORDINARY)
