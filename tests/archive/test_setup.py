"""Setting up and running a centre from the command line; keys, folders, settings."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from datetime import date

import httpx2
import pytest
import typer
from archive_box import DOMAIN, START, Box
from typer.testing import CliRunner

from aigaq.archive import Archive
from aigaq.archive.cli import center_app, clip_app, open_archive
from aigaq.archive.enrolment import Enrolment, trust_file
from aigaq.archive.errors import (
    AlreadyEnrolledError,
    CenterRefusedError,
    FolderInUseError,
    ForeignFolderError,
    ForeignKeyError,
    NotReceivedYetError,
    SettingsExistError,
)
from aigaq.archive.settings import CenterSettings
from aigaq.base import ManualClock, SettingsError
from aigaq.election import Register, example_register, save_register
from aigaq.ledger import BadKeyError, SigningKey
from aigaq_verify import parse_policy

SMALL_ORDER = f"{DOMAIN}/example-2027/s/example-001+7f2b0d31+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


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


def test_enrol_once_and_again(ready, box):
    folder, _ = ready
    config = folder / "center.toml"
    for _ in range(2):
        told = run(center_app, "enrol", box.vkey, "--config", config, "--json")
        assert json.loads(told.stdout) == {"station": "example-001", "in_register": True}
    assert (folder / "stations.vkeys").read_text() == box.vkey + "\n"


def test_enrolment_refuses_what_is_no_sound_key_of_this_election(tmp_path, box):
    enrolment = Enrolment(tmp_path / "keys", DOMAIN, "example-2027")
    name = f"{DOMAIN}/other/s/example-001"
    for line, error in [
        ("nonsense", BadKeyError),
        (box.vkey[:-3] + "AAA", BadKeyError),
        (SMALL_ORDER, BadKeyError),
        (box.key.vkey(name), ForeignKeyError),
        (box.key.vkey(f"{DOMAIN}/example-2027/center"), ForeignKeyError),
    ]:
        with pytest.raises(error):
            enrolment.add(line)
    assert not enrolment.path.exists()
    enrolment.add(box.vkey)
    other = SigningKey.create(tmp_path / "other.key").vkey(box.origin)
    with pytest.raises(AlreadyEnrolledError):
        enrolment.add(other)
    enrolment.path.write_text(f"# keys\n\n{box.vkey}\n{other}\n")
    with pytest.raises(AlreadyEnrolledError, match=":4"):
        Enrolment(enrolment.path, DOMAIN, "example-2027")


def test_the_trust_file_is_a_policy(tmp_path, box):
    enrolment = Enrolment(tmp_path / "keys", DOMAIN, "example-2027")
    assert parse_policy(trust_file(enrolment.keys).encode()).logs == []
    enrolment.add(box.vkey)
    policy = parse_policy(trust_file(enrolment.keys).encode())
    assert ([k.name for k in policy.logs], policy.quorum) == ([box.origin], "none")


def test_one_centre_for_a_folder_and_one_election_for_an_archive(center, tmp_path):
    folder = center.archive.folder

    def another(register):
        return Archive(folder, register, ManualClock(), center.key, log_domain=DOMAIN)

    with pytest.raises(FolderInUseError):
        another(center.register)
    center.archive.close()
    later = example_register(date(2028, 1, 9))
    with pytest.raises(ForeignFolderError, match="example-2027"):
        another(Register(later.election, later.territories(), later.stations()))
    another(center.register).close()


async def test_an_archive_opened_again_knows_what_it_had(center, http, uplink, tmp_path):
    await uplink.init()
    await uplink.send_all([*uplink.box.segments(START, 3), uplink.box.gap(START + 6000, None)])
    before = center.archive.overview()
    playlist = center.archive.media.live(("example-001", "desk", "sub"))
    center.archive.close()
    again = Archive(center.archive.folder, center.register, center.clock, center.key, log_domain=DOMAIN)
    assert again.overview() == before
    assert before[0].cameras[0].state == "gap"
    assert again.media.live(("example-001", "desk", "sub")) == playlist
    again.close()


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
    assert run(center_app, "enrol", box.vkey, "--config", config).exit_code == 0
    command = [sys.executable, "-c", "from aigaq.archive.cli import center_app; center_app()"]
    process = subprocess.Popen(
        [*command, "run", "--config", str(config), "--port", "0"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        url = next(m[0] for line in process.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
        sealed = box.segments(START, 4)
        with httpx2.Client(base_url=url) as http:
            init = f"/ingest/v1/init/{box.reel.init_sha256.hex()}"
            assert http.put(init, content=box.reel.init, headers=box.signed("init", box.reel.init)).status_code == 204
            for one in sealed:
                answer = http.put("/ingest/v1/segment", content=one.data, headers=box.segment_headers(one))
                assert answer.status_code == 200
            note = box.log.checkpoint() + b"".join(box.log.leaf_hashes(0, 4))
            answer = http.post("/ingest/v1/checkpoint", content=note, headers=box.signed("checkpoint", note))
            assert answer.json() == {"size": 4}
            assert http.get("/", headers={"Accept-Language": "kk"}, follow_redirects=True).status_code == 200
            assert http.get("/api/v1/stations").json()["election"] == "example-2027"
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert process.returncode in {0, -signal.SIGTERM}, rest
    found = fsck(config)
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert (told["rows"], told["problems"], told["logs_checked"]) == (4, [], True)
    out = tmp_path / "clip.zip"
    words = [
        "clip",
        "export",
        "example-001",
        "desk",
        START,
        START + 6000,
        "--stream",
        "sub",
        "--config",
        config,
        "--out",
        out,
    ]
    assert run(clips, *words).exit_code == 0
    with pytest.raises(NotReceivedYetError):
        run(clips, *words[:5], START + 90_000, *words[6:])
    next((folder / "archive" / "objects").rglob("*.m4s")).unlink()
    archive = open_archive(CenterSettings.load(config))
    found = fsck(config)
    archive.close()
    told = json.loads(found.stdout)
    assert (found.returncode, told["logs_checked"]) == (1, False)
    assert [p["kind"] for p in told["problems"]] == ["missing"]


def fsck(config):
    code = "import typer; from aigaq.archive.cli import fsck; typer.run(fsck)"
    command = [sys.executable, "-c", code, "--config", str(config), "--level", "hash", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)
