"""What a film is made of: one video file, or sealed segments from clips with proofs, bound by their hashes.

A segment whose bytes are not those of its record is refused. Whether the records are in the logs is `aigaq verify`'s.
"""

import hashlib
import math
import re
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from aigaq.base import AigaqError
from aigaq.recount.errors import FilmClipError, FilmEmptyError, FilmMissingError
from aigaq.recount.model import Gap, Source
from aigaq.recount.reading.film import Picture, Piece, film_facts, frames
from aigaq_verify import (
    MANIFEST,
    MAX_RECORD,
    Manifest,
    NotEvidenceError,
    RecordError,
    SegmentRecord,
    StoredZip,
    decode_record,
    init_file,
    segment_file,
)

_PACKED: Final = re.compile(r"(data/clips/([a-z0-9-]{1,40})/)clip\.json")
_RECORD: Final = re.compile(r"records/[0-9]+\.cbor")


@dataclass(frozen=True, slots=True)
class Film:
    """A film that can be read from any of its seconds, in any process."""

    paths: tuple[Path, ...]
    """One video file, or clips with proofs."""
    source: Source
    sealed: bool
    view: str = ""
    """Which camera of an evidence package, as `<camera>-<stream>`."""

    def pictures(self, from_s: float = 0.0, to_s: float = math.inf) -> Iterator[Picture | Gap]:
        """Pictures and gaps of a part; see `film.frames`.

        Raises:
            FilmError: it is not what it was when it was opened.
        """
        if not self.sealed:
            return frames(self.paths[0], from_s=from_s, to_s=to_s)
        zero = (self.source.start_ms or 0) / 1000
        pieces = (piece for path in self.paths for piece in _pieces(path, self.view))
        return frames(pieces, from_s=from_s, to_s=to_s, zero_s=zero, length_s=self.source.seconds)


def open_film(paths: Sequence[Path], view: str = "") -> Film:
    """The film of one file or of clips, whose hashes bind what is read from it.

    Raises:
        FilmMissingError, FilmUnreadableError, FilmNoVideoError: it is no film.
        FilmClipError: a clip is broken, or they are not of one stream.
    """
    if len(paths) == 1 and not zipfile.is_zipfile(paths[0]):
        path = paths[0]
        facts = film_facts(path)
        source = Source(path.name, file_sha256(path), round(facts.seconds, 3), facts.width, facts.height)
        return Film((path,), source, sealed=False)
    return _sealed(paths, view)


def films_of(paths: Sequence[Path], view: str = "") -> tuple[list[Film], list[tuple[Path, AigaqError]]]:
    """The films that these files make, clips of one stream together in the order of time; and those that make none."""
    films: list[Film] = []
    broken: list[tuple[Path, AigaqError]] = []
    clips: dict[tuple[str, ...], list[tuple[int, Path]]] = {}
    for path in paths:
        try:
            if zipfile.is_zipfile(path):
                with _clip(path, view) as clip:
                    clips.setdefault(_stream(clip.manifest), []).append((clip.manifest.from_ms, path))
            else:
                films.append(open_film([path]))
        except AigaqError as error:
            broken.append((path, error))
    for group in clips.values():
        ordered = [path for _, path in sorted(group)]
        try:
            films.append(open_film(ordered, view))
        except AigaqError as error:
            broken.append((ordered[0], error))
    return films, broken


def file_sha256(path: Path) -> str:
    """SHA-256 of a file of any size."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FilmMissingError(str(path), problem=error.strerror or type(error).__name__) from error


def segments_between(path: Path, view: str, from_ms: int, to_ms: int) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the sealed segments of a clip that touch an interval, each after its initialisation."""
    with _clip(path, view) as clip:
        given: set[bytes] = set()
        for record in clip.records:
            if record.start_ms < to_ms and record.end_ms > from_ms:
                if record.init_sha256 not in given:
                    yield init_file(record.init_sha256), clip.read(init_file(record.init_sha256))
                    given.add(record.init_sha256)
                yield segment_file(record), clip.media(record)


