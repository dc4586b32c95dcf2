"""From films to reading folders: the way through finding, sheets, both readers, decision and repeats.

A film is read in parts, each a derivation of its own: in many processes, resumed part by part after a stop, and with
the same bytes at the end whatever happened on the way (0003, R4).
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2

from aigaq.base import AigaqError, Clock, Failed, Job, Progress, derivation_key, derive
from aigaq.recount.errors import FilmEmptyError, FolderInUseError, FolderNotWrittenError
from aigaq.recount.files import (
    FILE,
    WORK,
    ReadingWriter,
    ballot_folder,
    count_text,
    keep_style,
    parse_count,
    read_reading,
)
from aigaq.recount.model import Count, Gap, GapKind, Maker, Reading, Source
from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding import presentations
from aigaq.recount.reading.parts import Part, PartReading, beside_gaps, cuts, joined_gaps, own, plan
from aigaq.recount.reading.repeats import Repeats, Trace, trace_of
from aigaq.recount.reading.second import WEIGHTS_SHA256
from aigaq.recount.reading.shots import read_shown, seconds
from aigaq.recount.reading.source import Film
from aigaq.recount.reading.trace_file import read_traces, write_traces
from aigaq.recount.styles import LoadedStyle, load_style

TELL_S: Final = 2.0
"""Seconds of film after which progress is told."""
PART_FILE: Final = "part.json"
TRACES: Final = "traces.npz"


@dataclass(frozen=True, slots=True)
class Order:
    """A film to be read into a folder. The styles are folders, each of one style."""

    film: Film
    styles: tuple[Path, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class PartItem:
    """One part of a film, to be read into a folder."""

    film: Film
    maker: Maker
    styles: tuple[Path, ...]
    part: Part
    folder: Path


def read_films(
    orders: Sequence[Order], *, processes: int, clock: Clock, progress: Callable[[Progress], None] = lambda _: None
) -> Generator[tuple[Order, Count | AigaqError]]:
    """Each film's count as soon as it is whole; one that cannot be read does not stop the others.

    What an earlier run left in the folder is taken where it follows from the same film, styles and version.
    """
    waiting: dict[str, tuple[_Making, PartItem]] = {}
    for order in orders:
        try:
            making = _Making(order)
            if (count := making.there()) is not None:
                yield order, count
                continue
            waiting |= {key: (making, item) for key, item in making.items()}
        except AigaqError as error:
            yield order, error
    jobs = [Job(key, item, making.weight(item.part)) for key, (making, item) in waiting.items()]
    known = {key: item.folder for key, (_, item) in waiting.items() if (item.folder / PART_FILE).is_file()}
    for answer in derive(read_part, jobs, processes=processes, clock=clock, known=known.get, progress=progress):
        making, _ = waiting[answer.job.key]
        failed = answer.error if isinstance(answer, Failed) else None
        if (ended := making.ended(answer.job.key, failed)) is not None:
            yield making.order, ended


def read_part(item: PartItem, tell: Callable[[float], None]) -> Path:
    """Read one part of a film into a folder of its own.

    Raises:
        AigaqError: it cannot be read or written.
    """
    cv2.setNumThreads(1)  # processes are what runs side by side
    styles = {loaded.style.id: loaded for loaded in map(_loaded, item.styles)}
    shutil.rmtree(item.folder, ignore_errors=True)
    writer = ReadingWriter(item.folder)
    watch = _Watch(item, tell)
    readings: list[Reading] = []
    gaps: list[Gap] = []
    traces: dict[int, Trace] = {}
    for one in presentations(watch.pictures(), styles):
        if isinstance(one, Gap):
            gaps.append(Gap(seconds(one.from_s), seconds(one.to_s), one.kind))
            continue
        style = styles.get(one.style or "")
        reading, pictures, sheet = read_shown(len(readings) + 1, one, style)
        writer.add(reading.n, pictures)
        readings.append(reading)
        if style is not None and sheet is not None and (trace := trace_of(sheet, style)) is not None:
            traces[reading.n] = trace
    order = [r.n for r in sorted(readings, key=lambda r: (r.from_s, r.n))]  # they are told when they end
    writer.renumber(order)
    write_traces(item.folder / TRACES, {new: traces[old] for new, old in enumerate(order, 1) if old in traces})
    readings = [replace(readings[old - 1], n=new) for new, old in enumerate(order, 1)]
    end = max([watch.last_s, *(r.to_s for r in readings), *(g.to_s for g in gaps)])
    source = replace(item.film.source, seconds=end)
    _write(item.folder / PART_FILE, count_text(Count(source, item.maker, tuple(readings), tuple(gaps))))
    return item.folder


class _Watch:
    """Hands pictures through, tells progress, and keeps the time of the last."""

    def __init__(self, item: PartItem, tell: Callable[[float], None]) -> None:
        self._item = item
        self._tell = tell
        self.last_s = 0.0

    def pictures(self) -> Iterator[Picture | Gap]:
        part = self._item.part
        end = min(part.read_to_s, max(self._item.film.source.seconds, part.read_from_s + 1))
        told = part.read_from_s
        for one in self._item.film.pictures(part.read_from_s, part.read_to_s):
            if isinstance(one, Picture):
                self.last_s = seconds(one.at_s)
                if one.at_s - told >= TELL_S:
                    told = one.at_s
                    self._tell((told - part.read_from_s) / (end - part.read_from_s))
            yield one


class _Making:
    """One folder that is being made."""

    def __init__(self, order: Order) -> None:
        self.order = order
        loaded = [_loaded(path) for path in order.styles]
        self._maker = Maker(
            version("aigaq"), WEIGHTS_SHA256, {one.style.id: one.sha256 for one in sorted(loaded, key=_style_id)}
        )
        self._parts = plan(order.film.source.seconds)
        self._left: set[str] = set()
        self._folders: list[Path] = []
        self._failed: AigaqError | None = None

    def there(self) -> Count | None:
        """The count of an earlier run.

        Raises:
            FolderInUseError: the folder holds another.
        """
        out = self.order.out
        if not (out / FILE).exists():
            return None
        count = read_reading(out)
        source = self.order.film.source
        same = (count.source.sha256, count.source.segments) == (source.sha256, source.segments)
        if not same or count.maker != self._maker:
            raise FolderInUseError(str(out))
        return count

    def items(self) -> Iterator[tuple[str, PartItem]]:
        """What there is to do, by key."""
        source, maker = self.order.film.source, self._maker
        inputs = [
            source.sha256,
            source.segments,
            maker.version,
            maker.weights_sha256,
            maker.styles,
            str(self.order.out),
        ]
        for part in self._parts:
            key = derivation_key("recount.part", inputs, part.number, len(self._parts))
            folder = self.order.out / WORK / f"{part.number:03d}-{key[:16]}"
            self._left.add(key)
            self._folders.append(folder)
            yield key, PartItem(self.order.film, maker, self.order.styles, part, folder)

    def weight(self, part: Part) -> float:
        """Seconds of film in a part."""
        return max(1.0, min(part.read_to_s, self.order.film.source.seconds) - part.read_from_s)

    def ended(self, key: str, failed: AigaqError | None) -> Count | AigaqError | None:
        """Take note of a part; gives the count, or why there is none, once all have ended."""
        self._left.discard(key)
        self._failed = self._failed or failed
        if self._left:
            return None
        if self._failed:
            return self._failed
        try:
            return self._join()
        except AigaqError as error:
            return error

    def _join(self) -> Count:
        """One folder from those of the parts, which are then no longer needed."""
        counts = [_read_part_file(folder / PART_FILE) for folder in self._folders]
        found = [PartReading(count.readings, count.gaps) for count in counts]
        borders = cuts(self._parts, found)
        picked = [
            (folder, one.readings[place])
            for folder, one, (start, end) in zip(self._folders, found, pairwise(borders), strict=True)
            for place in own(one.readings, start, end)
        ]
        gaps = joined_gaps(found, borders)
        source = self._source([count.source.seconds for count in counts], gaps)
        renumbered = _with_repeats(picked)
        writer = ReadingWriter(self.order.out)
        for n, (folder, reading) in enumerate(picked, 1):
            writer.adopt(n, ballot_folder(folder, reading.n))
        for path in self.order.styles:
            keep_style(self.order.out, path)
        count = Count(source, self._maker, tuple(beside_gaps(renumbered, gaps)), gaps)
        writer.finish(count)
        shutil.rmtree(self.order.out / WORK)
        return count

    def _source(self, ends: Sequence[float], gaps: Sequence[Gap]) -> Source:
        source = self.order.film.source
        whole = replace(source, seconds=max([source.seconds, *ends]))
        dark = sum(g.to_s - g.from_s for g in gaps if g.kind in {GapKind.MISSING, GapKind.DAMAGED})
        if dark >= whole.seconds > 0:
            raise FilmEmptyError(source.name)
        return whole


def _with_repeats(picked: Sequence[tuple[Path, Reading]]) -> list[Reading]:
    """Numbered as they were shown, over all parts, each with the first showing of its sheet."""
    repeats = Repeats()
    kept = {folder: read_traces(folder / TRACES) for folder in dict.fromkeys(folder for folder, _ in picked)}
    return [
        replace(reading, n=n, same_as=repeats.earlier(n, kept[folder].get(reading.n)))
        for n, (folder, reading) in enumerate(picked, 1)
    ]


def _read_part_file(path: Path) -> Count:
    return parse_count(path.read_bytes(), str(path))


def _style_id(loaded: LoadedStyle) -> str:
    return loaded.style.id


@cache
def _loaded(path: Path) -> LoadedStyle:
    return load_style(path)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise FolderNotWrittenError(str(path), problem=error.strerror or type(error).__name__) from error
