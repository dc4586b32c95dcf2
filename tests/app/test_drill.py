"""`aigaq drill`: an election of its own, attacked by its operator; who noticed is told, and the exit code says so."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from aigaq.app.drill_attacks import ATTACKS, Attack
from aigaq.app.drill_election import Lab
from aigaq.election import Zone
from aigaq.simulator.scene import _version


@pytest.fixture
def drawn(tmp_path: Path, small_video: Path) -> Path:
    """A data folder in which the rooms are drawn already: a small film stands for each, to save the minute."""
    rooms = tmp_path / "data" / "aigaq" / "demo" / "scenes" / f"scenes-{_version()}"
    rooms.mkdir(parents=True)
    for zone in Zone:
        for stream in ("main", "sub"):
            (rooms / f"{zone}-{stream}.mp4").symlink_to(small_video)
    return tmp_path / "data"


async def drill(data: Path, *words: str) -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aigaq", "drill", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(data), "XDG_DATA_HOME": str(data)},
    )  # fmt: skip
    said, told = await process.communicate()
    return process.returncode, said.decode(), told.decode()


@pytest.mark.peer
async def test_a_second_history_and_an_old_copy_of_the_log_are_noticed(tmp_path: Path, drawn: Path) -> None:
    folder = tmp_path / "drill"
    code, said, told = await drill(drawn, "--only", "fork", "--only", "rollback", "--json", "--folder", str(folder))
    assert code == 0, told
    found = {one["name"]: (one["alarm"], one["verdict"], one["noticed"]) for one in json.loads(said)}
    assert found == {
        "fork": ("monitor.fork", "FORK PROVEN", True),
        "rollback": ("ledger.fork", "REFUSED", True),
    }
    proof, trust = next(folder.rglob("fork-*.json")), next(folder.rglob("policy.txt"))
    checked = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aigaq", "monitor", "check-fork", str(proof), "--trust", str(trust),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert (await checked.communicate())[0].startswith(b"FORK PROVEN\n")


async def test_an_attack_that_nobody_knows_is_named(tmp_path: Path) -> None:
    code, _, told = await drill(tmp_path, "--only", "bribery")
    assert (code, "bribery" in told, "back-date" in told) == (2, True, True)


@pytest.mark.parametrize(
    ("rang_before", "alarm", "verdict", "noticed"),
    [
        (set(), "a.rings", "FAILED", True),
        (set(), "", "FAILED", False),
        (set(), "a.rings", "VERIFIED", False),
        (set(), "another.rings", "FAILED", False),
        ({"a.rings"}, "a.rings", "FAILED", False),
    ],
)
async def test_only_the_named_alarm_and_verdict_count(
    monkeypatch: pytest.MonkeyPatch, rang_before: set[str], alarm: str, verdict: str, *, noticed: bool
) -> None:
    async def alarms(_: Lab) -> set[str]:
        return rang_before

    async def act(_: Lab) -> tuple[str, str]:
        return alarm, verdict

    monkeypatch.setattr(Lab, "alarms", alarms)
    outcome = await Attack("bribery", "", "a.rings", "FAILED", act).play(object.__new__(Lab), 0.0)
    assert (outcome.alarm, outcome.verdict, outcome.noticed) == (alarm, verdict, noticed)


def test_every_attack_has_an_alarm_and_a_verdict_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len({attack.alarm for attack in ATTACKS}) == 8
    assert all(attack.verdict for attack in ATTACKS)
