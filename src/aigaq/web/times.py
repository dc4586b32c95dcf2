"""Times, durations and sizes as people read them. A time of day never stands without its zone."""

from datetime import date, datetime
from typing import Final

from babel.dates import format_date, get_timezone_name
from babel.numbers import format_decimal

from aigaq.base import N_, Language, from_ms, time_zone, translate

DAY_PATTERN: Final[dict[Language, str]] = {"kk": "y 'ж'. d MMMM", "ru": "d MMMM y 'г'.", "en": "d MMMM y"}
UNITS: Final = (N_("{n} B"), N_("{n} KB"), N_("{n} MB"), N_("{n} GB"), N_("{n} TB"))
NUMERIC_DATE: Final[dict[Language, str]] = {"kk": "%d.%m.%Y", "ru": "%d.%m.%Y", "en": "%Y-%m-%d"}


def local(ms: int, zone: str) -> datetime:
    """That moment on the clocks of the zone (IANA name)."""
    return from_ms(ms).astimezone(time_zone(zone))


def zone_label(ms: int, zone: str) -> str:
    """`UTC+5`: the zone's offset at that moment. Asia/Almaty was UTC+6 before March 2024, so it is never a constant."""
    offset = local(ms, zone).utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def zone_name(ms: int, zone: str, language: Language) -> str:
    """The zone's name in the language, with the offset: `Kazakhstan Time, UTC+5`."""
    return f"{get_timezone_name(local(ms, zone), locale=language)}, {zone_label(ms, zone)}"


def clock_text(ms: int, zone: str) -> str:
    """Time of day with the zone: `10:42:07 UTC+5`."""
    return f"{local(ms, zone):%H:%M:%S} {zone_label(ms, zone)}"


def stamp_text(ms: int, zone: str, language: Language) -> str:
    """Date and time with the zone: `15.03.2026 10:42:07 UTC+5`."""
    return f"{local(ms, zone).strftime(NUMERIC_DATE[language])} {clock_text(ms, zone)}"


def iso_text(ms: int) -> str:
    """ISO 8601 in UTC, for programs."""
    return from_ms(ms).isoformat(timespec="seconds")


def input_text(ms: int, zone: str) -> str:
    """The value of a `datetime-local` input on the zone's clocks."""
    return f"{local(ms, zone):%Y-%m-%dT%H:%M:%S}"


def day_text(day: date, language: Language) -> str:
    """A date in words."""
    return format_date(day, DAY_PATTERN[language], locale=language)


def duration_text(ms: int, language: Language) -> str:
    """A length of time in at most two units: `2 h 5 min`, `40 s`."""
    seconds = max(0, round(ms / 1000))
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return translate(N_("{h} h {m} min"), language).format(h=hours, m=minutes)
    if minutes:
        return translate(N_("{m} min {s} s"), language).format(m=minutes, s=seconds % 60)
    return translate(N_("{s} s"), language).format(s=seconds)


def size_text(size: int, language: Language) -> str:
    """A size in decimal units: `4.2 MB`."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    number = format_decimal(value, "#,##0.#" if unit and value < 100 else "#,##0", locale=language)
    return translate(UNITS[unit], language).format(n=number)


def parse_time(text: str, zone: str) -> int | None:
    """Milliseconds UTC for `1773549727000`, or for ISO 8601; a time without an offset is on the zone's clocks.

    None where the text is no time.
    """
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 15 else None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=time_zone(zone))
    try:
        return round(aware.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
