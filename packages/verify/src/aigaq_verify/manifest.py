"""`clip.json` and the names of the files in a clip. It says what was asked for; it proves nothing."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from aigaq_verify.records import ID, MAX_MS, STREAMS, SegmentRecord

FORMAT: Final = 2
MANIFEST: Final = "clip.json"
README: Final = "README.txt"
MAX_MANIFEST: Final = 8 << 20


class ManifestError(ValueError):
    """A `clip.json` that cannot be read, with the reason."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a clip is of: one stream, from `from_ms` (included) to `to_ms` (excluded), UTC milliseconds."""

    election: str
    station: str
    camera: str
    stream: str
    from_ms: int
    to_ms: int
    origin: str
    files: tuple[str, ...]
    """Every other file of the clip."""
    log: str = ""
    """Origin of the national log."""

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read `clip.json`.

        Raises:
            ManifestError: the reason.
        """
        try:
            items = json.loads(data, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"{MANIFEST} is not JSON") from error
        if not isinstance(items, dict):
            raise ManifestError(f"{MANIFEST} is not an object")
        fields = cast("dict[str, Any]", items)
        if fields.pop("format", None) == 1:
            fields["log"] = ""
        if set(fields) != set(cls.__dataclass_fields__):
            raise ManifestError(f"{MANIFEST} has other fields than format {FORMAT}")
        return cls._checked(fields)

    @classmethod
    def _checked(cls, fields: dict[str, Any]) -> "Manifest":
        ids = [fields["election"], fields["station"], fields["camera"]]
        start, end, files = fields["from_ms"], fields["to_ms"], fields["files"]
        if not all(isinstance(i, str) and ID.fullmatch(i) for i in ids) or fields["stream"] not in STREAMS:
            raise ManifestError("election, station, camera or stream is not an identifier")
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= MAX_MS:
            raise ManifestError("from_ms and to_ms are not an interval")
        if not isinstance(fields["origin"], str) or not isinstance(fields["log"], str) or not isinstance(files, list):
            raise ManifestError("origin or log is not text, or files is not a list")
        if not all(isinstance(name, str) for name in cast("list[object]", files)):
            raise ManifestError("files is not a list of names")
        fields["files"] = tuple(cast("list[str]", files))
        return cls(**fields)

    def encode(self) -> bytes:
        """The file."""
        said: dict[str, object] = {"format": FORMAT if self.log else 1, **asdict(self)}
        if not self.log:
            del said["log"]
        return json.dumps(said, indent=1).encode() + b"\n"


def init_file(sha256: bytes) -> str:
    """Where a clip keeps an initialisation segment."""
    return f"init/{sha256.hex()[:16]}.mp4"


def segment_file(record: SegmentRecord) -> str:
    """Where a clip keeps a segment."""
    return f"segments/{record.file_name}"


def record_file(index: int) -> str:
    """Where a clip keeps the record at that index of the station log."""
    return f"records/{index}.cbor"


def proof_file(index: int) -> str:
    """Where a clip keeps the proof of the record at that index of the station log."""
    return f"proofs/{index}.tlog-proof"


def checkpoint_file(size: int) -> str:
    """Where a clip keeps the proof that the station's checkpoint of that size is in the national log."""
    return f"checkpoints/{size}.tlog-proof"


def leaf_file(index: int) -> str:
    """Where a clip keeps the leaf at that index of the national log."""
    return f"leaves/{index}.cbor"


def leaf_proof_file(index: int) -> str:
    """Where a clip keeps the proof of the leaf at that index of the national log."""
    return f"leaves/{index}.tlog-proof"


def beacon_file(size: int, hash16: bytes) -> str:
    """Where a clip keeps the witnessed checkpoint that rows name as their beacon."""
    return f"beacons/{size}-{hash16.hex()}.note"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ManifestError(f"{MANIFEST} has a field twice")
    return dict(pairs)
