"""How long a jump to a moment of the archive takes in Chromium, and how far off the picture is."""

import random
import time

from playwright.sync_api import Page

from benchmarks.center import browser, center, player, serving
from benchmarks.lab import Scale, Table, running, scratch, spread
from benchmarks.recording import hls


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Jump to a moment of the archive in Chromium with hls.js",
        ("way", "jumps", "to the picture, ms: median (least-most)", "picture minus moment, s: median (least-most)"),
        note="a new player for each jump; the sub stream has a picture each 0.125 s, its clock shows tenths",
    )
    with scratch() as folder, center(folder / "election") as site:
        out = folder / "ffmpeg"
        with running([hls(site.camera_url, out)]):
            begin = time.time() + 4  # noqa: TID251 - compared with the clock in the picture
            time.sleep(scale.pick(64, 24))
            end = time.time() - 10  # noqa: TID251
            moments = [random.uniform(begin, end) for _ in range(int(scale.pick(20, 6)))]
            window = f"from={int(begin * 1000) - 4000}&to={int(end * 1000) + 4000}"
            with browser() as page, serving(out) as origin:
                ours = _jumps(page, site.origin, f"{site.media}/archive.m3u8?{window}", moments)
                table.rows.append(("aigaq archive", *ours))
                theirs = _jumps(page, origin, f"{origin}/live.m3u8", moments)
                table.rows.append(("ffmpeg HLS, PROGRAM-DATE-TIME", *theirs))
    return table


def _jumps(page: Page, origin: str, url: str, moments: list[float]) -> tuple[str, str, str]:
    took: list[float] = []
    errors: list[float] = []
    for moment in moments:
        player(page, origin)
        found = page.evaluate("([url, wall]) => bench.seek(url, wall)", [url, moment])
        took.append(found["ms"])
        errors.append(found["error"])
    return str(len(moments)), spread(took, 0), spread(errors)
