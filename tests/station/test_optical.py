"""The page with the blinking patch: what it serves, and what Chromium shows slot by slot by the box's clock."""

import asyncio
import contextlib
import http.client
import json
import socket

import pytest
from playwright.async_api import async_playwright
from station_bench import T0, settings_for
from tests.proof_lab import Lab

from aigaq.base import LANGUAGES, ManualClock, SystemClock, utc_ms
from aigaq.capture import MINUTE_MS, expected_bits, slots_of
from aigaq.station.agent import StationAgent
from aigaq.station.beacon import Beacons
from aigaq.station.errors import OpticalPortError
from aigaq.station.optical import OpticalPage, OpticalServer
from aigaq.station.settings import OpticalSection
from aigaq_verify import parse_policy

ORIGIN = "log.example/e1/s/s1"
START = T0 - T0 % MINUTE_MS


def beacon_of(number: int):
    lab = Lab(witnesses=1, origin="log.example/e1")
    for n in range(number):
        lab.append(b"leaf %d" % n)
    return Beacons(parse_policy(lab.trust().encode()), "log.example/e1").offer(lab.publish(T0))


class Held:
    """What the box holds now."""

    def __init__(self, beacon=None) -> None:
        self.beacon = beacon

    def __call__(self):
        return self.beacon


class NoSleep(ManualClock):
    """Wall time by hand; waiting is real."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextlib.asynccontextmanager
async def serving(page, clock):
    server = OpticalServer(page, OpticalSection(listen="127.0.0.1:0"), clock)
    task = asyncio.create_task(server.run())
    while not server.port:
        await asyncio.sleep(0.01)
    try:
        yield server.port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def ask(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_a_minute_shows_the_beacon_held_five_seconds_before_it():
    clock, held = ManualClock(START + 54_000), Held(beacon_of(1))
    page = OpticalPage(ORIGIN, clock, held)
    minute = START // MINUTE_MS
    assert list(page.schedule()["frames"]) == [str(minute)]
    clock.advance(1)
    first = page.schedule()["frames"]
    assert list(first) == [str(minute), str(minute + 1)]
    held.beacon = beacon_of(2)
    clock.advance(6)
    assert page.schedule()["frames"][str(minute + 1)] == first[str(minute + 1)]
    assert bytes.fromhex(first[str(minute + 1)]) == expected_bits(beacon_of(1).digest, ORIGIN, minute + 1)
    clock.advance(60)
    assert page.schedule()["frames"] == {str(minute + 2): expected_bits(beacon_of(2).digest, ORIGIN, minute + 2).hex()}


def test_no_beacon_no_bits_and_a_clock_that_is_set():
    clock, held = ManualClock(START), Held()
    page = OpticalPage(ORIGIN, clock, held)
    assert page.schedule()["frames"] == {}
    held.beacon = beacon_of(1)
    assert len(page.schedule()["frames"]) == 1
    clock.step(-3600)
    assert list(page.schedule()["frames"]) == [str(START // MINUTE_MS - 60)]


async def test_what_is_served():
    clock = NoSleep(START + 1234)
    async with serving(OpticalPage(ORIGIN, clock, Held(beacon_of(1))), clock) as port:
        for language in LANGUAGES:
            answer, body = await asyncio.to_thread(ask, port, f"/{language}")
            assert answer.status == 200
            assert f'lang="{language}"' in body.decode()
            assert b"$" not in body
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert b"http" not in body.replace(b"/optical", b"")
        for accepted, expected in (("kk-KZ,ru;q=0.8", "/kk"), ("de,en;q=0.5", "/en"), ("", "/ru"), ("*", "/ru")):
            answer, _ = await asyncio.to_thread(ask, port, "/", accept_language=accepted)
            assert (answer.status, answer.headers["location"]) == (307, expected)
        answer, body = await asyncio.to_thread(ask, port, "/schedule")
        assert json.loads(body)["now_ms"] == START + 1234
        assert answer.headers["cache-control"] == "no-store"
        for path in ("/optical.js", "/optical.css"):
            assert (await asyncio.to_thread(ask, port, path))[0].status == 200
        for path in ("/../signing.py", "/optical.html", "/%2e%2e/agent.py", "/kk/x", "//", "/schedule/"):
            assert (await asyncio.to_thread(ask, port, path))[0].status == 404
        assert (await asyncio.to_thread(ask, port, "/schedule", "POST"))[0].status == 405
        answer, body = await asyncio.to_thread(ask, port, "/kk", "HEAD")
        assert (answer.status, body) == (200, b"")


async def tick(page, clock, seconds, step=0.1):
    """Let the same time pass in the browser and in the box."""
    for _ in range(round(seconds / step)):
        clock.advance(step)
        await page.clock.run_for(round(step * 1000))


@contextlib.asynccontextmanager
async def browsing(chromium):
    """A page whose time stands still but for `tick`, and what it complains of."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 320, "height": 480})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.clock.install(time=0)
        await page.clock.pause_at(1_000)
        yield page, problems
        await browser.close()


async def becomes(page, clock, name):
    async with asyncio.timeout(30):
        while name not in await page.evaluate("document.body.className"):
            await tick(page, clock, 0.1)


async def test_chromium_shows_every_slot_of_a_minute(chromium):
    clock, beacon = NoSleep(START - 8_050), beacon_of(3)
    wanted = slots_of(expected_bits(beacon.digest, ORIGIN, START // MINUTE_MS))
    served = OpticalPage(ORIGIN, clock, Held(beacon))
    async with serving(served, clock) as port, browsing(chromium) as (page, problems):
        await page.goto(f"http://127.0.0.1:{port}/kk")
        assert await page.locator("h1").is_visible()
        await page.locator("#start").click()
        await tick(page, clock, (START + 250 - utc_ms(clock)) / 1000)
        colours, seen = {"rgb(0, 0, 0)": 0, "rgb(255, 255, 255)": 1}, []
        for _ in range(120):
            seen.append(colours[await page.evaluate("getComputedStyle(document.body).backgroundColor")])
            assert await page.evaluate("document.body.innerText.trim()") == ""
            await tick(page, clock, 0.5)
        assert tuple(seen) == wanted
        assert problems == []


async def test_chromium_stops_when_the_box_is_silent_or_has_no_beacon(chromium):
    clock, held = NoSleep(START + 20_000), Held()
    async with browsing(chromium) as (page, problems):
        async with serving(OpticalPage(ORIGIN, clock, held), clock) as port:
            await page.goto(f"http://127.0.0.1:{port}/ru#go")
            await becomes(page, clock, "wait")
            assert await page.locator("#wait").is_visible()
            held.beacon = beacon_of(1)
            await becomes(page, clock, "r")
            assert problems == []
        await becomes(page, clock, "lost")
        assert await page.locator("#lost").is_visible()


async def test_an_address_that_is_taken_is_an_alarm_and_not_the_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OpticalPortError):
            await OpticalServer(
                OpticalPage(ORIGIN, SystemClock(), Held()), OpticalSection(listen=f"127.0.0.1:{port}"), SystemClock()
            ).run()
        settings = settings_for(tmp_path, sub=False, optical={"listen": f"127.0.0.1:{port}"})
        agent = StationAgent(settings, SystemClock())
        task = asyncio.create_task(agent.run())
        async with asyncio.timeout(30):
            while "station.optical_port" not in {a.explanation.code for a in agent.alarms}:
                await asyncio.sleep(0.05)
        agent.stop()
        await task
