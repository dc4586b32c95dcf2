"""Looks whether masks are still there: what a camera may not see must be black in each picture (secrecy of the vote).

What is masked stands in the facts that two officers approved; the enrolment leaf holds their hash. A mask is burned in
at the camera, before anything is sealed, so whoever takes it away shows it to everyone from the next picture on.
"""

import asyncio
import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from aigaq.archive import custody
from aigaq.archive.errors import ArchiveError, FactsError, MaskRemovedError
from aigaq.archive.footage import Footage
from aigaq.archive.logs import Logs
from aigaq.archive.model import Row
from aigaq.archive.stills import Stills
from aigaq.archive.store import Database
from aigaq.base import Clock, utc_ms
from aigaq.ledger.enrolment import BadFactsError, CameraFacts, Facts
from aigaq.ledger.enrolment.facts import GRID, Mask

EVERY_S: Final = 20.0
BLACK: Final = 40
"""Luma of a burned-in mask after compression is below this; 16 is black."""
WHOLE: Final = 0.98
"""Share of a mask that must be black; its edge is blurred by compression."""
Gray = npt.NDArray[np.uint8]
log = logging.getLogger(__name__)


class MaskWatch:
    """The masks of one election's cameras, as far as the facts are in the folder as `<station>.json`."""

    def __init__(
        self, folder: Path, database: Database, stills: Stills, footage: Footage, logs: Logs, clock: Clock
    ) -> None:
        self._folder = folder
        self._database = database
        self._stills = stills
        self._footage = footage
        self._logs = logs
        self._clock = clock
        self._seen: dict[str, bytes] = {}
        """Leaf of the last picture that was looked at, by camera."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive-mask")

    def close(self) -> None:
        """Stop looking."""
        self._thread.shutdown(cancel_futures=True)

    async def run(self) -> None:
        """Look at every masked camera again and again."""
        while True:
            await self._clock.sleep(EVERY_S)
            for station in sorted(self._logs.directory):
                try:
                    await self._look(station)
                except ArchiveError as error:
                    await self._ring(station, error)

    def facts(self, station: str) -> Facts | None:
        """The facts of a station, if the centre holds them.

        Raises:
            FactsError: the file is not what the officers approved, or cannot be read.
        """
        path = self._folder / f"{station}.json"
        try:
            facts = Facts.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, BadFactsError) as error:
            raise FactsError(str(path), problem=str(error)) from error
        approved = [entry.leaf["facts_hash"] for entry in self._logs.directory.enrolments(station)]
        if facts.hash not in approved[-1:]:
            raise FactsError(str(path), problem="its hash is not the one in the station's enrolment")
        return facts

    async def _look(self, station: str) -> None:
        facts = await asyncio.to_thread(self.facts, station)
        for camera in facts.cameras if facts else ():
            if camera.masks:
                await self._look_at(station, camera)

    async def _look_at(self, station: str, camera: CameraFacts) -> None:
        try:
            row = await self._stills.find(station, camera.camera, None, utc_ms(self._clock))
        except ArchiveError:
            return
        if self._seen.get(f"{station}/{camera.camera}") == row.leaf:
            return
        self._seen[f"{station}/{camera.camera}"] = row.leaf
        loop = asyncio.get_running_loop()
        shown = await loop.run_in_executor(self._thread, self._uncovered, row, camera)
        if shown:
            raise MaskRemovedError(f"{station}/{camera.camera}", camera=camera.camera, masks=", ".join(map(str, shown)))

    def _uncovered(self, row: Row, camera: CameraFacts) -> list[int]:
        picture = _gray(self._footage.init(row.init or b"") + self._footage.segment(row))
        return [] if picture is None else list(uncovered(picture, camera.masks))

    async def _ring(self, station: str, error: ArchiveError) -> None:
        log.warning("%s", error)
        now = utc_ms(self._clock)
        await self._database.write(lambda c: custody.add_alarm(c, station, error.code, str(error).encode(), now))


def uncovered(picture: Gray, masks: tuple[Mask, ...]) -> Iterator[int]:
    """Numbers (from 1) of the masks that are not black in a picture of shape (height, width)."""
    height, width = picture.shape
    for number, mask in enumerate(masks, 1):
        corners = np.array(mask, dtype=np.float64) / GRID * (width - 1, height - 1)
        area: Any = np.zeros(picture.shape, dtype=np.uint8)
        cv2.fillPoly(area, [np.rint(corners).astype(np.int32)], 1)
        inside = picture[area == 1]
        if inside.size and float(np.mean(inside < BLACK)) < WHOLE:
            yield number


def _gray(data: bytes) -> Gray | None:
    """The first picture of an init and a segment; None where none can be decoded."""
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            container.streams.video[0].codec_context.thread_count = 1
            return np.asarray(next(container.decode(video=0)).to_ndarray(format="gray"), dtype=np.uint8)
    except (FFmpegError, StopIteration, IndexError):
        return None
