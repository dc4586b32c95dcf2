"""Every kind of mistake in a register's files is told with file, row, column, value; none imports anything."""

import json
import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest

from aigaq.election import NoRegisterError, RegisterError, Zone, example_register, load_register, write_register
from aigaq.election.problems import REASONS
from aigaq.election.reading import read_files, read_folder
from aigaq.election.tables import SIZE_LIMIT_MB

DAY = date(2031, 3, 16)
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("register")
    return {p.name: p.read_bytes() for p in write_register(example_register(DAY), folder)}


def edited(files: Files, name: str, old: str, new: str) -> Files:
    text = files[name].decode()
    assert old in text, f"{old!r} is not in {name}"
    return {**files, name: text.replace(old, new, 1).encode()}


def told(files: Files) -> list[tuple[str, str, int | None, str, str]]:
    """Every problem that stops the import: code, file, row, column, value."""
    reading = read_files(files)
    problems = [p for p in reading.problems if not p.reason.warning]
    assert (reading.register is None) == bool(problems)
    return [(p.reason.code.removeprefix("election."), p.file, p.row, p.column, p.value) for p in problems]


def warned(files: Files) -> list[tuple[str, str, int | None]]:
    return [(p.reason.code.removeprefix("election."), p.file, p.row) for p in read_files(files).warnings]


def test_the_example_imports_without_a_word(example: Files) -> None:
    reading = read_files(example)
    assert reading.register == example_register(DAY)
    assert reading.problems == ()


DESK = "rtsp://192.0.2.10/example-001/desk/main"

ORPHANS = [f"unknown_station_id cameras.csv:{row}:station=example-002" for row in range(7, 12)]

