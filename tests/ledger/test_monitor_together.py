"""The real parts together: the centre's log, its feeder, witnesses as processes, the monitor by its command line."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.ledger.test_witness_http import running

from aigaq.base import SystemClock
from aigaq.ledger import LastSigned, LogKey, PublicLog
from aigaq.ledger.monitor import Alarm, HttpFetch, Monitor, Target
from aigaq.ledger.monitor.http import create_app
from aigaq.ledger.witness import App, answer, init_witness, policy_lines, serve
from aigaq_verify import Checkpoint, Kind, Leaf, Policy, encode_leaf, parse_policy

ORIGIN = "log.example/vote-26"


class Log:
    """The national log of a centre, served over HTTP, with its trust file and three witnesses."""

    def __init__(self, folder: Path, key: LogKey, policy: bytes) -> None:
        self.folder, self.key = folder, key
        self.trust = folder / "policy.txt"
        self.last = LastSigned.open(folder / "elsewhere" / "last.sqlite")
        self.trust.write_bytes(policy)
        self.log = PublicLog.open(
            folder / "log", origin=ORIGIN, election="vote-26", key=key, last=self.last, policy=parse_policy(policy),
            keys=lambda _: [], clock=SystemClock(), duty=lambda _: (0, 0), stations=(),
        )  # fmt: skip

    async def grow(self, count: int) -> None:
        start = self.log.size
        tasks = [asyncio.ensure_future(self.log.submit(action(i))) for i in range(start, start + count)]
        await asyncio.sleep(0)
        await self.log.commit()
        await asyncio.gather(*tasks)

    async def close(self) -> None:
        await self.log.close()
        self.last.close()


def action(n: int) -> bytes:
    values = {"election": "vote-26", "at_ms": n, "role": "chair/one", "action": "export", "subject": "s-1"}
    return encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "detail_hash": bytes(32)}))


def served(log: PublicLog) -> App:
    async def app(scope, receive, send) -> None:
        found = await log.file(scope["path"].removeprefix("/log/"))
        await answer(send, *(404, b"") if found is None else (200, found[0]))

    return app


@contextlib.asynccontextmanager
async def serving(app: App):
    """The application on a free port."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, ready=ready.set_result))
    try:
        yield await ready
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def together(tmp_path):
    with contextlib.ExitStack() as stack:
        key = LogKey.create(tmp_path / "log.key", tmp_path / "log-pq.key")
        vkey = str(key.verifiers(ORIGIN)[0])
        witnesses = [init_witness(tmp_path / f"w{i}", f"w{i}.example", SystemClock(), logs=[vkey]) for i in range(3)]
        urls = [stack.enter_context(running(settings))[0] for settings in witnesses]
        lines = [f"{policy_lines(settings)[0]} {url}" for settings, url in zip(witnesses, urls, strict=True)]
        names = " ".join(f"w{i}.example" for i in range(3))
        logs = "".join(f"log {one}\n" for one in key.verifiers(ORIGIN))
        policy = f"{logs}{chr(10).join(lines)}\ngroup W 2 {names}\nquorum W\n".encode()
        center = Log(tmp_path, key, policy)
        yield center, urls
        await center.close()


async def test_a_log_is_fed_witnessed_and_followed(together):
    center, _ = together
    await center.grow(3)
    await center.log.feed()
    await center.grow(300)
    await center.log.feed()
    note = center.log.beacon()
    assert note
    async with serving(served(center.log)) as url:
        done = await asyncio.to_thread(look, center, f"{url}/log")
        assert done.returncode == 0, done.stdout + done.stderr
        status = json.loads(done.stdout)
        assert (status["read"], status["alarms"]) == (303, [])
        assert status["sources"] == {
            name: {"size": 303, "seen_ms": status["sources"][name]["seen_ms"]}
            for name in ("checkpoint", "witnessed", "w0.example", "w1.example", "w2.example")
        }


