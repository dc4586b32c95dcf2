"""What `/log/...` serves, as bytes: checkpoints, tiles and witnessed notes. Nothing here is made, only found.

A partial tile is the beginning of the tile that it grew into, so each stays to be had though its file is gone.
"""

import re
from typing import Final

from aigaq.ledger.center_log import CenterLog
from aigaq.ledger.tiles import ENTRIES, WIDTH, tile_path

_TILE: Final = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/){0,6}\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)
_STATION: Final = re.compile(r"s/([a-z0-9-]{1,32})/(.+)", re.ASCII)
_SIZE: Final = re.compile(r"witnessed/(0|[1-9]\d{0,18})", re.ASCII)


def find(log: CenterLog, path: str) -> tuple[bytes, bool] | None:
    """The bytes at a path below `/log/`, and whether they never change; None for what is not there."""
    if path == "checkpoint":
        return log.national.head.note, False
    if path == "witnessed":
        newest = log.witnessed.newest
        return None if newest is None else (newest[2], False)
    if found := _SIZE.fullmatch(path):
        return _immutable(log.witnessed.of_size(int(found[1])))
    if tile := parse_tile(path):
        return _immutable(log.national.tiles.data(*tile))
    if found := _STATION.fullmatch(path):
        return _station_file(log, found[1], found[2])
    return None


def parse_tile(path: str) -> tuple[int | str, int, int] | None:
    """Level, index and width of a tile by its path; None where it is not the one path of a tile."""
    found = _TILE.fullmatch(path)
    if not found:
        return None
    level: int | str = found[1] if found[1] == ENTRIES else int(found[1])
    index = int(found[2].replace("x", "").replace("/", ""))
    width = int(found[3]) if found[3] else WIDTH
    return (level, index, width) if width and tile_path(level, index, width) == path else None


def _station_file(log: CenterLog, station: str, path: str) -> tuple[bytes, bool] | None:
    if path == "checkpoint":
        index = log.stations.latest(station)
        return None if index is None else (log.station_note(index), False)
    tile = parse_tile(path)
    if tile is None or tile[0] == ENTRIES:
        return None
    return _immutable(log.stations.tile(station, int(tile[0]), tile[1], tile[2]))


def _immutable(data: bytes | None) -> tuple[bytes, bool] | None:
    return None if data is None else (data, True)
