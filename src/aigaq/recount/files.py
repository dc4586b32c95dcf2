"""The reading folder: what was read from one film, with its pictures. Strict both ways: what is not right is refused.

`reading.json` is written last, whole or not at all: a folder without it is unfinished. `docs/reference/recount.md`
describes every key.
"""

import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from aigaq.election import ID_PATTERN
from aigaq.recount.errors import (
    FolderInUseError,
    FolderMissingError,
    FolderNotWrittenError,
    FolderPictureError,
    FolderUnfinishedError,
    FolderWrongError,
)
from aigaq.recount.model import FORMAT, MIN_VISIBLE, Count, Gap, Maker, Outcome, Reading, Source
from aigaq.recount.styles import LoadedStyle, load_style, load_styles

FILE: Final = "reading.json"
BALLOTS: Final = "ballots"
MAX_FRAMES: Final = 3
"""How many of a reading's frames are kept as pictures."""
STYLES: Final = "styles"
"""The styles that the film was read with, so that the folder explains itself."""
WORK: Final = ".work"
"""What a reading that goes on needs until it is finished."""
_PART: Final = f".{FILE}.part"
_UNFINISHED: Final = frozenset({BALLOTS, STYLES, WORK, _PART})
_MAX_BYTES: Final = 256 << 20
_MAX_PROBLEMS: Final = 20
_SHA256: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one presentation, encoded."""

    frames: tuple[bytes, ...] = ()
    """JPEG, best first; the first three are kept."""
    sheet: bytes | None = None
    """PNG, rectified and fused, 4 px/mm, grey."""
    boxes: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """PNG of each choice's fused box, 48 × 48, grey."""


class ReadingWriter:
    """Fills a reading folder, ballot by ballot."""

    def __init__(self, folder: Path) -> None:
        """Begin in a folder that is new, empty, or was left unfinished by an earlier writer, which is cleared.

        Raises:
            FolderInUseError: it holds something else.
        """
        self._folder = folder
        with _writing(folder):
            if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - _UNFINISHED):
                raise FolderInUseError(str(folder))
            shutil.rmtree(folder / BALLOTS, ignore_errors=True)
            (folder / BALLOTS).mkdir(parents=True)

    def add(self, n: int, pictures: Pictures) -> None:
        """Keep the pictures of presentation `n`."""
        named = {f"frame-{k}.jpg": data for k, data in enumerate(pictures.frames[:MAX_FRAMES], 1)}
        if pictures.sheet is not None:
            named["sheet.png"] = pictures.sheet
        named |= {_box_name(choice): data for choice, data in pictures.boxes.items()}
        with _writing(self._folder):
            at = ballot_folder(self._folder, n)
            at.mkdir()
            for name, data in named.items():
                (at / name).write_bytes(data)

    def adopt(self, n: int, folder: Path) -> None:
        """Take the pictures of presentation `n` over from a ballot of another folder, which keeps them too."""
        with _writing(self._folder):
            shutil.copytree(folder, ballot_folder(self._folder, n), copy_function=_link_or_copy)

    def renumber(self, order: Sequence[int]) -> None:
        """Give the pictures other numbers: those of presentation `order[0]` become 1, and so on."""
        moved = [(old, new) for new, old in enumerate(order, 1) if old != new]
        with _writing(self._folder):
            for old, new in moved:
                ballot_folder(self._folder, old).replace(self._folder / BALLOTS / f".{new}")
            for _, new in moved:
                (self._folder / BALLOTS / f".{new}").replace(ballot_folder(self._folder, new))

    def finish(self, count: Count) -> None:
        """Write `reading.json`.

        Raises:
            FolderWrongError: the count contradicts itself.
            FolderPictureError: a picture was not added.
        """
        _check(count, str(self._folder))
        _check_pictures(self._folder, count.readings)
        part = self._folder / _PART
        with _writing(self._folder), part.open("wb") as file:
            file.write(count_text(count).encode())
            file.flush()
            os.fsync(file.fileno())
            part.replace(self._folder / FILE)


