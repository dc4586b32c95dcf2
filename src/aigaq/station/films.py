"""Films to look for a blinking patch in: the clips of a zip with the notes that they carry, or loose files.

It reads what is there and judges nothing: whether a clip is true is for `aigaq verify` to say.
"""

import io
import itertools
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aigaq.capture.patch import Gray, NotReadableError, frames_of
from aigaq_verify import RecordError, SegmentRecord, decode_record
from aigaq_verify.manifest import MANIFEST, init_file, segment_file

Frames = Iterator[tuple[int, Gray]]


@dataclass(frozen=True, slots=True)
class Film:
    """The pictures of one stream, and what they are compared with."""

    name: str
    origin: str
    """Name of the station's log."""
    notes: tuple[bytes, ...]
    """Witnessed notes that the station may have held."""
    frames: Frames


def films_in(path: Path) -> list[Film]:
    """The clips of a clip.zip or package.zip.

    Raises:
        NotReadableError: there is no clip in it.
    """
    try:
        archive = zipfile.ZipFile(path)
        roots = [name.removesuffix(MANIFEST) for name in archive.namelist() if name.endswith(MANIFEST)]
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise NotReadableError(str(path), problem="its files are compressed, which those of a clip never are")
        films = [_film(archive, root, path) for root in roots]
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise NotReadableError(str(path), problem=str(error)) from error
    if not films:
        raise NotReadableError(str(path), problem="there is no clip in this zip")
    return films


def loose_film(files: Sequence[Path], notes: Iterable[bytes], origin: str, begin_ms: int | None) -> Film:
    """One stream of an initialisation segment and its segments, or any video that begins at that time."""
    frames = frames_of(io.BytesIO(b"".join(path.read_bytes() for path in files)))
    return Film(files[0].name, origin, tuple(notes), frames if begin_ms is None else _from(frames, begin_ms))


def _from(frames: Frames, begin_ms: int) -> Frames:
    first: int | None = None
    for ms, picture in frames:
        first = ms if first is None else first
        yield begin_ms + ms - first, picture


def _film(archive: zipfile.ZipFile, root: str, path: Path) -> Film:
    origin = str(json.loads(archive.read(root + MANIFEST))["origin"])
    inside = [name.removeprefix(root) for name in archive.namelist() if name.startswith(root)]
    notes = tuple(archive.read(root + name) for name in inside if name.startswith("beacons/"))
    return Film(
        f"{path.name}:{root}" if root else path.name, origin, notes, _pictures(archive, root, set(inside), path)
    )


def _pictures(archive: zipfile.ZipFile, root: str, inside: set[str], path: Path) -> Frames:
    """Decode runs of segments that share an initialisation segment, in the order of their times."""
    try:
        records = [decode_record(archive.read(root + name)) for name in inside if name.startswith("records/")]
        segments = [r for r in records if isinstance(r, SegmentRecord) and segment_file(r) in inside]
        segments.sort(key=lambda record: (record.start_ms, record.seq))
        for init, run in itertools.groupby(segments, lambda record: record.init_sha256):
            parts = [archive.read(root + segment_file(record)) for record in run]
            yield from frames_of(io.BytesIO(archive.read(root + init_file(init)) + b"".join(parts)))
    except (OSError, zipfile.BadZipFile, RecordError, KeyError) as error:
        raise NotReadableError(str(path), problem=str(error)) from error
