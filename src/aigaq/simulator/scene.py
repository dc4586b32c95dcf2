"""The demo's cameras: a minute of each zone, filmed once, kept in a folder, true to the wall clock when looped."""

import hashlib
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.error import FFmpegError

from aigaq.base import N_, AigaqError
from aigaq.election import Zone
from aigaq.simulator.film import PIECES, Piece, film, join

Progress = Callable[[float], None]
_SOURCE: Final = Path(__file__).parent
_DRAWN_BY: Final = ("clock_strip", "figures", "film", "lettering", "paint")
"""Modules that a film depends on, beside the sets."""


class SceneError(AigaqError):
    """The demo's video cannot be made."""

    code = "simulator.scenes"
    why = N_("The demo's video cannot be made: {problem}.")
    hint = N_("See that the folder can be written and that 100 MB are free, then start again.")


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """One zone's minute as two H.264 files: 1280x720 at 16, 640x360 at 8 frames per second, GOP 1 s."""

    main: Path
    sub: Path


def make_scenes(folder: Path, *, progress: Progress = lambda _: None) -> dict[Zone, SceneFiles]:
    """Film all zones on all cores, or take what an earlier call with the same code left in the folder.

    The loops are true to the wall clock when a farm plays them with `wall_aligned`. `progress` hears shares of 1.

    Raises:
        SceneError: the folder cannot be written, or the encoder gave up.
    """
    home = folder / f"scenes-{_version()}"
    scenes = {zone: SceneFiles(home / f"{zone}-main.mp4", home / f"{zone}-sub.mp4") for zone in Zone}
    if not home.is_dir():
        try:
            _film_all(home, progress)
        except (OSError, FFmpegError, BrokenProcessPool) as error:
            raise SceneError(str(home), problem=str(error)) from error
    progress(1.0)
    return scenes


def _film_all(home: Path, progress: Progress) -> None:
    """Film beside the goal, and rename when all is there: a half-made set is never taken for a whole one."""
    draft = home.with_name(f"{home.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        pieces = [
            Piece(zone, n, draft / f"{zone}-{n}-main.mp4", draft / f"{zone}-{n}-sub.mp4")
            for n in range(PIECES)
            for zone in Zone
        ]
        for number, _ in enumerate(_filmed(pieces), 1):
            progress(0.98 * number / len(pieces))
        for zone in Zone:
            mine = [piece for piece in pieces if piece.zone is zone]
            join([piece.main for piece in mine], draft / f"{zone}-main.mp4")
            join([piece.sub for piece in mine], draft / f"{zone}-sub.mp4")
        for piece in pieces:
            piece.main.unlink()
            piece.sub.unlink()
        if not home.is_dir():
            draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _filmed(pieces: list[Piece]) -> Iterable[Piece]:
    """Spawned processes: the caller may hold threads and an event loop, which a fork would break."""
    workers = min(len(os.sched_getaffinity(0)), len(pieces))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(film, piece) for piece in pieces]):
            yield done.result()


def _version() -> str:
    """Names what the films were made with: another drawing or encoder makes other films."""
    made_with = hashlib.sha256(av.__version__.encode())
    for path in sorted([*(_SOURCE / f"{name}.py" for name in _DRAWN_BY), *(_SOURCE / "sets").glob("*.py")]):
        made_with.update(path.read_bytes())
    return made_with.hexdigest()[:16]
