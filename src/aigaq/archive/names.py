"""Names of objects in the archive, as formats.md lays down. A segment's name never changes, wherever its bytes lie."""

import re
from dataclasses import dataclass
from typing import Final

from aigaq.archive.model import Row, StreamKey
from aigaq.base import from_ms

_ID: Final = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
_SEGMENT: Final = re.compile(
    rf"(?P<election>{_ID})/(?P<station>{_ID})/(?P<camera>{_ID})/(?P<stream>main|sub)"
    r"/\d{8}/\d\d/(?P<start>\d{1,15})-(?P<seq>\d{1,15})-(?P<hash>[0-9a-f]{16})\.m4s"
)


@dataclass(frozen=True, slots=True)
class SegmentName:
    """The parts of a segment's object name."""

    election: str
    key: StreamKey
    seq: int
    hash16: str


def folder(election: str, key: StreamKey, start_ms: int) -> str:
    """Where the objects of one stream and hour lie."""
    return f"{election}/{key.station}/{key.camera}/{key.stream}/{from_ms(start_ms):%Y%m%d/%H}"


def segment_name(election: str, row: Row) -> str:
    """`<election>/<station>/<camera>/<stream>/<YYYYMMDD>/<HH>/<start_ms>-<seq>-<hash16>.m4s`."""
    digest = row.sha256 or b""
    return f"{folder(election, row.key, row.start_ms)}/{row.start_ms}-{row.seq}-{digest.hex()[:16]}.m4s"


def minute_name(election: str, first: Row, sha256: bytes) -> str:
    """A minute object: the segments that start in one minute, named by the hash of them all."""
    start = first.start_ms - first.start_ms % 60_000
    return f"{folder(election, first.key, first.start_ms)}/m{from_ms(start):%M}-{first.seq}-{sha256.hex()[:16]}.m4s"


def init_name(sha256: bytes) -> str:
    """An initialisation segment, shared by every stream that uses it."""
    return f"init/{sha256.hex()}.mp4"


def parse_segment_name(name: str) -> SegmentName | None:
    """The parts of a segment's name, or None if it is not one."""
    found = _SEGMENT.fullmatch(name)
    if not found:
        return None
    key = StreamKey(found["station"], found["camera"], found["stream"])
    return SegmentName(found["election"], key, int(found["seq"]), found["hash"])
