"""The blinking patch in drawn rooms: how often it is found without being told where, and how many bits are wrong."""

import io
import time
from dataclasses import dataclass, replace
from hashlib import sha256

import av
import numpy as np
import numpy.typing as npt

from aigaq.capture.patch import (
    BITS,
    MINUTE_MS,
    SLOT_MS,
    Box,
    bright_at,
    expected_bits,
    find_and_decode,
    frames_of,
    judge,
    slots_of,
)
from benchmarks.lab import Scale, Table, spread

MINUTE = 30_000_000
WIDTH, HEIGHT = 640, 360
DELAY_MS = 220
SECONDS = 62


@dataclass(frozen=True, slots=True)
class Room:
    """One condition."""

    name: str
    side: int = 6
    levels: int = 12
    fps: int = 10
    kbps: int = 500
    noise: float = 2.0
    hidden: float = 0.0
    """Share of two-second stretches in which somebody stands before the patch."""


BASE = Room("6x6 px, ±12 levels, 500 kb/s, 10 fps")
ROOMS = (
    BASE,
    replace(BASE, name="8 fps", fps=8),
    replace(BASE, name="25 fps", fps=25),
    replace(BASE, name="±8 levels", levels=8),
    replace(BASE, name="4x4 px", side=4),
    replace(BASE, name="250 kb/s", kbps=250),
    replace(BASE, name="noise of 5 levels", noise=5.0),
    replace(BASE, name="hidden a tenth of the time", hidden=0.1),
    replace(BASE, name="no patch in view", side=0),
)


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "A blinking patch in a minute of 640x360 H.264: drawn rooms, three people walking, exposure that breathes",
        ("room", "read", "wrong bits of 60: median (least-most)", "told where and when", "CPU-s to find it"),
        note="read = one reading, and 6 wrong bits or fewer; a reading in a room without a patch would be a false one; "
        "the peer knows place and delay, and compares each slot with the middle of those around",
    )
    for room in ROOMS:
        wrong, peer, cost, read, seeds = [], [], [], 0, int(scale.pick(4, 1))
        for seed in range(seeds):
            bits = expected_bits(sha256(b"%d" % seed).digest(), "log.example/e/s/1", MINUTE)
            data, box = film(room, bits, seed)
            begin = MINUTE * MINUTE_MS
            pictures = [(begin + ms, picture) for ms, picture in frames_of(io.BytesIO(data))]
            start = time.process_time()
            readings = find_and_decode(pictures)
            cost.append(time.process_time() - start)
            judged = judge(readings, bits, MINUTE)
            read += judged.matched if room.side else bool(readings)
            wrong += [float(judged.wrong)] if judged.reading else []
            peer += [float(_told(pictures, box, bits))] if room.side else []
        table.rows.append((room.name, f"{read} of {seeds}", spread(wrong, 0), spread(peer, 0), spread(cost, 1)))
    return table


def film(room: Room, bits: bytes, seed: int) -> tuple[bytes, Box]:
    """A minute of H.264 and where the patch is."""
    dice = np.random.default_rng(seed)
    walls = np.kron(dice.integers(40, 200, (HEIGHT // 20, WIDTH // 20)), np.ones((20, 20)))
    box = Box(int(dice.integers(10, WIDTH - 20)), int(dice.integers(10, HEIGHT - 20)), room.side, room.side)
    behind, pace = float(dice.integers(60, 190)), dice.uniform(2, 6, 3)
    grain = dice.normal(0, room.noise, (23, HEIGHT, WIDTH))
    hidden = dice.random(SECONDS // 2) < room.hidden
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        rate, rules = f"{room.kbps}k", f"keyint={2 * room.fps}:min-keyint={room.fps}:bframes=0"
        options = {"preset": "veryfast", "maxrate": rate, "bufsize": rate, "x264-params": rules}
        stream = container.add_stream("libx264", rate=room.fps, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", room.kbps * 1000
        stream.codec_context.thread_count = 1
        for n in range(SECONDS * room.fps):
            picture, second = walls.copy(), n / room.fps
            for person in range(3):
                x = round(WIDTH / 2 + WIDTH / 2 * np.sin(second / pace[person] + person))
                picture[180:340, max(0, x - 25) : max(0, x + 25)] = 60 + 50 * person
            shown = MINUTE * MINUTE_MS + n * 1000 // room.fps - DELAY_MS
            lit = shown // MINUTE_MS == MINUTE and bright_at(bits, shown)
            level = 100.0 if hidden[int(second) // 2] else behind + (room.levels if lit else -room.levels)
            picture[box.top : box.top + box.height, box.left : box.left + box.width] = level
            picture = picture * (1 + 0.1 * np.sin(second / 4)) + grain[n % 23]
            gray = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="gray")
            container.mux(stream.encode(gray.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return out.getvalue(), box


def _told(pictures: list[tuple[int, npt.NDArray[np.uint8]]], box: Box, bits: bytes) -> int:
    """Wrong bits of a reader that is told place and delay, and reads only the first pass."""
    slots: dict[int, list[float]] = {}
    for ms, picture in pictures:
        place = picture[box.top : box.top + box.height, box.left : box.left + box.width]
        slots.setdefault((ms - DELAY_MS - MINUTE * MINUTE_MS) // SLOT_MS, []).append(float(place.mean()))
    means = [float(np.mean(slots[n])) if n in slots else 0.0 for n in range(4, 4 + BITS)]
    around = [means[max(0, n - 6) : n + 7] for n in range(BITS)]
    read = [mean > (max(near) + min(near)) / 2 for mean, near in zip(means, around, strict=True)]
    return sum(one != bool(bit) for one, bit in zip(read, slots_of(bits)[4:], strict=False))