def write_reading(folder: Path, count: Count, pictures: Callable[[Reading], Pictures]) -> None:
    """Write a whole reading folder; `pictures` gives those of each reading in turn.

    Raises:
        FolderInUseError: the folder holds something else.
        FolderWrongError: the count contradicts itself.
        FolderPictureError: a picture is missing.
        FolderNotWrittenError: the disk did not take it.
    """
    _check(count, str(folder))
    writer = ReadingWriter(folder)
    for reading in count.readings:
        writer.add(reading.n, pictures(reading))
    writer.finish(count)


def read_reading(folder: Path) -> Count:
    """Read a reading folder, and see that every picture is there.

    Raises:
        FolderMissingError: there is none.
        FolderUnfinishedError: it was not finished.
        FolderWrongError: with every problem of `reading.json`, up to twenty.
        FolderPictureError: a picture is missing.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FolderWrongError(str(path), problem="longer than any count")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        unfinished = (folder / BALLOTS).is_dir() or (folder / WORK).is_dir()
        raise (FolderUnfinishedError if unfinished else FolderMissingError)(str(folder)) from error
    except OSError as error:
        raise FolderWrongError(str(path), problem=error.strerror or type(error).__name__) from error
    count = parse_count(data, where=str(path))
    _check_pictures(folder, count.readings)
    return count


def keep_style(folder: Path, style: Path) -> None:
    """Copy the folder of a style beside the reading."""
    with _writing(folder):
        shutil.copytree(style, folder / STYLES / load_style(style).style.id, dirs_exist_ok=True)


def kept_styles(folder: Path, count: Count) -> dict[str, LoadedStyle]:
    """The styles that lie beside a reading, for names; none where they were not kept.

    Raises:
        FolderWrongError: one is not that which the film was read with.
    """
    if not (folder / STYLES).is_dir():
        return {}
    styles = load_styles(folder / STYLES)
    for name, loaded in styles.items():
        if count.maker.styles.get(name) != loaded.sha256:
            raise FolderWrongError(str(folder / STYLES / name), problem="the film was read with another style")
    return styles


def ballot_folder(folder: Path, n: int) -> Path:
    """Where the pictures of presentation `n` lie."""
    return folder / BALLOTS / f"{n:04d}"


def picture_names(reading: Reading) -> Iterator[str]:
    """The pictures that a reading must have."""
    for k in range(1, min(len(reading.frames), MAX_FRAMES) + 1):
        yield f"frame-{k}.jpg"
    if reading.boxes:
        yield "sheet.png"
    for box in reading.boxes:
        yield _box_name(box.choice)


def count_text(count: Count) -> str:
    """`reading.json`: the same count gives the same text, a line for each reading and gap."""
    head = f'{{"format": {FORMAT},\n"source": {_json(count.source)},\n"maker": {_json(count.maker)},\n'
    readings, gaps = (",\n".join(map(_json, values)) for values in (count.readings, count.gaps))
    return f'{head}"readings": [\n{readings}\n],\n"gaps": [\n{gaps}\n]}}\n'


def parse_count(data: bytes, where: str = FILE) -> Count:
    """Read the text of `reading.json`.

    Raises:
        FolderWrongError: with every problem, up to twenty.
    """
    try:
        plain = json.loads(data, object_pairs_hook=_once)
        file = _READER.validate_json(data)
    except ValidationError as error:
        raise FolderWrongError(where, problem=_told(error)) from error
    except (ValueError, RecursionError) as error:
        raise FolderWrongError(where, problem=str(error)) from error
    count = Count(file.source, file.maker, file.readings, file.gaps)
    if plain != {"format": FORMAT, **_plain(count)}:
        raise FolderWrongError(where, problem="a key is not given")
    _check(count, where)
    return count


@checked(config=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))
class _File:
    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    source: Source
    maker: Maker
    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...]


_READER: Final = TypeAdapter(_File)


def _json(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Dataclasses as objects in the order of their fields, tuples as lists."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """JSON does not forbid a key given twice (RFC 8259 §4); we do."""
    if len(found := dict(pairs)) < len(pairs):
        twice = next(k for n, (k, _) in enumerate(pairs) if k in dict(pairs[:n]))
        raise ValueError(f"key {twice!r} is given twice")
    return found


def _told(error: ValidationError) -> str:
    lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
    return _joined(lines)


def _check(count: Count, where: str) -> None:
    if lines := list(problems(count)):
        raise FolderWrongError(where, problem=_joined(lines))


def _joined(lines: Sequence[str]) -> str:
    more = len(lines) - _MAX_PROBLEMS
    return "; ".join(lines[:_MAX_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


def problems(count: Count) -> Iterator[str]:
    """Everything by which a count contradicts itself or the invariants of the recount (0003)."""
    yield from _source_problems(count.source)
    counted: set[int] = set()
    before = 0.0
    for place, reading in enumerate(count.readings):
        at = f"readings.{place}"
        if reading.n != place + 1:
            yield f"{at}.n: {reading.n} stands where {place + 1} must"
        if reading.from_s < before:
            yield f"{at}.from_s: earlier than the reading before it"
        if reading.same_as is not None and reading.same_as not in counted:
            yield f"{at}.same_as: {reading.same_as} is no earlier first showing"
        before = reading.from_s
        counted |= {reading.n} if reading.counted else set()
        yield from (f"{at}.{line}" for line in _reading_problems(reading, count))
    before = 0.0
    for place, gap in enumerate(count.gaps):
        yield from (f"gaps.{place}.{line}" for line in _span_problems(gap.from_s, gap.to_s, count.source.seconds))
        if gap.from_s < before:
            yield f"gaps.{place}.from_s: earlier than the gap before it"
        before = gap.from_s


def _source_problems(source: Source) -> Iterator[str]:
    if source.segments and source.sha256:
        yield "source.sha256: segments stand for the film"
    if not source.segments and not _is_sha256(source.sha256):
        yield "source.sha256: not 64 hexadecimal digits"
    if not all(map(_is_sha256, source.segments)):
        yield "source.segments: not 64 hexadecimal digits each"
    if source.seconds < 0 or source.width < 1 or source.height < 1:
        yield "source: seconds, width or height out of range"


def _reading_problems(reading: Reading, count: Count) -> Iterator[str]:
    yield from _span_problems(reading.from_s, reading.to_s, count.source.seconds)
    choices = [box.choice for box in reading.boxes]
    if reading.style is not None and reading.style not in count.maker.styles:
        yield f"style: {reading.style} is not among the maker's"
    if len(set(choices)) < len(choices) or not all(ID_PATTERN.fullmatch(c) for c in choices):
        yield "boxes: a choice stands twice or is no id"
    if not all(0.0 <= value <= 1.0 for box in reading.boxes for value in (box.visible, box.ink, box.marked)):
        yield "boxes: a share is not between 0 and 1"
    if any(len(frame.corners) != 4 or any(len(xy) != 2 for xy in frame.corners) for frame in reading.frames):
        yield "frames: a sheet has four corners"
    if (reading.outcome is Outcome.AUTOMATIC) != (reading.choice is not None):
        yield "choice: stands where, and only where, the outcome is automatic"
    if (reading.outcome is Outcome.AUTOMATIC) == bool(reading.why):
        yield "why: stands where, and only where, the outcome is not automatic"
    if reading.outcome is Outcome.AUTOMATIC:
        if reading.choice not in choices or not reading.frames or reading.style is None:
            yield "choice: an automatic reading rests on a style, its boxes and frames"
        if min((box.visible for box in reading.boxes), default=0.0) < MIN_VISIBLE:
            yield f"boxes: one less than {MIN_VISIBLE:.0%} visible never decides"


def _span_problems(from_s: float, to_s: float, seconds: float) -> Iterator[str]:
    if not 0.0 <= from_s <= to_s <= seconds:
        yield f"from_s, to_s: {from_s} to {to_s} is no stretch of a film of {seconds} s"


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= _SHA256


def _link_or_copy(source: str, target: str) -> None:
    """The bytes of a picture never change, so two folders may share them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _box_name(choice: str) -> str:
    return f"box-{choice}.png"


def _check_pictures(folder: Path, readings: Sequence[Reading]) -> None:
    for reading in readings:
        at = ballot_folder(folder, reading.n)
        there = {p.name for p in at.iterdir() if p.is_file()} if at.is_dir() else set[str]()
        for name in picture_names(reading):
            if name not in there:
                raise FolderPictureError(str(at / name))


@contextmanager
def _writing(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise FolderNotWrittenError(str(folder), problem=error.strerror or type(error).__name__) from error