ONE_MISTAKE = [
    ("stations.csv", "example-001,", "Example 1,", ["not_an_id stations.csv:2:id=Example 1"]),
    (
        "stations.csv",
        "example-002,2",
        "example-001,2",
        [
            "duplicate stations.csv:3:id=example-001",
            "unknown_station_id stations.geojson:2:properties.id=example-002",
            *ORPHANS,
        ],
    ),
    (
        "stations.csv",
        "example-001,1,steppe",
        "example-001,1,taiga",
        ["unknown_territory_id stations.csv:2:territory=taiga"],
    ),
    ("territories.csv", "steppe,example", "steppe,exmple", ["unknown_territory_id territories.csv:3:parent=exmple"]),
    ("territories.csv", "example,,", "example,steppe,", ["cycle territories.csv:2:parent=example"]),
    ("cameras.csv", "example-001,desk", "example-009,desk", ["unknown_station_id cameras.csv:2:station=example-009"]),
    ("cameras.csv", "example-001,box", "example-001,desk", ["duplicate cameras.csv:3:id=desk"]),
    (
        "stations.geojson",
        '"id": "example-001"',
        '"id": "example-777"',
        ["no_coordinates stations.csv:2:latitude=", "unknown_station_id stations.geojson:1:properties.id=example-777"],
    ),
    ("stations.csv", "1204", "-5", ["not_a_count stations.csv:2:registered_voters=-5"]),
    ("stations.csv", "1204", "1 204", ["not_a_count stations.csv:2:registered_voters=1 204"]),
    ("stations.csv", "1204", "1204.0", ["not_a_count stations.csv:2:registered_voters=1204.0"]),
    ("stations.csv", "1204", "١٢", ["not_a_count stations.csv:2:registered_voters=١٢"]),
    ("stations.csv", "1204", "9" * 5000, ["not_a_count stations.csv:2:registered_voters=" + "9" * 60 + "…"]),
    ("stations.csv", "example-001,1,", "example-001,0,", ["not_a_count stations.csv:2:number=0"]),
    ("stations.csv", "ordinary", "school", ["not_a_kind stations.csv:2:kind=school"]),
    ("cameras.csv", "issuing_desk", "desk_zone", ["not_a_zone cameras.csv:2:zone=desk_zone"]),
    ("stations.csv", "Условная школа № 1", "", ["empty stations.csv:2:name_ru="]),
    ("stations.csv", "Example School No. 1", "=1+1", ["formula stations.csv:2:name_en==1+1"]),
    ("stations.csv", "Example School No. 1", "@SUM(A1)", ["formula stations.csv:2:name_en=@SUM(A1)"]),
    ("stations.csv", "Example School No. 1", "a\x00b", ["control_character stations.csv:2:name_en=a\\u0000b"]),
    ("stations.csv", "Example School No. 1", "a\u202eb", ["control_character stations.csv:2:name_en=a\\u202eb"]),
    (
        "stations.csv",
        "Example School No. 1",
        '"two\nlines"',
        ["control_character stations.csv:2:name_en=two\\u000alines"],
    ),
    ("stations.csv", "Example School No. 1", "x" * 301, ["too_long stations.csv:2:name_en=" + "x" * 60 + "…"]),
    ("stations.csv", "№ 1 Мысал мектебі", "?йтеке би", ["lost_letters stations.csv:2:name_kk=?йтеке би"]),
    ("stations.csv", "№ 1 Мысал мектебі", "Ша\ufffdыра\ufffd", ["lost_letters stations.csv:2:name_kk=Ша�ыра�"]),
    ("territories.csv", "Europe/Vienna", "Europe/Wien", ["not_a_time_zone territories.csv:4:time_zone=Europe/Wien"]),
    (
        "territories.csv",
        "Europe/Vienna",
        "../../etc/passwd",
        ["not_a_time_zone territories.csv:4:time_zone=../../etc/passwd"],
    ),
    (
        "stations.geojson",
        "[66.9237, 48.0196]",
        "[48.0196, 66.9237]",
        ["swapped stations.geojson:1:geometry.coordinates=[48.0196, 66.9237]"],
    ),
    (
        "stations.geojson",
        "[66.9237, 48.0196]",
        "[166.9, 48.0]",
        ["outside_area stations.geojson:1:geometry.coordinates=[166.9, 48.0]"],
    ),
    (
        "stations.geojson",
        "[66.9237, 48.0196]",
        "[48.0, 166.9]",
        ["swapped stations.geojson:1:geometry.coordinates=[48.0, 166.9]"],
    ),
    (
        "stations.geojson",
        "[66.9237, 48.0196]",
        "[66.9, 1e400]",
        ["not_degrees stations.geojson:1:geometry.coordinates=[66.9, Infinity]"],
    ),
    (
        "stations.geojson",
        '"type": "Point"',
        '"type": "LineString"',
        ["not_a_point stations.geojson:1:geometry.coordinates=[66.9237, 48.0196]"],
    ),
    ("stations.geojson", '"features"', '"feature"', ["bad_geojson stations.geojson::="]),
    ("stations.geojson", "66.9237", "NaN", ["bad_geojson stations.geojson::="]),
    ("cameras.csv", DESK, "http://192.0.2.10/x", ["not_rtsp cameras.csv:2:main_url=http://192.0.2.10/x"]),
    ("cameras.csv", DESK, "rtsp:///nowhere", ["not_a_stream cameras.csv:2:main_url=rtsp:///nowhere"]),
    (
        "cameras.csv",
        DESK,
        "rtsp://192.0.2.10:70000/x",
        ["not_a_stream cameras.csv:2:main_url=rtsp://192.0.2.10:70000/x"],
    ),
    ("cameras.csv", DESK, "rtsp://[::1/x", ["not_a_stream cameras.csv:2:main_url=rtsp://[::1/x"]),
    ("cameras.csv", DESK, "rtsp://192.0.2.10/a b", ["not_a_stream cameras.csv:2:main_url=rtsp://192.0.2.10/a b"]),
    (
        "stations.csv",
        "registered_voters",
        "voters",
        ["missing_column stations.csv:1:registered_voters=", "unknown_column stations.csv:1:voters=voters"],
    ),
    ("stations.csv", "name_en", "name_ru", ["double_column stations.csv:1:name_ru="]),
    ("cameras.csv", ",issuing_desk", "", ["cell_count cameras.csv:2:sub_url="]),
    (
        "cameras.csv",
        ",issuing_desk",
        ",issuing_desk,more",
        ["cell_count cameras.csv:2:=rtsp://192.0.2.10/example-001/desk/sub"],
    ),
    ("cameras.csv", "desk,issuing_desk", '"desk"x,issuing_desk', ["bad_csv cameras.csv:2:="]),
    ("cameras.csv", "desk,issuing_desk", '"desk,issuing_desk', ["bad_csv cameras.csv:2:="]),
    ("election.toml", "day = 2031-03-16", 'day = "16.03.2031"', ["not_a_day election.toml:3:day=16.03.2031"]),
    ("election.toml", "day = 2031-03-16", 'day = "2031-02-30"', ["not_a_day election.toml:3:day=2031-02-30"]),
    ("election.toml", "day = 2031-03-16", "day = [1]", ["not_a_value election.toml:3:day="]),
    ("election.toml", "day = 2031-03-16", "", ["missing_key election.toml::day="]),
    (
        "election.toml",
        "day = 2031-03-16",
        "dey = 2031-03-16",
        ["unknown_key election.toml:3:dey=", "missing_key election.toml::day="],
    ),
    ("election.toml", '"Asia/Almaty"', '"Asia"', ["not_a_time_zone election.toml:4:time_zone=Asia"]),
    ("election.toml", '"Asia/Almaty"', '"localtime"', ["not_a_time_zone election.toml:4:time_zone=localtime"]),
    ("election.toml", 'closes = "20:00"', 'closes = "06:00"', ["hours election.toml:6:closes=06:00"]),
    ("election.toml", 'opens = "07:00"', 'opens = "7"', ["not_a_time election.toml:5:opens=7"]),
    (
        "election.toml",
        "[names]",
        "names = 5\n[nemes]",
        ["unknown_key election.toml:9:nemes=", "not_a_table election.toml:8:names="],
    ),
    ("election.toml", 'opens = "07:00"', "opens = ", ["bad_toml election.toml:5:="]),
    ("election.toml", "[names]", "[name]", ["unknown_key election.toml:8:name=", "missing_key election.toml::names="]),
    (
        "election.toml",
        "[duty.ballot_box]",
        "[duty.box]",
        ["unknown_key election.toml:26:duty.box=", "missing_key election.toml::duty.ballot_box="],
    ),
    (
        "election.toml",
        'start = "06:30"',
        'start = "20:30"',
        ["duty_hours election.toml:24:duty.issuing_desk.end=20:30"],
    ),
    ("election.toml", "south = 40", "south = 60", ["area election.toml:18:area.north=56.0"]),
    ("election.toml", "south = 40", "south = nan", ["not_degrees election.toml:16:area.south=nan"]),
]


