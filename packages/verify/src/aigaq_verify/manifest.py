"""`clip.json` and the names of the files in a clip. It says what was asked for; it proves nothing."""

import json
from dataclasses import dataclass
from typing import Any, Final

from aigaq_verify.container import NotEvidenceError
from aigaq_verify.records import ID, MAX_MS, STREAMS

FORMAT: Final = 2
MANIFEST: Final = "clip.json"
README: Final = "README.txt"
MAX_MANIFEST: Final = 8 << 20

segment_file: Final = "segments/{0.file_name}".format  # a segment, by its row
record_file: Final = "records/{}.cbor".format  # a row, by its index in the station's log
proof_file: Final = "proofs/{}.tlog-proof".format  # its proof
checkpoint_file: Final = "checkpoints/{}.tlog-proof".format  # a station's checkpoint in the national log, by its size
leaf_file: Final = "leaves/{}.cbor".format  # a leaf of the national log, by its index
leaf_proof_file: Final = "leaves/{}.tlog-proof".format  # its proof


def init_file(sha256: bytes) -> str:
    """Where a clip keeps an initialisation segment."""
    return f"init/{sha256.hex()[:16]}.mp4"


def beacon_file(size: int, hash16: bytes) -> str:
    """Where a clip keeps the witnessed national checkpoint that rows name as their beacon."""
    return f"beacons/{size}-{hash16.hex()}.note"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a clip is of: one stream, from `from_ms` (included) to `to_ms` (excluded), UTC milliseconds."""

    election: str
    station: str
    camera: str
    stream: str
    from_ms: int
    to_ms: int
    origin: str  # of the station's log
    files: tuple[str, ...]  # every other file of the clip
    log: str  # origin of the national log

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read `clip.json`; NotEvidenceError where it is none of this format."""
        try:
            said: Any = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=int)  # int("NaN") fails
        except (ValueError, RecursionError) as error:
            raise NotEvidenceError(f"{MANIFEST} is not JSON, or has a field twice") from error
        version = said.pop("format", None) if isinstance(said, dict) else None
        if type(version) is not int or version != FORMAT or set(said) != set(cls.__slots__):
            raise NotEvidenceError(f"{MANIFEST} is not of format {FORMAT}, the only one that this version reads")
        start, end, files = said["from_ms"], said["to_ms"], said["files"]
        ids = all(isinstance(said[i], str) and ID.fullmatch(said[i]) for i in ("election", "station", "camera"))
        span = type(start) is int and type(end) is int and 0 <= start < end <= MAX_MS
        logs = isinstance(said["origin"], str) and isinstance(said["log"], str) and said["stream"] in STREAMS
        if not (ids and span and logs and isinstance(files, list) and all(isinstance(name, str) for name in files)):
            raise NotEvidenceError(f"{MANIFEST} has a field that is not of its kind, or no interval")
        said["files"] = tuple(files)
        return cls(**said)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a field twice")
    return dict(pairs)
