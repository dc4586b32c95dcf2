"""The farm of a benchmark, told what to do by JSON lines on standard input; each is answered with the addresses.

First line: `{"cameras": {name: video}, "wall_aligned": false}`; then `{"camera": name, "changes": {fault: value}}`.
"""

import asyncio
import json
import sys
from functools import cache
from pathlib import Path
from typing import Final

import uvloop

from aigaq.base import SystemClock
from aigaq.capture.farm import Farm, load_video

SPREAD: Final = 2.0
"""Seconds over which the cameras' key frames are spread: one GOP of the clip."""


async def serve() -> None:
    """Serve until standard input ends."""
    spec = json.loads(await asyncio.to_thread(sys.stdin.readline))
    load = cache(lambda path: load_video(Path(path)))
    aligned = spec["wall_aligned"]
    async with Farm(clock=SystemClock()) as farm:
        for n, (name, path) in enumerate(spec["cameras"].items()):
            phase = 0.0 if aligned else n / len(spec["cameras"]) * SPREAD
            farm.add(name, load(path), wall_aligned=aligned, phase=phase)
        urls = json.dumps({name: farm.url(name) for name in spec["cameras"]})
        print(urls, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            farm.change_faults(order["camera"], **order["changes"])
            print(urls, flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
