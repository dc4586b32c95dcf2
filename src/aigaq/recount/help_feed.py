"""Follows a camera for the live help: pictures in, states out. Keeps nothing, and falls behind on nothing."""

import threading
from collections.abc import Iterator, Mapping
from typing import Final

import av
import cv2
import numpy as np
from av.error import FFmpegError

from aigaq.base import Clock
from aigaq.recount.help import Look, State, blind, ended, looked, nothing_held
from aigaq.recount.reading.film import EVERY_S, Picture, picture_of
from aigaq.recount.reading.finding import Finder, Shown
from aigaq.recount.reading.sheets import read_sheet
from aigaq.recount.reading.shots import read_shown
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle

LOOK_S: Final = 0.3
"""A held sheet is looked at so often: laying it straight costs more than following it."""
AGAIN_S: Final = 2.0
TIMEOUT_S: Final = 10.0


class Guide:
    """From pictures to states."""

    def __init__(self, styles: Mapping[str, LoadedStyle]) -> None:
        self.state = State()
        self._styles = styles
        self._finder = Finder(styles)
        self._last: Sighting | None = None

    def feed(self, picture: Picture) -> None:
        """Take the next picture."""
        for one in self._finder.feed(picture):
            if isinstance(one, Shown):
                self._ended(one, picture.at_s)
        held = self._finder.held
        if held is None:
            self._last = None
            self.state = nothing_held(self.state, picture.at_s)
        elif self._last is None or picture.at_s - self._last.at_s >= LOOK_S:
            self._look(*held)

    def lost(self, at_s: float) -> None:
        """The camera is silent."""
        for one in self._finder.interrupt():
            if isinstance(one, Shown):
                self._ended(one, at_s)
        self._last = None
        self.state = blind(self.state, at_s)

    def _ended(self, shown: Shown, at_s: float) -> None:
        reading, _, _ = read_shown(self.state.shown + 1, shown, self._styles.get(shown.style or ""))
        self.state = ended(self.state, reading, at_s)

    def _look(self, style: str, sighting: Sighting) -> None:
        sheet = read_sheet(self._styles[style], [sighting])
        before, self._last = self._last, sighting
        if before is None or not sheet.boxes:
            return
        look = Look(
            sighting.at_s, sheet.box_px, sheet.contrast, min(b.visible for b in sheet.boxes), _speed(before, sighting)
        )
        self.state = looked(self.state, look)


def _speed(before: Sighting, now: Sighting) -> float:
    moved = float(np.hypot(*(now.corners - before.corners).T).mean())
    height = float(np.hypot(*(now.corners[3] - now.corners[0])))
    return moved / max(height, 1.0) / max(now.at_s - before.at_s, 1e-3)


class Feed(threading.Thread):
    """Reads a camera or a film until it is stopped; begins again where a camera breaks off."""

    def __init__(self, address: str, guide: Guide, clock: Clock) -> None:
        super().__init__(name="help", daemon=True)
        self._address = address
        self._guide = guide
        self._clock = clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End at the next picture."""
        self._stopped.set()

    def run(self) -> None:
        """Follow the camera."""
        cv2.setNumThreads(1)
        while not self._stopped.is_set():
            try:
                for picture in self._pictures():
                    self._guide.feed(picture)
                    if self._stopped.is_set():
                        return
            except (FFmpegError, OSError, ValueError):
                pass  # a camera that is silent is told on the page, and asked again
            self._guide.lost(self._now())
            self._stopped.wait(AGAIN_S)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _pictures(self) -> Iterator[Picture]:
        """Pictures a little apart; what came while the last was looked at is passed over."""
        live = "://" in self._address
        options = {"rtsp_transport": "tcp"} if live else {}
        with av.open(self._address, options=options, timeout=TIMEOUT_S) as container:
            stream = container.streams.video[0]
            begun, due = self._now(), 0.0
            zero: float | None = None
            for frame in container.decode(stream):
                if frame.pts is None:
                    continue
                zero = frame.time if zero is None else zero
                at = frame.time - zero
                late = live and self._now() - begun - at > 1.0
                if not live and at > self._now() - begun:
                    self._stopped.wait(at - (self._now() - begun))
                if at >= due and not late:
                    due = at + EVERY_S
                    yield picture_of(frame, begun + at)
