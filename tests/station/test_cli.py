"""The commands as an operator types them."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
from station_bench import T0, Rig, settings_for
from station_bench import call_station as call

from aigaq.base import AigaqError, SettingsError, SystemClock
from aigaq.capture.farm import load_video
from aigaq.ledger.enrolment import fingerprint, read_csr
from aigaq.station.errors import AlreadySetUpError, NotRunningError
from aigaq.station.settings import load_station

IDS = ["--election", "e1", "--station", "s1", "--log-domain", "log.example"]


def test_init_then_key(tmp_path):
    made = call("init", tmp_path / "box", *IDS, "--json")
    assert made.exit_code == 0
    answer = json.loads(made.stdout)
    assert (tmp_path / "box/data/identity.key").stat().st_mode & 0o777 == 0o600
    assert call("key", "-c", answer["config"]).stdout.strip() == answer["fingerprint"]
    request = read_csr((tmp_path / "box/station.csr").read_text())
    assert (request.election, request.station) == ("e1", "s1")
    assert fingerprint(request.identity) == answer["fingerprint"]
    assert load_station(tmp_path / "box/station.toml").station.id == "s1"


def test_the_request_again_with_facts(tmp_path):
    config = json.loads(call("init", tmp_path, *IDS, "--json").stdout)["config"]
    camera = {"camera": "c0", "mac": "00:00:5e:00:53:01", "frame_sha256": "11" * 32, "masks": []}
    (tmp_path / "facts.json").write_text(json.dumps({"cameras": [camera]}))
    shown = call("csr", "-c", config, "--facts", tmp_path / "facts.json").stdout
    again = read_csr(shown)
    assert [c.camera for c in again.facts.cameras] == ["c0"]
    assert again.identity == read_csr((tmp_path / "station.csr").read_text()).identity


def test_init_overwrites_nothing(tmp_path):
    call("init", tmp_path, *IDS)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    again = call("init", tmp_path, *IDS)
    assert isinstance(again.exception, AlreadySetUpError)
    (tmp_path / "station.toml").unlink()
    assert isinstance(call("init", tmp_path, *IDS).exception, AlreadySetUpError)
    before.pop(tmp_path / "station.toml")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("station", ["S1", 's1"', "s1\nx = 1", "", "ж"])
def test_init_with_a_wrong_id_leaves_nothing(tmp_path, station):
    made = call("init", tmp_path, "--election", "e1", "--station", station, "--log-domain", "log.example")
    assert isinstance(made.exception, SettingsError)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def write_config(folder, cameras, seconds_of_duty="", center=""):
    sections = "".join(
        f'[[cameras]]\nid = "{name}"\nzone = "ballot_box"\nmain = "{main}"\nsub = "{sub}"\n{more}\n'
        for name, main, sub, more in cameras
    )
    head = f'[station]\nelection = "e1"\nid = "s1"\ndata = "data"\nlog_domain = "log.example"\n{center}'
    limits = "[limits]\nmin_free_hours = 0.01\nmain_mbps = 1\nsub_mbps = 0.3\n"
    path = folder / "station.toml"
    path.write_text(head + seconds_of_duty + limits + sections)
    settings_for(folder)
    return path


def test_fsck_and_status_of_a_folder_at_rest(tmp_path, clock):
    rig = Rig(settings_for(tmp_path), clock)
    rig.segment(T0)
    rig.box.writer.seal()
    path = rig.box.spool.path_of(rig.records()[0])
    rig.kill()
    config = write_config(tmp_path, [("c0", "rtsp://127.0.0.1:9/a", "rtsp://127.0.0.1:9/b", "")])
    assert "All holds" in call("fsck", "-c", config).stdout
    path.unlink()
    found = call("fsck", "-c", config, "--json", "--level", "presence")
    assert found.exit_code == 1
    assert [p["kind"] for p in json.loads(found.stdout)["problems"]] == ["file"]
    assert isinstance(call("status", "-c", config).exception, NotRunningError)


def run_agent(config) -> subprocess.Popen:
    code = "import sys; from aigaq.station.cli import station_app; station_app(sys.argv[1:])"
    command = [sys.executable, "-c", code, "run", "-c", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)


async def test_run_status_stop(tmp_path, farm, small_video):
    """A real agent process against the farm: status while it runs, SIGTERM seals and exits 0."""
    video = load_video(small_video)
    for name in ("main", "sub"):
        farm.add(name, video, username="viewer", password="s3cret")
    more = 'username = "viewer"\npassword = "s3cret"'
    config = write_config(tmp_path, [("c0", farm.url("main"), farm.url("sub"), more)])
    agent = run_agent(config)
    try:
        status = tmp_path / "data" / "status.json"
        async with asyncio.timeout(40):
            while not status.exists() or "recording" not in status.read_text():
                await asyncio.sleep(0.1)
        shown = await asyncio.to_thread(call, "status", "-c", config)
        assert shown.exit_code in {0, 3}
        assert "c0/main: " in shown.stdout
        second = run_agent(config)
        out = (await asyncio.to_thread(second.communicate))[1]
        assert second.returncode == 1
        assert "JournalLockedError" in out or "journal_locked" in out
    finally:
        agent.send_signal(signal.SIGTERM)
        logged = (await asyncio.to_thread(agent.communicate))[1]
    assert agent.returncode == 0
    assert "s3cret" not in logged + status.read_text()
    assert "All holds" in call("fsck", "-c", config).stdout
    records = Rig(load_station(config), SystemClock()).records()
    assert [getattr(r, "cause", "segment") for r in records][-1] == "operator"
    assert "segment" in [getattr(r, "cause", "segment") for r in records]


async def test_check_finds_what_is_wrong(tmp_path, farm, small_video, long_gop_video):
    farm.add("good", load_video(small_video))
    farm.add("long", load_video(long_gop_video))
    farm.add("locked", load_video(small_video), username="u", password="right")
    config = write_config(
        tmp_path,
        [
            ("good", farm.url("good"), farm.url("good"), ""),
            ("long", farm.url("long"), farm.url("good"), ""),
            ("locked", farm.url("locked"), farm.url("good"), 'username = "u"\npassword = "wr0ng"'),
            ("gone", "rtsp://127.0.0.1:9/x", farm.url("good"), ""),
        ],
        center='[center]\nurl = "http://127.0.0.1:9"\nvkey = "bad"\n',
    )
    done = await asyncio.to_thread(call, "check", "-c", config, "--seconds", "3", "--json")
    assert not isinstance(done.exception, AigaqError)
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    codes = {
        (s["camera"], s["stream"]): {f["code"] for f in s["findings"] if f["severity"] == "refusal"}
        for s in answer["streams"]
    }
    assert codes["good", "main"] == codes["good", "sub"] == set()
    assert codes["locked", "main"] == {"capture.unauthorized"}
    assert codes["gone", "main"] == {"capture.unreachable"}
    assert {f["code"] for f in answer["box"] if f["severity"] == "refusal"} == {"ledger.bad_key"}
    assert all(f["why"] and f["hint"] for s in answer["streams"] for f in s["findings"])
    told = await asyncio.to_thread(call, "check", "-c", config, "--seconds", "1")
    assert "NOT fit" in told.stdout
    assert "wr0ng" not in told.stdout + done.stdout


def test_a_box_with_network_cameras_alone_carries_no_ffmpeg():
    """23 MB, which would be a third of what 20 cameras cost."""
    words = "import sys, aigaq.station.cli, aigaq.station.agent; print({'av', 'numpy', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
