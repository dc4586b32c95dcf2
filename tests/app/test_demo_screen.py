"""The demo's phone: it shows the bits that its box publishes, in a film made once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from aigaq.app import demo_screen
from aigaq.app.demo_screen import PATCH_BOX, Screen, showing, twin
from aigaq.capture.patch import BITS, bright_at

MINUTE_MS = 60_000
FRAME = bytes.fromhex("a5" * (BITS // 8 or 1))


@asynccontextmanager
async def page(*answers: tuple[int, bytes]) -> AsyncIterator[tuple[int, list[str]]]:
    """A box's page on a real port, which gives these answers, the last one for ever; and what it was asked for."""
    left, asked = list(answers), list[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        status, body = left.pop(0) if len(left) > 1 else left[0]
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], asked


async def shown(screen: Screen, frames: dict[int, bytes]) -> None:
    async with asyncio.timeout(20):
        while screen.frames != frames:
            await asyncio.sleep(0.01)


def schedule(frames: dict[int, bytes]) -> tuple[int, bytes]:
    return 200, json.dumps({"frames": {str(minute): frame.hex() for minute, frame in frames.items()}}).encode()


def test_it_is_dark_until_it_is_told() -> None:
    screen = Screen()
    assert not any(screen.bright(ms) for ms in range(0, 2 * MINUTE_MS, 500))
    screen.frames[1] = FRAME
    assert not any(screen.bright(ms) for ms in range(0, MINUTE_MS, 500))
    lit = [screen.bright(ms) for ms in range(MINUTE_MS, 2 * MINUTE_MS, 500)]
    assert lit == [bright_at(FRAME, ms) for ms in range(MINUTE_MS, 2 * MINUTE_MS, 500)]
    assert len(set(lit)) == 2


async def test_it_follows_what_the_box_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_screen, "ASK_S", 0.01)
    other = bytes(len(FRAME))
    answers = [(503, b""), (200, b"not JSON"), schedule({1: FRAME}), (404, b"{}"), schedule({2: other})]
    async with page(*answers) as (port, asked), showing(port) as screen:
        assert screen.frames == {}
        await shown(screen, {1: FRAME, 2: other})
    assert set(asked) == {"/schedule"}


async def test_a_box_that_is_not_there_leaves_it_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_screen, "ASK_S", 0.01)
    async with page(schedule({})) as (port, _):
        pass
    async with showing(port) as screen:
        await asyncio.sleep(0.1)
    assert screen.frames == {}


def luma(film: Path) -> float:
    """Mean brightness where the screen stands, in the first picture."""
    with av.open(str(film)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="gray")
    box = PATCH_BOX
    return float(np.mean(picture[box.top + 8 : box.top + box.height - 8, box.left + 6 : box.left + box.width - 6]))


def test_both_films_are_made_once(tmp_path: Path, small_video: Path) -> None:
    film = tmp_path / "room.mp4"
    film.symlink_to(small_video)
    dark, lit = twin(film, "screen", PATCH_BOX)
    files = sorted(tmp_path.glob("room-screen-*.mp4"))
    assert [path.name for path in files] == ["room-screen-dark.mp4", "room-screen-lit.mp4"], "no draft is left"
    assert luma(files[1]) - luma(files[0]) > 80
    made = [path.stat().st_mtime_ns for path in files]
    assert twin(film, "screen", PATCH_BOX) == (dark, lit)
    assert [path.stat().st_mtime_ns for path in files] == made
