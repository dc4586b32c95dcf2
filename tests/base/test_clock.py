"""Injected time: the manual clock plays steps, the system's clock is the machine's."""

import time
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from aigaq.base import (
    Clock,
    ManualClock,
    SystemClock,
    UnknownTimeZoneError,
    from_ms,
    time_zone,
    time_zone_names,
    utc_ms,
)


async def test_the_manual_clock_moves_only_when_told() -> None:
    clock: Clock = ManualClock(1_000)
    before = clock.monotonic_ns()
    await clock.sleep(1.5)
    assert (utc_ms(clock), clock.monotonic_ns() - before) == (2_500, 1_500_000_000)


def test_a_step_moves_wall_time_alone() -> None:
    clock = ManualClock(10_000)
    clock.step(-4)
    assert (utc_ms(clock), clock.monotonic_ns()) == (6_000, 0)
    clock.advance(1)
    assert (utc_ms(clock), clock.monotonic_ns()) == (7_000, 1_000_000_000)


async def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.utc_ns() - time.time_ns()) < 60_000_000_000  # noqa: TID251 - what it is compared with
    first = clock.monotonic_ns()
    await clock.sleep(0)
    assert clock.monotonic_ns() >= first


@pytest.mark.parametrize("ms", [0, 1, 999, 1_800_000_000_123, -1, 4_102_444_799_999])
def test_milliseconds_survive_the_way_to_a_datetime(ms: int) -> None:
    assert (from_ms(ms) - datetime(1970, 1, 1, tzinfo=UTC)) == timedelta(milliseconds=ms)


def test_time_zones_come_from_the_package() -> None:
    almaty = time_zone("Asia/Almaty")
    assert almaty.key == "Asia/Almaty"
    assert datetime(2024, 2, 29, 12, tzinfo=almaty).utcoffset() == timedelta(hours=6)
    assert datetime(2024, 3, 1, 12, tzinfo=almaty).utcoffset() == timedelta(hours=5)
    assert time_zone("Asia/Almaty") is almaty


def test_time_zones_do_not_follow_an_old_machine(tmp_path: Path) -> None:
    """A machine whose Almaty is still at UTC+6 does not mislead us."""
    (tmp_path / "Asia").mkdir()
    old = files("tzdata").joinpath("zoneinfo", "Asia", "Omsk").read_bytes()
    (tmp_path / "Asia" / "Almaty").write_bytes(old)
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        when = datetime(2025, 1, 1)  # noqa: DTZ001 - the zone is what is tested
        assert when.replace(tzinfo=zoneinfo.ZoneInfo.no_cache("Asia/Almaty")).utcoffset() == timedelta(hours=6)
        assert when.replace(tzinfo=time_zone.__wrapped__("Asia/Almaty")).utcoffset() == timedelta(hours=5)
    finally:
        zoneinfo.reset_tzpath()


@pytest.mark.parametrize(
    "name", ["", "Asia", "asia/almaty", "localtime", "../secrets", "/etc/passwd", "Asia/Almaty\x00", "Asia/Almaty/"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError):
        time_zone(name)


def test_every_name_can_be_loaded() -> None:
    assert all(time_zone(name).key == name for name in time_zone_names())