@pytest.mark.parametrize(("name", "old", "new", "expected"), ONE_MISTAKE, ids=lambda v: str(v)[:30])
def test_one_mistake(example: Files, name: str, old: str, new: str, expected: list[object]) -> None:
    problems = told(edited(example, name, old, new))
    assert [f"{code} {file}:{row or ''}:{column}={value}" for code, file, row, column, value in problems] == expected


THREE_MISTAKES = [
    ("stations.csv", "example-001,", "Example 1,"),
    ("stations.csv", "1204", "-5"),
    ("cameras.csv", "issuing_desk", "desk_zone"),
]


def test_all_mistakes_at_once(example: Files) -> None:
    files = example
    for name, old, new in THREE_MISTAKES:
        files = edited(files, name, old, new)
    assert [(file, row, column) for _, file, row, column, _ in told(files)] == [
        ("stations.csv", 2, "id"),
        ("stations.csv", 2, "registered_voters"),
        ("cameras.csv", 2, "zone"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:Geheim7@192.0.2.9/main",
        "rtsp://admin@192.0.2.9/main",
        "rtsp://admin:Ge/heim7@192.0.2.9/main",
        "rtsp://admin:Ge heim7@192.0.2.9/main",
        "rtsp://192.0.2.9/user=admin&password=Geheim7&channel=1",
        "rtsp://192.0.2.9/main?pwd=Geheim7",
        "rtsp://192.0.2.9/main?passwd=Geheim7",
        "http://admin:Geheim7@192.0.2.9/",
        "Geheim7://admin:Geheim7@192.0.2.9:99999/",
        "admin:Geheim7@192.0.2.9",
    ],
)
def test_a_password_is_refused_and_never_repeated(example: Files, url: str) -> None:
    files = edited(example, "cameras.csv", DESK, url)
    assert [t[:4] for t in told(files)] == [("password", "cameras.csv", 2, "main_url")]
    with pytest.raises(RegisterError) as caught:
        raise RegisterError("", read_files(files).problems)
    everything = str(caught.value) + json.dumps([p.as_json() for p in caught.value.problems])
    assert "eim7" not in everything.replace(url.partition("://")[0] if "Geheim7://" in url else "\0", "")