def _sealed(paths: Sequence[Path], view: str) -> Film:
    records: list[SegmentRecord] = []
    manifests: list[Manifest] = []
    for path in paths:
        with _clip(path, view) as clip:
            manifests.append(clip.manifest)
            records += clip.records
    for before, after in pairwise(manifests):
        if _stream(before) != _stream(after):
            raise FilmClipError(str(paths[0]), problem="the clips are not of one camera and stream")
        if after.from_ms < before.to_ms:
            raise FilmClipError(str(paths[0]), problem="the clips overlap or are not in the order of time")
    start, end = manifests[0].from_ms, manifests[-1].to_ms
    if not records:
        raise FilmEmptyError(str(paths[0]))
    start = min(start, records[0].start_ms)
    end = max(end, records[-1].end_ms)
    hashes = tuple(dict.fromkeys(record.sha256.hex() for record in records))
    source = Source("/".join(_stream(manifests[0])), "", (end - start) / 1000, 1, 1, start, hashes)
    film = Film(tuple(paths), source, sealed=True, view=view)
    first = next((p for p in film.pictures() if isinstance(p, Picture)), None)
    if first is None:
        raise FilmEmptyError(str(paths[0]))
    height, width = first.grey.shape
    return Film(
        film.paths, Source(source.name, "", source.seconds, width, height, start, hashes), sealed=True, view=view
    )


def _stream(manifest: Manifest) -> tuple[str, str, str, str]:
    return manifest.election, manifest.station, manifest.camera, manifest.stream


def _pieces(path: Path, view: str) -> Iterator[Piece]:
    with _clip(path, view) as clip:
        for record in clip.records:
            yield Piece(clip.read(init_file(record.init_sha256)), clip.media(record))


class _Clip:
    """One clip with proofs, open."""

    def __init__(self, package: StoredZip, folder: str) -> None:
        self._package = package
        self._folder = folder
        self.manifest = Manifest.parse(self.read(MANIFEST))
        names = [n.removeprefix(folder) for n in package.sizes if n.startswith(folder)]
        rows = [decode_record(self.read(n, MAX_RECORD)) for n in names if _RECORD.fullmatch(n)]
        kept = [r for r in rows if isinstance(r, SegmentRecord) and folder + segment_file(r) in package.sizes]
        self.records = sorted(kept, key=lambda r: (r.start_ms, r.seq))

    def read(self, name: str, limit: int = 64 << 20) -> bytes:
        name = self._folder + name
        if self._package.sizes.get(name, limit + 1) > limit:
            raise NotEvidenceError(f"{name} is missing or too long")
        return self._package.read(name)

    def media(self, record: SegmentRecord) -> bytes:
        data = self.read(segment_file(record))
        if hashlib.sha256(data).digest() != record.sha256:
            raise NotEvidenceError(f"{segment_file(record)} is not what was sealed")
        return data


@contextmanager
def _clip(path: Path, view: str) -> Generator[_Clip]:
    try:
        with path.open("rb") as stream:
            package = StoredZip(stream)
            yield _Clip(package, _folder(package, view))
    except OSError as error:
        raise FilmMissingError(str(path), problem=error.strerror or type(error).__name__) from error
    except (NotEvidenceError, RecordError) as error:
        raise FilmClipError(str(path), problem=str(error)) from error


def _folder(package: StoredZip, view: str) -> str:
    """Where the clip lies: at the top, or in an evidence package, which may hold several."""
    if MANIFEST in package.sizes:
        return ""
    found = {m[2]: m[1] for name in package.sizes if (m := _PACKED.fullmatch(name))}
    if not found:
        raise NotEvidenceError("neither a film, nor a clip, nor an evidence package")
    if view and view in found:
        return found[view]
    if view or len(found) > 1:
        raise NotEvidenceError(f"it holds {', '.join(sorted(found))}; name one of them with --view")
    return next(iter(found.values()))
