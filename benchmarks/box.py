"""A real box for a benchmark: `aigaq station run` on a folder, and what its journal says afterwards."""

import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aigaq.ledger.enrolment import IdentityKey
from aigaq_verify import GapCause, GapRecord, SegmentRecord, decode_record
from benchmarks.lab import LOG

HEAD = """[station]
election = "bench"
id = "box"
data = "data"
identity = "identity.key"
log_domain = "bench.invalid"

[limits]
min_free_hours = 0
main_mbps = 4
"""


@dataclass(frozen=True, slots=True)
class BoxFolder:
    """One box on disk."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, urls: Sequence[str]) -> "BoxFolder":
        """A box that records these main streams and sends nothing."""
        folder.mkdir(parents=True)
        IdentityKey.create(folder / "identity.key")
        zone = "ballot_box"
        cameras = "".join(f'\n[[cameras]]\nid = "c{n}"\nzone = "{zone}"\nmain = "{u}"\n' for n, u in enumerate(urls))
        (folder / "station.toml").write_text(HEAD + cameras)
        return cls(folder)

    @property
    def command(self) -> list[object]:
        """What an operator types."""
        return [sys.executable, "-m", "aigaq", "station", "run", "--config", self.folder / "station.toml"]

    def records(self) -> dict[str, list[SegmentRecord | GapRecord]]:
        """All rows by camera, in order."""
        path = self.folder / "data" / "journal.sqlite"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as journal:
            found = [decode_record(row[0]) for row in journal.execute("SELECT record FROM rows ORDER BY id")]
        by_camera: dict[str, list[SegmentRecord | GapRecord]] = {}
        for record in found:
            if isinstance(record, SegmentRecord | GapRecord):
                by_camera.setdefault(record.camera, []).append(record)
        return by_camera

    def wait_for_footage(self, cameras: int) -> None:
        """Until each camera has a segment on record."""
        self._wait(cameras, lambda record: isinstance(record, SegmentRecord))

    def wait_for_recovery(self, cameras: int) -> None:
        """Until the gap that a crash made is on record for each camera."""
        self._wait(cameras, lambda record: isinstance(record, GapRecord) and record.cause is GapCause.RESTART)

    def _wait(self, cameras: int, wanted: Callable[[SegmentRecord | GapRecord], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                rows = self.records().values()
            except sqlite3.OperationalError:
                continue
            if sum(any(map(wanted, records)) for records in rows) >= cameras:
                return
        raise SystemExit(f"not all of {cameras} cameras are recorded after {seconds:g} s; see {LOG}")
