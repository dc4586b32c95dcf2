"""One value each: text from a file into what the register holds, or the reason why not. No I/O, no places.

Every parser takes the text of a cell and returns a value or raises `Refused`. It never guesses: what could be read
in two ways is refused.
"""

import re
import unicodedata
from datetime import date, time
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from aigaq.base import time_zone_names
from aigaq.election import problems as why
from aigaq.election.model import ID_PATTERN, StationKind, Zone
from aigaq.election.problems import Reason, Refused

NAME_LIMIT: Final = 300
URL_LIMIT: Final = 500
MAX_VOTERS: Final = 100_000
MAX_NUMBER: Final = 99_999
SCHEMES: Final = ("rtsp", "rtmp")

_INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""Controls, and characters that reorder or hide text (Unicode TR 36 §2.10)."""
_LOST: Final = re.compile(r"\ufffd|\?(?=[^\W\d_])|\?\?")
"""A question mark right before a letter is what an encoding leaves of a letter that it lacks."""
_FORMULA: Final = "=+-@"
_SECRET: Final = re.compile(r"(pass(w(or)?d|wd)?|pwd|user(name)?|login|token)=", re.IGNORECASE)
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_DEGREES: Final = re.compile(r"[-−]?[0-9]{1,3}([.,][0-9]{1,15})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")

V = TypeVar("V", bound=StrEnum)


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """A text without spaces around it, composed (NFC), short, and free of what hides or runs.

    Raises:
        Refused: too long, an invisible character, a lost letter.
    """
    text = text.strip()
    if len(text) > limit:
        raise Refused(why.TOO_LONG, length=len(text), limit=limit)
    if found := _INVISIBLE.search(text):
        raise Refused(why.CONTROL_CHARACTER, name=f"U+{ord(found[0]):04X}")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def optional_name(text: str) -> str:
    """A name or an address that may be empty."""
    name = clean(text)
    if found := _LOST.search(name):
        raise Refused(why.LOST_LETTERS, mark=found[0])
    if name.startswith(tuple(_FORMULA)):
        raise Refused(why.FORMULA, mark=name[0])
    return name


def name(text: str) -> str:
    """A name or an address."""
    return _filled(optional_name(text))


def identifier(text: str) -> str:
    """An identifier of the register."""
    value = _filled(clean(text, limit=1000))
    if not ID_PATTERN.fullmatch(value):
        raise Refused(why.NOT_AN_ID)
    return value


def optional_identifier(text: str) -> str | None:
    """An identifier, or None for an empty cell."""
    return identifier(text) if text.strip() else None


def voters(text: str) -> int:
    """How many voters are on the list."""
    return _count(text, low=0, high=MAX_VOTERS)


def number(text: str) -> int:
    """The official number of a polling station."""
    return _count(text, low=1, high=MAX_NUMBER)


def latitude(text: str) -> float:
    """Degrees north."""
    return _degrees(text, 90)


def longitude(text: str) -> float:
    """Degrees east."""
    return _degrees(text, 180)


def zone(text: str) -> Zone:
    """One of the five views."""
    return _one_of(Zone, text, why.NOT_A_ZONE)


def kind(text: str) -> StationKind:
    """One of the kinds of station."""
    return _one_of(StationKind, text, why.NOT_A_KIND)


def zone_name(text: str) -> str:
    """An IANA time zone."""
    value = _filled(clean(text))
    if value not in time_zone_names():
        raise Refused(why.NOT_A_TIME_ZONE)
    return value


def optional_zone_name(text: str) -> str | None:
    """An IANA time zone, or None for an empty cell."""
    return zone_name(text) if text.strip() else None


def day(text: str) -> date:
    """A calendar date."""
    try:
        if _DAY.fullmatch(text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(why.NOT_A_DAY) from error
    raise Refused(why.NOT_A_DAY)


def time_of_day(text: str) -> time:
    """A local time, to the second."""
    if not _TIME.fullmatch(text.strip()):
        raise Refused(why.NOT_A_TIME)
    return time.fromisoformat(text.strip())


def stream_url(text: str) -> str:
    """The address of a stream. It must hold no password, and a refused one is never repeated with it."""
    if _holds_secret(text):
        raise Refused(why.PASSWORD, shown=without_secret(text))
    url = _filled(clean(text, limit=URL_LIMIT))
    parts = _split(url)
    if parts.scheme not in SCHEMES:
        raise Refused(why.NOT_RTSP, scheme=parts.scheme or url.split(":")[0][:20])
    return url


def without_secret(text: str) -> str:
    """An address with everything masked that may be a password."""
    scheme, found, rest = text.partition("://")
    host = rest.rpartition("@")[2] if found else ""
    host = re.split(r"[/?#;]", host)[0]
    return f"{scheme}://***@{host}/***" if found and _SCHEME.fullmatch(scheme) else "***"


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}")


def _holds_secret(text: str) -> bool:
    """User info before the host, or a key that is a password in many cameras' paths (`/user=admin&password=…`)."""
    return "@" in text or _SECRET.search(text) is not None


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0 and not re.search(r"\s", url)
    except ValueError as error:  # a port beyond 65535, an unclosed IPv6 address
        raise Refused(why.NOT_A_STREAM) from error
    if parts.scheme in SCHEMES and not usable:
        raise Refused(why.NOT_A_STREAM)
    return parts


def _filled(text: str) -> str:
    if not text:
        raise Refused(why.EMPTY)
    return text


def _count(text: str, *, low: int, high: int) -> int:
    digits = _filled(text.strip())
    if not _COUNT.fullmatch(digits) or not low <= int(digits) <= high:
        raise Refused(why.NOT_A_COUNT, low=low, high=high)
    return int(digits)


def _degrees(text: str, limit: int) -> float:
    """Decimal degrees to a centimetre; a spreadsheet set to Russian or Kazakh writes a decimal comma."""
    digits = _filled(text.strip())
    value = float(digits.replace(",", ".").replace("−", "-")) if _DEGREES.fullmatch(digits) else None
    if value is None or abs(value) > limit:
        raise Refused(why.NOT_DEGREES, limit=limit)
    return round(value, 7)


def _one_of(kinds: type[V], text: str, reason: Reason) -> V:
    try:
        return kinds(_filled(text.strip()).lower())
    except ValueError as error:
        raise Refused(reason, known=", ".join(kind.value for kind in list(kinds))) from error
