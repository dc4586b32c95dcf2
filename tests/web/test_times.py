from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.base import LANGUAGES
from aigaq.web import clock_text, day_text, duration_text, parse_time, size_text, stamp_text, zone_label
from aigaq.web.times import input_text, iso_text, zone_name

MORNING = 1_773_549_727_000
ALMATY = "Asia/Almaty"


def test_a_time_names_its_zone():
    assert clock_text(MORNING, ALMATY) == "09:42:07 UTC+5"
    assert stamp_text(MORNING, ALMATY, "ru") == "15.03.2026 09:42:07 UTC+5"
    assert stamp_text(MORNING, ALMATY, "en") == "2026-03-15 09:42:07 UTC+5"
    assert iso_text(MORNING) == "2026-03-15T04:42:07+00:00"


@pytest.mark.parametrize(
    ("zone", "ms", "label"),
    [
        (ALMATY, 1_686_000_000_000, "UTC+6"),
        (ALMATY, MORNING, "UTC+5"),
        ("Asia/Kolkata", MORNING, "UTC+5:30"),
        ("America/New_York", 1_767_225_600_000, "UTC−5"),
        ("Europe/London", 1_767_225_600_000, "UTC+0"),
    ],
)
def test_offset_is_that_of_the_moment(zone, ms, label):
    assert zone_label(ms, zone) == label


def test_zone_has_a_name_in_each_language():
    names = {zone_name(MORNING, ALMATY, language) for language in LANGUAGES}
    assert len(names) == 3
    assert all(name.endswith(", UTC+5") for name in names)


def test_days_read_naturally():
    day = date(2026, 3, 15)
    assert [day_text(day, language) for language in ("kk", "ru", "en")] == [
        "2026 ж. 15 наурыз",
        "15 марта 2026 г.",
        "15 March 2026",
    ]


def test_durations_and_sizes():
    assert [duration_text(ms, "en") for ms in (400, 24_000, 61_000, 3_600_000 * 5 + 60_000)] == [
        "0 s", "24 s", "1 min 1 s", "5 h 1 min",
    ]  # fmt: skip
    assert duration_text(24_000, "kk") == "24 с"
    assert [size_text(n, "en") for n in (0, 999, 1000, 1_250_000, 123_456_789, 10**13)] == [
        "0 B", "999 B", "1 KB", "1.2 MB", "123 MB", "10 TB",
    ]  # fmt: skip
    assert size_text(1_250_000, "ru") == "1,2 МБ"


@given(st.integers(0, 4_000_000_000), st.sampled_from([ALMATY, "UTC", "Asia/Kolkata"]))
def test_what_an_input_shows_is_read_back(seconds, zone):
    assert parse_time(input_text(seconds * 1000, zone), zone) == seconds * 1000


def test_times_come_as_milliseconds_or_iso():
    assert parse_time(str(MORNING), ALMATY) == MORNING
    assert parse_time("2026-03-15T09:42:07", ALMATY) == MORNING
    assert parse_time("2026-03-15T04:42:07Z", ALMATY) == MORNING


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text):
    assert parse_time(text, ALMATY) is None or isinstance(parse_time(text, ALMATY), int)


def test_what_is_no_time():
    for text in ("", "now", "9" * 16, "-1", "٣", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00"):
        assert parse_time(text, ALMATY) is None or text.startswith("0001")
