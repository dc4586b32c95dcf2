"""The counts that people read: reading folders below one folder, with their styles. Reads; writes nothing."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.base import AigaqError
from aigaq.election import ID_PATTERN
from aigaq.recount.errors import FolderWrongError
from aigaq.recount.files import FILE, read_reading
from aigaq.recount.model import Count, Reading
from aigaq.recount.styles import LoadedStyle, load_version

LOG: Final = logging.getLogger(__name__)
COUNTS: Final = "counts"
STYLES: Final = "styles"
_FILMS: Final = frozenset({".mp4", ".webm"})


@dataclass(frozen=True, slots=True)
class CountFolder:
    """One reading folder, read."""

    id: str
    folder: Path
    count: Count
    styles: Mapping[str, LoadedStyle]
    """With which the film was read: a sheet that the machine does not know may be any of them."""

    def reading(self, n: int) -> Reading:
        """The presentation with this number."""
        return self.count.readings[n - 1]

    def film(self) -> Path | None:
        """The film itself, where it lies in the folder under the name that the reading tells."""
        path = self.folder / Path(self.count.source.name).name
        return path if path.suffix.lower() in _FILMS and path.is_file() else None


def find_counts(home: Path, known: Mapping[str, CountFolder]) -> Iterator[CountFolder]:
    """The finished reading folders `counts/<id>/` that are not yet known. One that is wrong is told and left out."""
    folders = sorted(p.parent for p in (home / COUNTS).glob(f"*/{FILE}") if ID_PATTERN.fullmatch(p.parent.name))
    loaded: dict[str, LoadedStyle] = {}
    for folder in folders:
        if folder.name in known:
            continue
        try:
            count = read_reading(folder)
            styles = _styles(home / STYLES, count.maker.styles, loaded)
            _check(count, styles, folder)
        except AigaqError as error:
            LOG.warning("count %s is left out: %s", folder.name, error.explain().why)
        else:
            yield CountFolder(folder.name, folder, count, styles)


def _styles(home: Path, wanted: Mapping[str, str], loaded: dict[str, LoadedStyle]) -> dict[str, LoadedStyle]:
    """The very styles that the film was read with: a sheet is masked by its style, and another shows the wrong parts.

    Raises:
        StyleMissingError: one of them was never saved here.
    """
    for style, sha256 in wanted.items():
        if sha256 not in loaded:
            loaded[sha256] = load_version(home, style, sha256)
    return {style: loaded[sha256] for style, sha256 in wanted.items()}


def _check(count: Count, styles: Mapping[str, LoadedStyle], folder: Path) -> None:
    for reading in count.readings:
        style = styles.get(reading.style or "")
        known = {choice.id for choice in style.style.choices} if style else set[str]()
        if reading.style and not {box.choice for box in reading.boxes} <= known:
            raise FolderWrongError(str(folder), problem=f"presentation {reading.n} was read with another style")
