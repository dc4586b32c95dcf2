"""All that is known of one ballot, as one zip file: when, which pictures, what each reader said, from which bytes.

The same folder gives the same file. Times in it are the film's; where the film was sealed, UTC milliseconds too.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aigaq.recount.errors import FolderNotWrittenError, NoBallotError
from aigaq.recount.files import STYLES, ballot_folder, picture_names
from aigaq.recount.model import Count, Reading
from aigaq.recount.people.model import PeopleReading
from aigaq.recount.reading.source import segments_between

FORMAT: Final = 1
MARGIN_S: Final = 2.0
"""Footage before and after the showing that goes into the package."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def write_evidence(
    folder: Path, count: Count, n: int, out: Path, *, clips: Sequence[Path] = (), people: Sequence[PeopleReading] = ()
) -> None:
    """Write the package of presentation `n`.

    Args:
        folder: The reading folder.
        count: What `read_reading` gave.
        n: Number of the presentation.
        out: The file to write.
        clips: Clips with proofs in which the showing lies: its sealed segments are taken along.
        people: What people say.

    Raises:
        NoBallotError: there is no such presentation.
        FilmClipError: a clip is broken.
        FolderNotWrittenError: the disk did not take it.
    """
    if not 1 <= n <= len(count.readings):
        raise NoBallotError(str(folder), n=n, many=len(count.readings))
    reading = count.readings[n - 1]
    contents = dict(_pictures(folder, reading)) | dict(_segments(count, reading, clips))
    contents["README.txt"] = files("aigaq.recount").joinpath("evidence_readme.txt").read_bytes()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(contents.items())}
    said = [asdict(one) for one in people if one.n == n]
    contents["ballot.json"] = _json(_told(count, reading) | {"people": said, "files": hashes})
    try:
        part = out.with_name(f".{out.name}.part")
        part.write_bytes(_zip(contents))
        part.replace(out)
    except OSError as error:
        raise FolderNotWrittenError(str(out), problem=error.strerror or type(error).__name__) from error


def _told(count: Count, reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {
        "format": FORMAT,
        "source": asdict(count.source),
        "maker": asdict(count.maker),
        "reading": asdict(reading),
    }
    start = count.source.start_ms
    if start is not None:
        told["utc_ms"] = [start + round(at * 1000) for at in (reading.from_s, reading.to_s)]
    return told


def _pictures(folder: Path, reading: Reading) -> Iterator[tuple[str, bytes]]:
    for name in picture_names(reading):
        yield name, (ballot_folder(folder, reading.n) / name).read_bytes()
    style = folder / STYLES / (reading.style or "")
    if reading.style and style.is_dir():
        for path in sorted(style.iterdir()):
            yield f"style/{path.name}", path.read_bytes()


def _segments(count: Count, reading: Reading, clips: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    start = count.source.start_ms
    if start is None:
        return
    span = start + round((reading.from_s - MARGIN_S) * 1000), start + round((reading.to_s + MARGIN_S) * 1000)
    for clip in clips:
        yield from segments_between(clip, "", *span)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _zip(contents: dict[str, bytes]) -> bytes:
    """Stored, sorted, without times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, data in sorted(contents.items()):
            package.writestr(zipfile.ZipInfo(name, _DATE), data)
    return out.getvalue()
