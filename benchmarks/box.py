"""A real box for a benchmark: `aigaq station run` on a folder, and what its journal says afterwards."""

import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aigaq.ledger import SigningKey
from aigaq_verify import GapRecord, SegmentRecord, decode_record

HEAD = """[station]
election = "bench"
id = "box"
data = "data"
key = "station.key"
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
        SigningKey.create(folder / "station.key")
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

    def wait_for_footage(self, cameras: int, seconds: float = 30) -> None:
        """Until each camera has a segment on record."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                rows = self.records().values()
            except sqlite3.OperationalError:
                continue
            if sum(any(isinstance(r, SegmentRecord) for r in records) for records in rows) >= cameras:
                return
        raise SystemExit(f"only {len(self.records())} of {cameras} cameras are recorded after {seconds:g} s")
