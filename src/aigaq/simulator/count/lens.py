"""From the light of a scene to a camera's frame: focus, exposure, sensor noise, the video's colour space."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.plan import Conditions

Bytes = NDArray[np.uint8]
_SPARE: Final = 256


class Sensor:
    """Turns RGB frames into I420 planes (BT.601, limited range), frame by frame from a seed."""

    def __init__(self, conditions: Conditions, size: tuple[int, int], seed: int) -> None:
        self._conditions = conditions
        self._wide, self._tall = size
        self._rng = np.random.default_rng([seed, 4])
        self._phases = self._rng.uniform(0, 2 * np.pi, 5)
        room = (self._tall + _SPARE, self._wide + _SPARE)
        noise = self._rng.standard_normal(room, np.float32)
        # An image processor's noise reduction leaves noise that is a little coarse.
        noise = cv2.GaussianBlur(noise, (0, 0), 0.55)
        self._noise = (noise * (conditions.noise / float(noise.std()))).round().astype(np.int16)

    def exposed(self, picture: Bytes, now: float, bright: float) -> Bytes:
        """The planes of one frame; `bright` is the share of the picture that a lit sheet fills."""
        c = self._conditions
        yuv = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).astype(np.uint8, copy=False)
        luma, chroma = yuv[: self._tall], yuv[self._tall :]
        sigma = float(np.hypot(0.6 * self._tall / 1080, c.defocus))
        luma[:] = cv2.LUT(cv2.GaussianBlur(luma, (0, 0), sigma), self._curve(now, bright))
        self._tint(chroma, now)
        x, y = self._rng.integers(0, _SPARE, 2)
        cv2.add(luma, self._noise[y : y + self._tall, x : x + self._wide], dst=luma, dtype=cv2.CV_8U)
        x, y = self._rng.integers(0, _SPARE, 2)
        tall, wide = chroma.shape
        cv2.add(chroma, self._noise[y : y + tall, x : x + wide] // 2, dst=chroma, dtype=cv2.CV_8U)
        return yuv

    def _curve(self, now: float, bright: float) -> Bytes:
        """Slow drift, the mains' flicker, and the automatic exposure that a white sheet fools."""
        slow = 0.035 * np.sin(2 * np.pi * now / 23 + self._phases[0]) + 0.02 * np.sin(
            2 * np.pi * now / 7 + self._phases[1]
        )
        flicker = 0.006 * np.sin(2 * np.pi * 3.1 * now + self._phases[2])
        gain = self._conditions.light * (1 + slow + flicker) * (1 - 0.28 * bright)
        level = (np.arange(256) - 16) / 219
        lifted = np.clip(level * gain, 0, None)
        rolled = np.where(lifted > 0.85, 0.85 + 0.15 * np.tanh((lifted - 0.85) / 0.15), lifted)
        return np.clip(rolled * 219 + 16, 0, 255).round().astype(np.uint8)

    def _tint(self, chroma: Bytes, now: float) -> None:
        """White balance wanders; little light leaves little colour."""
        flat = chroma.reshape(2, -1)
        weak = 0.6 + 0.4 * min(1.0, self._conditions.light)
        for plane, phase in zip(flat, self._phases[3:], strict=True):
            shift = 1.8 * np.sin(2 * np.pi * now / 31 + phase)
            table = np.clip((np.arange(256) - 128) * weak + 128 + shift, 0, 255).round().astype(np.uint8)
            plane[:] = cv2.LUT(plane, table).reshape(-1)