async def test_a_centre_that_shows_a_witness_another_history_is_proven(together):
    """The operator holds the key: it signs a second history, and shows it to one witness alone."""
    center, urls = together
    await center.grow(3)
    await center.log.feed()
    other = Checkpoint(ORIGIN, 3, bytes(32))
    async with httpx2.AsyncClient() as client:
        body = b"old 3\n\n" + center.key.sign(other)
        assert (await client.post(f"{urls[1]}/add-checkpoint", content=body)).status_code == 409
        async with serving(served(center.log)) as url:
            done = await asyncio.to_thread(look, center, f"{url}/log")
    assert done.returncode == 3
    (alarm,) = json.loads(done.stdout)["alarms"]
    assert alarm["code"] == "fork"
    proof = center.folder / "m" / alarm["facts"]["proof"]
    checked = await asyncio.to_thread(monitor_command, "check-fork", proof, "--trust", center.trust)
    assert checked.stdout.startswith("FORK PROVEN")


@pytest.fixture
async def alone(tmp_path):
    """A log without witnesses."""
    key = LogKey.create(tmp_path / "log.key")
    center = Log(tmp_path, key, f"log {key.verifiers(ORIGIN)[0]}\nquorum none\n".encode())
    await center.grow(3)
    yield center
    await center.close()


async def test_a_running_monitor_shows_what_it_finds(alone):
    center = alone
    policy: Policy = parse_policy(center.trust.read_bytes())
    async with serving(served(center.log)) as url, contextlib.AsyncExitStack() as stack:
        folder, target = center.folder / "m", Target(ORIGIN, f"{url}/log", policy)
        fetch = stack.enter_context(contextlib.closing(HttpFetch()))
        monitor = Monitor.open(target, folder / "s.sqlite", fetch, SystemClock())
        stack.callback(monitor.close)
        async with serving(create_app(monitor, folder)) as page, httpx2.AsyncClient(base_url=page) as client:
            await asyncio.to_thread(monitor.round)
            assert (await client.get("/status.json")).json()["read"] == 3
            assert "Everything that was seen agrees" in (await client.get("/en")).text
            lie = center.key.sign(Checkpoint(ORIGIN, 3, bytes(32)))
            monitor._sources._fetch = lambda url, _: lie if url.startswith(f"{monitor.target.url}/") else None
            await asyncio.to_thread(monitor.round)
            (name,) = (await client.get("/status.json")).json()["forks"]
            answered = await client.get(f"/{name}")
            assert answered.json()["format"] == "aigaq/fork-proof/v1"
            for language, words in (("kk", "тарих"), ("ru", "истори"), ("en", "histories")):
                text = (await client.get(f"/{language}")).text
                assert words in text
                assert name in text
            for path, status in (("/fork-0000000000000000.json", 404), ("/state.sqlite", 404), ("/../s.sqlite", 404)):
                assert (await client.get(path)).status_code == status
            assert (await client.post("/status.json")).status_code == 405
        assert [a.code for a in monitor.alarms()] == [Alarm.FORK]


@pytest.mark.parametrize("listen", [None, "127.0.0.1:0"])
async def test_the_program_runs_until_it_is_stopped(alone, listen):
    center = alone
    state = center.folder / "m" / "state.sqlite"
    async with serving(served(center.log)) as url:
        words = ["--policy", center.trust, "--log", f"{url}/log", "--state", state, "--every", "0.1", "--patience", "0"]
        shown = ["--listen", listen] if listen else []
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aigaq", "monitor", "run", *map(str, words), *shown,
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert program.stderr
        assert b"has published no new checkpoint" in await until(program.stderr, b"alarm stalled")
        program.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.wait(), 30) == 0
        await program.communicate()
    after = json.loads((await asyncio.to_thread(look, center, "http://127.0.0.1:1/log")).stdout)
    assert after["read"] == 3


async def until(stream: asyncio.StreamReader, word: bytes) -> bytes:
    while word not in (line := await stream.readline()):
        assert line, "the program ended"
    return line


def look(center: Log, url: str) -> subprocess.CompletedProcess[str]:
    state = center.folder / "m" / "state.sqlite"
    return monitor_command("look", "--policy", center.trust, "--log", url, "--state", state, "--json")


def monitor_command(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aigaq", "monitor", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
