"""How the box is: a status for people, the centre and `aigaq station status`, and the alarms that follow from it."""

import json
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aigaq.base import Clock, utc_ms
from aigaq.capture import StreamHealth
from aigaq.station.alarms import Alarms
from aigaq.station.beacon import Beacons
from aigaq.station.errors import (
    BacklogError,
    CameraClockOffError,
    ClockUnsyncedError,
    DiskFailedError,
    DiskFullError,
    DiskLowError,
    StreamDownError,
    StreamLossyError,
)
from aigaq.station.journal import JournalReader
from aigaq.station.rules import Gap
from aigaq.station.settings import StationSettings
from aigaq.station.signing import Session
from aigaq.station.spool import Spool
from aigaq.station.stream import StreamName, StreamWriter
from aigaq.station.writer import Writer
from aigaq_verify import GapCause

FORMAT: Final = 2
HEALTH_S: Final = 5.0
STALE_MS: Final = 20_000
"""A status older than this means that no agent runs."""
LOSSY_PACKETS: Final = 50
CLOCK_OFF_MS: Final = 5_000
LATE_MS: Final = 30_000
_MINUTE: Final = round(60 / HEALTH_S)


def status_path(data: Path) -> Path:
    """Where the status lies."""
    return data / "status.json"


class HealthBoard:
    """Puts the status together; called every `HEALTH_S` from the event loop, its queries from a thread."""

    def __init__(
        self, settings: StationSettings, clock: Clock, alarms: Alarms, spool: Spool, writer: Writer, journal: Path
    ) -> None:
        self.clock_synced = True
        self.duty = "before"
        self._settings = settings
        self._clock = clock
        self._alarms = alarms
        self._spool = spool
        self._writer = writer
        self._journal = journal
        self._lost: dict[StreamName, deque[int]] = {}

    def backlog(self) -> dict[str, Any]:
        """What the centre lacks; slow after days without uplink, so not for the event loop."""
        reader = JournalReader(self._journal)
        try:
            kinds = {kind: asdict(reader.waiting(kind)) for kind in ("sub", "main")}
            return {**kinds, "refused": reader.refused(), "rows": reader.size()}
        finally:
            reader.close()

    def status(
        self, streams: Mapping[StreamName, StreamWriter], health: Mapping[StreamName, StreamHealth],
        backlog: dict[str, Any], proof: dict[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        """The whole status, with the alarms that it gives rise to."""
        rows = [self._stream(name, stream, health.get(name)) for name, stream in streams.items()]
        disk = self._disk(sum(row["bit_rate"] for row in rows))
        self._watch_box(disk, backlog)
        return {
            "format": FORMAT,
            "election": self._settings.station.election,
            "station": self._settings.station.id,
            "at_ms": utc_ms(self._clock),
            "pid": os.getpid(),
            "duty": self.duty,
            "clock_synced": self.clock_synced,
            "streams": rows,
            "disk": disk,
            "backlog": backlog,
            "log": {"rows": backlog["rows"], "sealed": self._writer.sealed},
            **proof,
            "center": self._settings.center.url if self._settings.center else None,
            "alarms": [{**asdict(alarm.explanation), "since_ms": alarm.since_ms} for alarm in self._alarms],
        }

    def _stream(self, name: StreamName, stream: StreamWriter, health: StreamHealth | None) -> dict[str, Any]:
        gap = stream.tiler.position.gap
        self._watch_stream(name, stream, gap, health)
        zones = {camera.id: camera.zone for camera in self._settings.cameras}
        return {
            "camera": name.camera,
            "stream": name.stream,
            "zone": zones[name.camera],
            "gap": {"cause": gap.cause, "from_ms": gap.from_ms, "detail": gap.detail} if gap else None,
            **(asdict(health) if health else _NO_HEALTH),
        }

    def _disk(self, bit_rate: float) -> dict[str, Any]:
        free = self._spool.free_bytes()
        hours = free / (bit_rate * 450 if bit_rate else self._settings.bytes_per_hour)
        return {"free_bytes": free, "hours_left": round(hours, 1), "unwritten_bytes": self._writer.waiting_bytes}

    def _watch_stream(
        self, name: StreamName, stream: StreamWriter, gap: Gap | None, health: StreamHealth | None
    ) -> None:
        where, ring = str(name), self._alarms.set
        down = self.duty == "on" and gap is not None and gap.cause is not GapCause.DISK_FULL
        ring(StreamDownError(where, cause=gap.cause if gap else ""), when=down)
        full = gap is not None and gap.cause is GapCause.DISK_FULL
        ring(DiskFullError(where, problem=gap.detail if gap else ""), when=full or bool(stream.refusal))
        if health is None:
            return
        totals = self._lost.setdefault(name, deque(maxlen=_MINUTE + 1))
        totals.append(health.rtp_lost)
        lost = totals[-1] - totals[0]
        ring(StreamLossyError(where, lost=lost), when=lost >= LOSSY_PACKETS)
        offset = health.clock_offset_ms or 0
        ring(CameraClockOffError(where, offset=round(offset / 1000, 1)), when=abs(offset) > CLOCK_OFF_MS)

    def _watch_box(self, disk: dict[str, Any], backlog: dict[str, Any]) -> None:
        ring, hours = self._alarms.set, disk["hours_left"]
        ring(DiskLowError(hours=hours), when=hours < self._settings.limits.min_free_hours)
        ring(ClockUnsyncedError(), when=not self.clock_synced)
        ring(DiskFailedError(problem=self._writer.trouble), when=bool(self._writer.trouble))
        oldest = backlog["sub"]["oldest_ms"]
        late = utc_ms(self._clock) - oldest if oldest else 0
        ring(BacklogError(seconds=late // 1000), when=self._settings.center is not None and late > LATE_MS)


def proof_of(session: Session, beacons: Beacons | None, *, known: bool) -> dict[str, Any]:
    """What the box signs with and until when, whether the centre knows it, and the beacon that it holds."""
    held = beacons.held if beacons else None
    return {
        "keys": {
            "session": session.key.public.hex(),
            "session_until_ms": session.key_until_ms,
            "enrolled_until_ms": session.enrolled_until_ms,
            "known": known,
        },
        "beacon": {"size": held.size, "witnessed_ms": held.witnessed_ms} if held else None,
    }


_NO_HEALTH: Final = dict.fromkeys(StreamHealth.__dataclass_fields__) | {
    "state": "stopped", "fps": 0.0, "bit_rate": 0, "rtp_lost": 0, "slope_ppm": 0.0, "codec": "", "last_error": "",
    "width": 0, "height": 0,
}  # fmt: skip


def write_status(path: Path, status: Mapping[str, Any]) -> None:
    """Replace the status file at once; a full disk must not stop anything."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(status, ensure_ascii=False, indent=1), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
