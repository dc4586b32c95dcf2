"""What each stream is doing now, in memory: for the station list, the live playlists and the newest init."""

from dataclasses import dataclass
from typing import Final

from aigaq.archive.coverage import camera_state
from aigaq.archive.model import STREAMS, CameraState, CameraStatus, Kind, Row, StreamKey
from aigaq.election import Camera
from aigaq_verify import GapCause


@dataclass(slots=True)
class Tail:
    """The end of one stream, by number."""

    seq: int = -1
    last_end_ms: int | None = None
    """End of the newest footage."""
    open_gap: GapCause | None = None
    init: str | None = None


class Tails:
    """The ends of all streams."""

    def __init__(self) -> None:
        self._tails: dict[StreamKey, Tail] = {}
        self.received_ms: dict[str, int] = {}
        """When each station was last heard."""

    def add(self, row: Row) -> None:
        """A row has arrived; rows may overtake one another."""
        tail = self._tails.setdefault(row.key, Tail())
        self.received_ms[row.station] = max(row.received_ms, self.received_ms.get(row.station, 0))
        if row.kind is Kind.SEGMENT:
            tail.last_end_ms = max(tail.last_end_ms or 0, row.end_ms or 0)
            tail.init = row.init.hex() if row.init and (row.seq > tail.seq or not tail.init) else tail.init
        if row.seq > tail.seq:
            tail.seq = row.seq
            tail.open_gap = row.cause if row.end_ms is None else None

    def get(self, key: StreamKey) -> Tail:
        """The end of a stream; an empty one if nothing came."""
        return self._tails.get(key, _NOTHING)

    def init(self, key: StreamKey) -> str | None:
        """The initialisation segment of its newest footage."""
        return self.get(key).init

    def camera(self, camera: Camera, now_ms: int) -> CameraStatus:
        """The better of the camera's two streams."""
        main, sub = (self._tails.get(StreamKey(camera.station, camera.id, s), _NOTHING) for s in STREAMS)
        ends = (main.last_end_ms, sub.last_end_ms)
        state, cause = _stream_state(main, now_ms), main.open_gap
        other = _stream_state(sub, now_ms)
        if _RANK[other] < _RANK[state]:
            state, cause = other, sub.open_gap
        return CameraStatus(camera.id, camera.zone, state, cause, max((e for e in ends if e is not None), default=None))


def _stream_state(tail: Tail, now_ms: int) -> CameraState:
    return camera_state(tail.last_end_ms, tail.open_gap, now_ms)


_NOTHING: Final = Tail()
_RANK: Final = {
    s: n
    for n, s in enumerate((CameraState.LIVE, CameraState.GAP, CameraState.STALE, CameraState.OFF, CameraState.NEVER))
}
