"""`aigaq demo` as a newcomer runs it, made small: it starts, shows its address, stops in order, and goes on later."""

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path

import httpx2
import pytest

from aigaq.app.demo_parts import Part
from aigaq.app.errors import DemoRunsError, PartStoppedError, PortTakenError
from aigaq.election import Zone
from aigaq.simulator.scene import _version

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")


async def start(folder: Path, *words: str, data: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aigaq", "demo", "--port", "0", "--stations", "1", "--folder", str(folder), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(data), "XDG_DATA_HOME": str(data)},
    )  # fmt: skip


async def address_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    async with asyncio.timeout(90):
        while line := (await process.stdout.readline()).decode():
            if found := ADDRESS.search(line):
                return found.group()
    pytest.fail(((await process.communicate())[1] or b"").decode())


@pytest.fixture
def drawn(tmp_path: Path, small_video: Path) -> Path:
    """A data folder in which the rooms are drawn already: a small film stands for each, to save the minute."""
    rooms = tmp_path / "data" / "aigaq" / "demo" / "scenes" / f"scenes-{_version()}"
    rooms.mkdir(parents=True)
    for zone in Zone:
        for stream in ("main", "sub"):
            (rooms / f"{zone}-{stream}.mp4").symlink_to(small_video)
    return tmp_path / "data"


@pytest.mark.peer
async def test_the_demo_starts_shows_itself_stops_and_goes_on(tmp_path: Path, drawn: Path) -> None:
    folder = tmp_path / "demo"
    leaves = []
    for _ in range(2):
        process = await start(folder, "--no-faults", data=drawn)
        address = await address_of(process)
        async with httpx2.AsyncClient(follow_redirects=True) as http:
            assert (await http.get(address)).status_code == 200
            found = (await http.get(f"{address}api/v1/stations")).json()
            [station] = found["stations"]
            assert {c["state"] for c in station["cameras"]} == {"live"}
            detail = (await http.get(f"{address}api/v1/stations/{station['station']}")).json()
            leaves.append(detail["first_ms"])
        second = await start(folder, data=drawn)
        _, said = await second.communicate()
        assert (second.returncode, DemoRunsError.code in said.decode()) == (1, True)
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    assert leaves[0] == leaves[1]


async def test_a_taken_port_is_named(tmp_path: Path, drawn: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = await start(tmp_path, "--port", str(other.getsockname()[1]), data=drawn)
        _, said = await process.communicate()
    assert (process.returncode, PortTakenError.code in said.decode()) == (1, True)


async def test_a_program_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    part = await Part.start("The centre", tmp_path / "center.log", "center", "run", "--config", "/nowhere.toml")
    with pytest.raises(PartStoppedError) as told:
        await part.watch()
    assert told.value.facts["exit_code"] == 1
    assert "nowhere.toml" in str(told.value.facts["words"])
    await part.stop()


async def test_a_program_that_will_not_go_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aigaq.app.demo_parts.GRACE_S", 0.2)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    await process.stdout.readline()
    await Part("x", process, tmp_path / "x.log").stop()
    assert process.returncode == -signal.SIGKILL
