"""How late live pictures are in Chromium, by the clock in the picture: ours beside ffmpeg's HLS on a file server."""

import time

from playwright.sync_api import Page

from benchmarks.center import Center, browser, center, player, serving, wait_for
from benchmarks.lab import Scale, Table, running, scratch, spread
from benchmarks.recording import hls


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Live delay in Chromium with hls.js, sub stream, from the clock in the picture",
        ("way", "pictures", "delay, s: median (least-most)"),
        note="from the moment a camera shows a picture to the moment it is on the viewer's screen",
    )
    with scratch() as folder, center(folder / "election") as site, browser() as page:
        table.rows.append(("aigaq, plain HLS", *_plain(page, site.origin, f"{site.media}/live.m3u8", scale)))
        table.rows.append(("aigaq, watched: low-latency HLS", *_low(page, site, scale)))
        table.rows.append(("aigaq, the station's page as it is", *_own_page(page, site, scale)))
        out = folder / "ffmpeg"
        with running([hls(site.camera_url, out, size=10)]):
            while not (out / "live.m3u8").exists():
                time.sleep(0.2)
            with serving(out) as origin:
                found = _plain(page, origin, f"{origin}/live.m3u8", scale)
        table.rows.append(("ffmpeg HLS fMP4 of 2 s, file server", *found))
    return table


def _plain(page: Page, origin: str, url: str, scale: Scale) -> tuple[str, str]:
    time.sleep(scale.pick(8, 6))
    player(page, origin)
    page.evaluate("url => bench.live(url, false)", url)
    return _look(page, "video", scale)


def _low(page: Page, site: Center, scale: Scale) -> tuple[str, str]:
    """Asking for the playlist is what makes the box send parts."""
    url = f"{site.media}/ll.m3u8"
    wait_for(url, 20)
    player(page, site.origin)
    page.evaluate("url => bench.live(url, true)", url)
    return _look(page, "video", scale)


def _own_page(page: Page, site: Center, scale: Scale) -> tuple[str, str]:
    page.goto(f"{site.origin}/en/station/{site.station}?camera={site.camera}")
    shown = "figure[data-main] aigaq-player video"
    page.wait_for_selector(shown, state="attached", timeout=30_000)
    return _look(page, shown, scale)


def _look(page: Page, selector: str, scale: Scale) -> tuple[str, str]:
    """After the player has settled."""
    page.wait_for_timeout(scale.pick(12, 10) * 1000)
    script = "([s, ms]) => bench.delays(document.querySelector(s), ms)"
    delays = page.evaluate(script, [selector, scale.pick(10, 5) * 1000])
    return str(len(delays)), spread(delays)
