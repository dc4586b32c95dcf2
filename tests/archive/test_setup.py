"""Setting up and running a centre from the command line; keys, folders, settings."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx2
import pytest
import typer
from archive_box import DAY_MS, DOMAIN, START, Box, Center, Officers, Uplink
from typer.testing import CliRunner

from aigaq.archive import Archive
from aigaq.archive.cli import center_app, clip_app
from aigaq.archive.errors import (
    BadPolicyError,
    CenterRefusedError,
    FolderInUseError,
    ForeignFolderError,
    NotReceivedYetError,
    SettingsExistError,
)
from aigaq.archive.settings import CenterSettings
from aigaq.archive.setup import open_archive
from aigaq.base import ManualClock, SettingsError, SystemClock, utc_ms
from aigaq.election import Register, example_register, save_register
from aigaq.ledger import BadKeyError, ForkError
from aigaq.ledger.enrolment import Roles
from aigaq_verify import parse_policy


@pytest.fixture
def ready(tmp_path):
    """A folder in which a centre was set up."""
    save_register(example_register(date(2027, 1, 10)), tmp_path / "register")
    words = ["init", tmp_path / "center", "--log-domain", DOMAIN, "--election", tmp_path / "register", "--json"]
    told = CliRunner().invoke(center_app, [str(w) for w in words], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return tmp_path / "center", json.loads(told.stdout)


@pytest.fixture
def box(tmp_path, reel):
    return Box("example-2027", "example-001", tmp_path / "box", reel)


# A typer app with one command alone would be that command.
clips = typer.Typer()
clips.add_typer(clip_app, name="clip")


def run(app, *words):
    return CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)


def test_init_writes_settings_that_can_be_loaded_and_a_key_of_its_own(ready):
    folder, told = ready
    settings = CenterSettings.load(folder / "center.toml")
    assert settings.center.data == folder / "archive"
    assert settings.listen.port == 8080
    assert told["vkey"].startswith(f"{DOMAIN}/example-2027/center+")
    assert (folder / "center.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SettingsExistError):
        run(center_app, "init", folder, "--log-domain", DOMAIN, "--election", folder.parent / "register")


def test_a_mistake_in_the_settings_names_the_key(ready):
    folder, _ = ready
    path = folder / "center.toml"
    path.write_text(path.read_text().replace("port = 8080", "port = 99999"))
    with pytest.raises(SettingsError, match=r"listen\.port"):
        CenterSettings.load(path)


def test_init_makes_a_log_with_a_policy_that_trusts_it_alone(ready):
    folder, told = ready
    policy = parse_policy(Path(told["policy"]).read_bytes())
    assert [(k.name, k.kind) for k in policy.logs] == [(f"{DOMAIN}/example-2027", 1), (f"{DOMAIN}/example-2027", 6)]
    assert policy.quorum == "none"
    for name in ("log.key", "log-pq.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    settings = CenterSettings.load(folder / "center.toml")
    assert settings.log.last_signed == folder / "last-signed" / "last-signed.sqlite"
    assert Roles.load(settings.log.roles).names == []


@pytest.mark.parametrize("text", ["", "quorum any\n", "log x\nquorum none\n", "\xff"])
def test_a_trust_file_that_cannot_be_used_is_refused_at_once(ready, text):
    folder, _ = ready
    (folder / "policy.txt").write_text(text, encoding="latin-1")
    with pytest.raises(BadPolicyError):
        open_archive(CenterSettings.load(folder / "center.toml"))
    (folder / "policy.txt").unlink()
    with pytest.raises(BadPolicyError):
        open_archive(CenterSettings.load(folder / "center.toml"))


async def test_witnesses_that_do_not_watch_this_log_are_a_mistake(ready, tmp_path):
    folder, _ = ready
    watched = Center(tmp_path / "other", witness=True)
    (folder / "policy.txt").write_bytes(watched.policy)
    archive = open_archive(CenterSettings.load(folder / "center.toml"))
    with pytest.raises(BadKeyError):
        await archive.open()
    await archive.stop()
    watched.close()


async def test_a_log_put_back_from_a_copy_never_signs(center, make_box, tmp_path):
    async with center.open():
        await make_box()
    shutil.copytree(center.archive.folder / "log", tmp_path / "copy")
    again = Center(center.folder, center.clock)
    async with again.open() as archive:
        await archive.logs.act("export", "example-001", {})
    shutil.rmtree(center.archive.folder / "log")
    shutil.copytree(tmp_path / "copy", center.archive.folder / "log")
    late = Center(center.folder, center.clock)
    with pytest.raises(ForkError):
        await late.archive.open()
    await late.archive.stop()


def test_one_centre_for_a_folder_and_one_election_for_an_archive(center, tmp_path):
    folder = center.archive.folder

    def another(register):
        return Archive(folder, register, ManualClock(), center.key, log=center.new_setup())

    with pytest.raises(FolderInUseError):
        another(center.register)
    center.archive.close()
    later = example_register(date(2028, 1, 9))
    with pytest.raises(ForeignFolderError, match="example-2027"):
        another(Register(later.election, later.territories(), later.stations()))
    another(center.register).close()


async def test_an_archive_opened_again_knows_what_it_had(center, make_box):
    async with center.serving() as http:
        uplink = Uplink(http, await make_box())
        await uplink.init()
        await uplink.send_all([*uplink.box.segments(START, 3), uplink.box.gap(START + 6000, None)])
        before = center.archive.overview()
        playlist = center.archive.media.live(("example-001", "desk", "sub"))
    again = Center(center.folder, center.clock)
    async with again.open() as archive:
        assert archive.overview() == before
        assert (before[0].cameras[0].state, before[0].enrolled) == ("gap", True)
        assert archive.media.live(("example-001", "desk", "sub")) == playlist


async def test_export_over_http(uplink, center, tmp_path):
    await uplink.init()
    await uplink.send_all(uplink.box.segments(START, 4))
    await uplink.checkpoint()
    words = ["example-001", "desk", START, START + 6000, "--stream", "sub", "--url", center.url]
    for name in ("a.zip", "a.mp4"):
        told = await asyncio.to_thread(run, clips, "clip", "export", *words, "--out", tmp_path / name)
        assert told.exit_code == 0, told.output
        assert (tmp_path / name).stat().st_size > 100_000
    words[2:4] = [START, START + 60_000]
    with pytest.raises(CenterRefusedError, match="not_received_yet"):
        await asyncio.to_thread(run, clips, "clip", "export", *words, "--out", tmp_path / "b.zip")
    assert not list(tmp_path.glob("b.zip*"))


def test_a_centre_runs_takes_footage_and_is_checked(ready, box, tmp_path):
    folder, _ = ready
    config = folder / "center.toml"
    officers = Officers(tmp_path / "officers", "example-2027", SystemClock())
    (folder / "roles.vkeys").write_text("".join(f"{officers.roles.key(name)}\n" for name in officers.roles.names))
    command = [sys.executable, "-m", "aigaq", "center"]
    process = subprocess.Popen(
        [*command, "run", "--config", str(config), "--port", "0"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        url = next(m[0] for line in process.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
        with httpx2.Client(base_url=url, timeout=20) as http:
            feed(http, box, officers)
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert process.returncode in {0, -signal.SIGTERM}, rest
    found = fsck(config)
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(found.stdout)
    assert (told["rows"], told["problems"], told["logs_checked"]) == (4, [], True)
    out = tmp_path / "clip.zip"
    words = ["clip", "export", "example-001", "desk", START, START + 6000, "--stream", "sub", "--config", config]
    assert run(clips, *words, "--out", out).exit_code == 0
    with pytest.raises(NotReceivedYetError):
        run(clips, *words[:5], START + 90_000, *words[6:], "--out", out)
    next((folder / "archive" / "objects").rglob("*.m4s")).unlink()
    archive = open_archive(CenterSettings.load(config))
    found = fsck(config)
    archive.close()
    told = json.loads(found.stdout)
    assert (found.returncode, told["logs_checked"]) == (1, False)
    assert [p["kind"] for p in told["problems"]] == ["missing"]


def feed(http, box, officers):
    """Enrolment, delegation, init, segments and their checkpoint."""
    enrolment = officers.enrolment(box.csr)
    now = utc_ms(SystemClock())
    for leaf in (enrolment, box.delegation(enrolment, now - now % DAY_MS)):
        assert http.post("/ingest/v1/leaf", content=leaf).status_code == 200
    init = f"/ingest/v1/init/{box.reel.init_sha256.hex()}"
    assert http.put(init, content=box.reel.init, headers=box.signed("init", box.reel.init)).status_code == 204
    for one in box.segments(START, 4):
        answer = http.put("/ingest/v1/segment", content=one.data, headers=box.segment_headers(one))
        assert answer.status_code == 200, answer.text
    note = box.log.checkpoint() + b"".join(box.log.leaf_hashes(0, 4))
    assert http.post("/ingest/v1/checkpoint", content=note).json() == {"size": 4}
    assert http.get("/log/status.json").json()["size"] == 3
    assert http.get("/", headers={"Accept-Language": "kk"}, follow_redirects=True).status_code == 200
    assert http.get("/api/v1/stations").json()["election"] == "example-2027"


def fsck(config):
    code = "import typer; from aigaq.archive.cli import fsck; typer.run(fsck)"
    command = [sys.executable, "-c", code, "--config", str(config), "--level", "hash", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)
