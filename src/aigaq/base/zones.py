"""Time zones from the pinned `tzdata` package, never from the machine.

An old system still thinks that Asia/Almaty is UTC+6 (it is UTC+5 since March 2024); every node must read the same
hours.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from aigaq.base.errors import AigaqError
from aigaq.base.i18n import N_


class UnknownTimeZoneError(AigaqError):
    """A name that is not in the IANA time zone database."""

    code = "base.time_zone"
    why = N_("“{name}” is not a time zone of the IANA database.")
    hint = N_("Write the zone as region and city, for example Asia/Almaty.")


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone with this IANA name.

    Raises:
        UnknownTimeZoneError: there is none; links to the machine's own setting are none either.
    """
    if name not in time_zone_names():
        raise UnknownTimeZoneError(name=name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


@cache
def time_zone_names() -> frozenset[str]:
    """Every name that `time_zone` knows."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
