"""The times inside a segment: `tfdt` of each fragment (ISO/IEC 14496-12 §8.8.12). Reads nothing else."""

from collections.abc import Iterator

TIMESCALE = 90_000
_MAX_BOXES = 4096


def fragment_times(segment: bytes) -> list[int]:
    """The decode time of each `moof`, in ticks of 1/90,000 s since 1970; ValueError where boxes are torn."""
    return [_time(moof) for kind, moof in _boxes(memoryview(segment)) if kind == b"moof"]


def _time(moof: memoryview) -> int:
    times = [t for kind, traf in _boxes(moof) if kind == b"traf" for kind_, t in _boxes(traf) if kind_ == b"tfdt"]
    if len(times) != 1 or len(times[0]) != {0: 8, 1: 12}.get(times[0][0] if times[0] else -1):
        raise ValueError("a fragment without one readable decode time")
    return int.from_bytes(times[0][4:], "big")


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    for _ in range(_MAX_BOXES):
        if not data:
            return
        size, header = int.from_bytes(data[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(data[8:16], "big"), 16
        if not header <= size <= len(data):
            raise ValueError("a box that is cut off")
        yield bytes(data[4:8]), data[header:size]
        data = data[size:]
    raise ValueError(f"more than {_MAX_BOXES} boxes")