def test_what_spreadsheets_write_is_read(example: Files) -> None:
    """Semicolons, tabs, byte order marks, trailing delimiters, blank rows, decimal commas, headings in capitals."""
    wanted = example_register(DAY)
    stations = example["stations.csv"].decode()
    lines = [line.split(",") for line in example["cameras.csv"].decode().splitlines()]
    semicolons = "\r\n".join(";".join(line) + ";;" for line in lines)
    assert read_files({**example, "cameras.csv": semicolons.encode()}).register == wanted
    tabs = "\n\n".join("\t".join(line) for line in lines).removeprefix("\ufeff")
    assert read_files({**example, "cameras.csv": tabs.encode()}).register == wanted
    capitals = stations.replace("registered_voters", " Registered_Voters ")
    assert read_files({**example, "stations.csv": capitals.encode()}).register == wanted
    assert read_files({**example, "election.toml": b"\xef\xbb\xbf" + example["election.toml"]}).register == wanted


def test_coordinates_may_stand_in_columns(example: Files) -> None:
    rows = example["stations.csv"].decode().splitlines()
    places = {s.id: (s.latitude, s.longitude) for s in example_register(DAY).stations()}
    with_columns = [rows[0] + ",latitude,longitude"]
    for row in rows[1:]:
        latitude, longitude = places[row.split(",")[0]]
        with_columns.append(
            f'{row},"{latitude}","{longitude}"'.replace(f'"{latitude}"', f'"{latitude}"'.replace(".", ","))
        )
    files = {**example, "stations.csv": "\n".join(with_columns).encode()}
    assert read_files(files).register == example_register(DAY), "both places, and they agree"
    del files["stations.geojson"]
    assert read_files(files).register == example_register(DAY)
    swapped = "\n".join(with_columns).replace('"48,0196","66.9237"', '"66,9237","48.0196"').encode()
    assert told({**files, "stations.csv": swapped}) == [("swapped", "stations.csv", 2, "latitude", "66,9237")]
    moved = "\n".join(with_columns).replace('"48,0196"', '"48,1"').encode()
    both = {**example, "stations.csv": moved}
    assert told(both) == [("two_places", "stations.csv", 2, "latitude", "48,1")]
    far = "\n".join(with_columns).replace('"48,0196","66.9237"', '"151.2","-33.9"').encode()
    assert told({**files, "stations.csv": far}) == [("swapped", "stations.csv", 2, "latitude", "151.2")]


def test_a_file_in_cp1251_is_explained(example: Files) -> None:
    text = example["stations.csv"].decode().removeprefix("\ufeff")
    files = {**example, "stations.csv": text.encode("cp1251", "replace")}
    assert told(files) == [("cp1251", "stations.csv", 2, "", "")], "and no camera is blamed for it"
    reading = read_files(files)
    assert "CSV UTF-8" in reading.problems[0].hint("en")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n\n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"id,parent,name_kk,name_ru\n", "empty_file"),
        ("id\n".encode("utf-16"), "utf16"),
        (b"id,parent\n\x81\x82\x83", "not_utf8"),
        (b"\x00" * 100, "missing_column"),
        (b"x," * 100_000, "missing_column"),
        (b'"' + b"x" * 200_000, "bad_csv"),
        (b"x" * (SIZE_LIMIT_MB * 1_000_000 + 1), "too_large"),
    ],
    ids=lambda v: v if isinstance(v, str) else str(len(v)),
)
def test_a_hopeless_file(example: Files, data: bytes, code: str) -> None:
    problems = told({**example, "territories.csv": data})
    assert problems[0][:2] == (code, "territories.csv")
    assert all(file == "territories.csv" for _, file, *_ in problems), "stations are not blamed"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("stations.geojson", b"[" * 100_000),
        ("stations.geojson", b'{"type": "FeatureCollection", "features": [1, null, "x", {}, {"id": {}}]}'),
        ("stations.geojson", b'{"type": "FeatureCollection", "features": [{"geometry": [], "properties": 5}]}'),
        ("stations.geojson", b'{"a": ' + b"9" * 5000 + b"}"),
        ("stations.geojson", b"null"),
        ("election.toml", b"x = " + b"[" * 100_000),
        ("election.toml", b"id = " + b"9" * 5000),
        ("election.toml", b"id = {a = 1}\nnames = 5\nduty = []\narea = 'x'"),
        ("election.toml", b"id = true\nday = 2031-03-16T10:00:00Z"),
        ("election.toml", b"\x00"),
    ],
)
def test_hostile_structure_is_told_not_raised(example: Files, name: str, data: bytes) -> None:
    assert any(file == name for _, file, *_ in told({**example, name: data}))


