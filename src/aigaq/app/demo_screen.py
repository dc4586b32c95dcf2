"""The demo's phone: a screen in view of one camera, which blinks as the box of its station says."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from aigaq.app.demo_files import HOST
from aigaq.app.demo_parts import answer_of
from aigaq.capture.farm import Video, film_patch, load_video
from aigaq.capture.patch import Box, bright_at
from aigaq.election import Zone

PATCH_BOX: Final = Box(left=588, top=300, width=28, height=44)
"""A phone on the wall of the observers' area, in the 640x360 sub stream."""
ASK_S: Final = 5.0
MINUTE_MS: Final = 60_000


def home() -> Path:
    """Where demos keep what they need every time."""
    return user_data_path("aigaq") / "demo"


@dataclass(frozen=True, slots=True)
class Scenes:
    """Videos of every zone by stream, and of the one room with the screen dark and lit."""

    videos: Mapping[Zone, Mapping[str, Video]]
    dark: Video
    lit: Video


def twin(film: Path, name: str, box: Box, *, luma: tuple[int, int] = (60, 180)) -> tuple[Video, Video]:
    """The film with the rectangle in one luma and in another; made once for each film."""
    files = film.with_name(f"{film.stem}-{name}-dark.mp4"), film.with_name(f"{film.stem}-{name}-lit.mp4")
    if not files[1].exists():
        drafts = files[0].with_suffix(".draft.mp4"), files[1].with_suffix(".draft.mp4")
        film_patch(film, *drafts, box, luma=luma)
        for draft, file in zip(drafts, files, strict=True):
            draft.replace(file)
    return load_video(files[0]), load_video(files[1])


class Screen:
    """What the phone shows; dark until the box has told it."""

    def __init__(self) -> None:
        self.frames: dict[int, bytes] = {}
        """Bits by UTC minute since 1970."""

    def bright(self, utc_ms: int) -> bool:
        """Whether it is bright then."""
        frame = self.frames.get(utc_ms // MINUTE_MS)
        return frame is not None and bright_at(frame, utc_ms)


@asynccontextmanager
async def showing(port: int) -> AsyncGenerator[Screen]:
    """Follow the schedule of the box whose page is at that port."""
    screen = Screen()
    asking = asyncio.create_task(_follow(screen, f"http://{HOST}:{port}/schedule"))
    try:
        yield screen
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _follow(screen: Screen, address: str) -> None:
    while True:
        answer = await answer_of(address)
        if answer is not None and answer.status_code == 200:
            with contextlib.suppress(ValueError):
                screen.frames |= {int(m): bytes.fromhex(f) for m, f in answer.json()["frames"].items()}
        await asyncio.sleep(ASK_S)
