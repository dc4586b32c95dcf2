"""Tokens on disk: `tokens/<size>.note` as it was stamped, `tokens/<size>-<authority>.tsr` and `.ots` as they came.

A note is stamped once by each authority. One that does not answer holds nobody up, and is asked again next time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from aigaq.base import N_, AigaqError
from aigaq.ledger.anchors.errors import AnchorFileError, NoAnswerError
from aigaq.ledger.anchors.notes import read_checkpoint
from aigaq.ledger.anchors.opentimestamps import stamp as ots_stamp
from aigaq.ledger.anchors.timestamp import request_token
from aigaq.ledger.durable import write_whole
from aigaq.ledger.key_files import told

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""Names of authorities: they stand in file names."""
OTS: Final = "ots"
_MAX_NOTE: Final = 128 << 10


@dataclass(frozen=True, slots=True)
class Stamped:
    """What became of asking one authority."""

    authority: str
    path: Path | None
    error: AigaqError | None = None


def fetch_witnessed(log: str) -> bytes:
    """The newest witnessed note of a national log, at `<log>/witnessed`.

    Raises:
        NoAnswerError: the log does not answer, or no quorum has cosigned yet.
    """
    url = f"{log.rstrip('/')}/witnessed"
    try:
        response = httpx2.get(url, timeout=20)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoAnswerError(url, problem=N_("the log does not answer")) from error
    if not response.is_success or len(response.content) > _MAX_NOTE:
        raise NoAnswerError(f"{url}: {response.status_code}", problem=N_("the log has no witnessed note"))
    return response.content


def stamp_note(
    note: bytes, folder: Path, authorities: Mapping[str, str], *, calendars: tuple[str, ...] = ()
) -> list[Stamped]:
    """Have a note stamped by every authority, name to address, and by the calendars of OpenTimestamps.

    Raises:
        BadAnchorNoteError: not a checkpoint.
        AnchorFileError: another note of this size was stamped here before, or the disk refuses.
    """
    _, checkpoint = read_checkpoint(note)
    kept = folder / f"{checkpoint.size}.note"
    if kept.exists() and kept.read_bytes() != note:
        raise AnchorFileError(str(kept), problem=N_("another note of this size was stamped before"))
    _write(kept, note)
    asks: dict[str, Callable[[], bytes]] = {
        f"{name}.tsr": lambda url=url: request_token(url, note) for name, url in authorities.items()
    }
    if calendars:
        asks[f"{OTS}.{OTS}"] = lambda: ots_stamp(note, calendars)
    return [_stamp(folder / f"{checkpoint.size}-{name}", ask) for name, ask in asks.items()]


def _stamp(path: Path, ask: Callable[[], bytes]) -> Stamped:
    authority = path.stem.partition("-")[2]
    if path.exists():
        return Stamped(authority, path)
    try:
        _write(path, ask())
    except AnchorFileError:
        raise
    except AigaqError as error:
        return Stamped(authority, None, error)
    return Stamped(authority, path)


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole([(path, data)])
    except OSError as error:
        raise AnchorFileError(str(path), problem=told(error)) from error