def test_missing_files_are_all_named(example: Files) -> None:
    files = {name: data for name, data in example.items() if name in {"cameras.csv", "stations.geojson"}}
    assert [t[:2] for t in told(files)] == [
        ("missing_file", "election.toml"),
        ("missing_file", "territories.csv"),
        ("missing_file", "stations.csv"),
    ]


def test_a_folder_without_a_register(tmp_path: Path) -> None:
    with pytest.raises(NoRegisterError):
        load_register(tmp_path / "nowhere")


def test_a_folder_in_place_of_a_file(example: Files, tmp_path: Path) -> None:
    for name, data in example.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "cameras.csv").unlink()
    (tmp_path / "cameras.csv").mkdir()
    problems = [p for p in read_folder(tmp_path).problems if not p.reason.warning]
    assert [(p.reason.code, p.file) for p in problems] == [("election.unreadable", "cameras.csv")]


def test_warnings_do_not_stop_the_import(example: Files) -> None:
    few = "\n".join(line for line in example["cameras.csv"].decode().splitlines() if "ballot_box" not in line)
    assert warned({**example, "cameras.csv": few.encode()}) == [
        ("missing_zones", "stations.csv", row) for row in (2, 3, 4)
    ]
    same = edited(example, "cameras.csv", "desk/sub", "desk/main")
    assert warned(same) == [("same_stream", "cameras.csv", 2)]
    no_english = edited(example, "stations.csv", "Example School No. 1", "")
    assert warned(no_english) == [("no_english", "stations.csv", 2)]
    assert warned(edited(example, "stations.csv", "example-002,2", "example-002,1")) == [
        ("duplicate_number", "stations.csv", 3)
    ]
    text = example["election.toml"].decode()
    without_area = text[: text.index("# The box")] + text[text.index("# For how long") :]
    assert warned({**example, "election.toml": without_area.encode()}) == [("no_area", "election.toml", None)]


def test_toml_times_may_be_native(example: Files) -> None:
    files = edited(example, "election.toml", 'opens = "07:00"', "opens = 07:00:00")
    register = read_files(files).register
    assert register is not None
    assert register.election.opens == time(7)
    assert register.election.duty[Zone.BALLOT_BOX] == (time(6, 30), time(6))


def test_progress_is_told_for_every_table(example: Files) -> None:
    heard: list[tuple[str, int, int]] = []
    hear: Callable[[str, int, int], None] = lambda *now: heard.append(now)  # noqa: E731
    read_files(example, hear)
    assert [now for now in heard if now[1] == now[2]] == [
        ("territories.csv", 3, 3),
        ("stations.csv", 3, 3),
        ("cameras.csv", 15, 15),
    ]


def test_a_national_register_imports(tmp_path: Path) -> None:
    """10,400 stations with five cameras each, and one mistake among them is found."""
    first = example_register(DAY).stations()[0]
    headings = "id,number,territory,name_kk,name_ru,address_kk,address_ru,registered_voters,kind"
    stations = [headings + ",latitude,longitude"]
    cameras = ["station,id,zone,main_url,sub_url"]
    for n in range(1, 10_401):
        place = f"48.5,{50 + n / 1000}"
        stations.append(f"s-{n},{n},steppe,№ {n} мектеп,Школа № {n},Дала,Степное,{n % 3000},ordinary,{place}")
        for camera in first.cameras:
            address = f"rtsp://10.0.0.1/{n}/{camera.id}"
            cameras.append(f"s-{n},{camera.id},{camera.zone},{address}/main,{address}/sub")
    write_register(example_register(DAY), tmp_path)
    (tmp_path / "stations.geojson").unlink()
    (tmp_path / "stations.csv").write_text("\n".join(stations), encoding="utf-8")
    (tmp_path / "cameras.csv").write_text("\n".join(cameras), encoding="utf-8")
    register = load_register(tmp_path)
    assert len(register.stations()) == 10_400
    assert sum(1 for _ in register.cameras()) == 52_000
    cameras[30_000] = cameras[30_000].replace("rtsp", "http", 1)
    (tmp_path / "cameras.csv").write_text("\n".join(cameras), encoding="utf-8")
    assert [(p.row, p.column) for p in read_folder(tmp_path).problems] == [(30_001, "main_url")]


def test_every_reason_can_happen(example: Files) -> None:
    """Each documented code is reached by a case above, so none is dead."""
    words = set(re.findall(r"[a-z0-9_]+", Path(__file__).read_text(encoding="utf-8")))
    assert not [r.code for r in REASONS if r.code.removeprefix("election.") not in words]
