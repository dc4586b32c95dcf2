"""Clips with proofs, fetched from a running centre hour by hour. Judges nothing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx2

from aigaq.recount.errors import CenterAnswerError

HOUR_MS: Final = 3_600_000
"""A centre gives at most two hours or three gigabytes at once."""


def fetch_clips(center: str, station: str, camera: str, from_ms: int, to_ms: int, folder: Path) -> Iterator[Path]:
    """Each clip of the main stream as soon as it is whole; what an earlier run fetched is kept.

    Raises:
        CenterAnswerError: the centre cannot be reached or says no.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(from_ms, to_ms, HOUR_MS):
        end = min(start + HOUR_MS, to_ms)
        path = folder / f"{station}-{camera}-{start}-{end}.zip"
        if not path.exists():
            words = {"station": station, "camera": camera, "from": str(start), "to": str(end), "stream": "main"}
            _fetch(f"{center.rstrip('/')}/api/v1/clip.zip", words, path)
        yield path


def _fetch(url: str, words: dict[str, str], path: Path) -> None:
    part = path.with_name(f".{path.name}")
    try:
        with httpx2.stream("GET", url, params=words, timeout=60) as answer, part.open("wb") as file:
            if answer.status_code != 200:
                answer.read()
                raise CenterAnswerError(url, problem=f"{answer.status_code} {answer.text[:300]}")
            for piece in answer.iter_bytes():
                file.write(piece)
        part.replace(path)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise CenterAnswerError(url, problem=str(error) or type(error).__name__) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
