"""Questions that pages, the archive and the box ask the register."""

from datetime import UTC, date, datetime, time

import pytest

from aigaq.election import (
    Area,
    DutyWindow,
    Names,
    PollingStation,
    Register,
    StationKind,
    Territory,
    UnknownCameraError,
    UnknownStationError,
    UnknownTerritoryError,
    Zone,
    coming_sunday,
    example_register,
)
from aigaq.election.register import PAGE_SIZE

DAY = date(2031, 3, 16)
REGISTER = example_register(DAY)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_duty_is_local_to_the_station_and_may_end_on_the_next_day() -> None:
    assert REGISTER.duty("example-001", Zone.ISSUING_DESK) == DutyWindow(
        utc(2031, 3, 16, 1, 30), utc(2031, 3, 16, 15, 30)
    )
    assert REGISTER.duty("example-001", Zone.BALLOT_BOX) == DutyWindow(utc(2031, 3, 16, 1, 30), utc(2031, 3, 17, 1))
    assert REGISTER.duty("example-003", Zone.BALLOT_BOX) == DutyWindow(utc(2031, 3, 16, 5, 30), utc(2031, 3, 17, 5))
    assert REGISTER.voting("example-003") == DutyWindow(utc(2031, 3, 16, 6), utc(2031, 3, 16, 19))


def test_kazakhstan_was_utc_6_before_march_2024() -> None:
    before, after = example_register(date(2024, 2, 29)), example_register(date(2024, 3, 1))
    assert before.voting("example-001").start == utc(2024, 2, 29, 1)
    assert after.voting("example-001").start == utc(2024, 3, 1, 2)


def test_duty_over_the_change_to_summer_time() -> None:
    """In Vienna the night before 30 March 2031 has 23 hours; the wall clock of the station decides."""
    register = example_register(date(2031, 3, 29))
    window = register.duty("example-003", Zone.BALLOT_BOX)
    assert window == DutyWindow(utc(2031, 3, 29, 5, 30), utc(2031, 3, 30, 4))
    assert window.end_ms - window.start_ms == 22.5 * 3_600_000


def test_unknown_things_are_typed_errors() -> None:
    with pytest.raises(UnknownStationError) as caught:
        REGISTER.station("nowhere")
    assert caught.value.explain("en").why == "The register knows no polling station “nowhere”."
    with pytest.raises(UnknownTerritoryError):
        REGISTER.territory("nowhere")
    with pytest.raises(UnknownCameraError):
        REGISTER.camera("example-001", "nowhere")
    with pytest.raises(UnknownStationError):
        REGISTER.camera("nowhere", "desk")


def test_lineage_and_zone() -> None:
    assert [t.id for t in REGISTER.lineage("steppe")] == ["example", "steppe"]
    assert REGISTER.zone_name("example-001") == "Asia/Almaty"
    assert REGISTER.zone_name("example-003") == "Europe/Vienna"


def test_a_territory_inherits_the_zone_of_the_one_above() -> None:
    names = Names("а", "б", "c")
    territories = [Territory("top", None, names, "Asia/Tokyo"), Territory("low", "top", names)]
    station = PollingStation("s", 1, "low", names, names, 0.0, 0.0, 1, StationKind.ABROAD)
    assert Register(REGISTER.election, territories, [station]).zone_name("s") == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["example-001", "example-002", "example-003"]),
        ("2", ["example-002"]),
        ("МЕКТЕБІ", ["example-001"]),
        ("мектеби", ["example-001"]),
        ("ауруханасы аудандык", ["example-002"]),
        ("школа первая", ["example-001"]),
        ("consulate", ["example-003"]),
        ("example-003", ["example-003"]),
        ("жоқ мұндай", []),
        ("%", []),
        ("x" * 100_000, []),
    ],
)
def test_search(text: str, found: list[str]) -> None:
    assert [s.id for s in REGISTER.search(text).stations] == found


def test_search_by_territory_and_kind() -> None:
    assert [s.id for s in REGISTER.search(territory="example").stations] == ["example-001", "example-002"]
    assert [s.id for s in REGISTER.search(kind=StationKind.ABROAD).stations] == ["example-003"]
    assert REGISTER.search(territory="nowhere").total == 0


def many(count: int) -> Register:
    names = Names("а", "б", "c")
    stations = [
        PollingStation(f"s-{n}", n, "steppe", names, names, 0.0, 0.0, 1, StationKind.ORDINARY)
        for n in range(count, 0, -1)
    ]
    return Register(REGISTER.election, REGISTER.territories(), stations)


def test_pages_hold_every_station_once_and_never_run_out() -> None:
    register = many(PAGE_SIZE * 2 + 1)
    pages = [register.search(page=n) for n in (1, 2, 3)]
    assert [s.number for page in pages for s in page.stations] == list(range(1, PAGE_SIZE * 2 + 2))
    assert (pages[0].pages, pages[0].total) == (3, PAGE_SIZE * 2 + 1)
    assert register.search(page=99).page == 3
    assert register.search(page=-5).page == 1


def test_the_exact_number_comes_first() -> None:
    assert many(30).search("3").stations[0].number == 3
    assert [s.number for s in many(30).search("12").stations] == [12]


def test_names_fall_back_to_russian_only_where_the_register_has_no_english() -> None:
    assert Names("қ", "р", "e").in_("en") == "e"
    assert Names("қ", "р").in_("en") == "р"
    assert Names("қ", "р").in_("kk") == "қ"


def test_area_may_cross_the_180th_meridian() -> None:
    pacific = Area(west=170, south=-10, east=-170, north=10)
    assert pacific.holds(0, 175)
    assert pacific.holds(0, -175)
    assert not pacific.holds(0, 0)
    assert not pacific.holds(11, 175)


@pytest.mark.parametrize(
    ("today", "sunday"), [("2031-03-15", "2031-03-16"), ("2031-03-16", "2031-03-23"), ("2031-03-17", "2031-03-23")]
)
def test_coming_sunday(today: str, sunday: str) -> None:
    assert coming_sunday(date.fromisoformat(today)) == date.fromisoformat(sunday)


def test_the_example_owes_all_five_views() -> None:
    assert all(REGISTER.missing_zones(s.id) == () for s in REGISTER.stations())
    assert set(REGISTER.election.duty) == set(Zone)
    assert REGISTER.election.opens == time(7)
