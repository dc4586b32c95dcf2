"""`aigaq doctor` says what is there and what to do; `tools/peers.py` brings what tests lack."""

import io
import json
import socket
import stat
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from aigaq.app import doctor
from aigaq.app.doctor import Finding, KernelClock, Need, Peer, State

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import peers

app = typer.Typer()
app.command()(doctor.doctor)
runner = CliRunner()


def test_this_machine_can_run_it_and_all_peers_are_there(tmp_path: Path) -> None:
    """Where tests run, everything they need is there: a missing peer fails, it never skips."""
    done = runner.invoke(app, ["--json", "--data", str(tmp_path)])
    told = json.loads(done.stdout)
    bad = [f for f in told["findings"] if f["state"] == "bad" and f["what"] != "Pages"]
    assert bad == []
    assert {"Python", "Packages", "Clock", "Disk", "Chromium", "ffmpeg", "GStreamer RTSP server"} <= {
        f["what"] for f in told["findings"]
    }


def test_what_tests_need_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good, lacking = Finding("A", State.OK, "x"), Finding("B", State.BAD, "x", "get it", Need.TESTS)
    monkeypatch.setattr(doctor, "examine", lambda *_: iter([good, lacking]))
    done = runner.invoke(app, [])
    assert (done.exit_code, "Aigaq can run here." in done.stdout) == (0, True)
    monkeypatch.setattr(doctor, "examine", lambda *_: iter([good, Finding("C", State.BAD, "x", "get it")]))
    done = runner.invoke(app, [])
    assert (done.exit_code, "cannot run" in done.stdout) == (1, True)
    assert json.loads(runner.invoke(app, ["--json"]).stdout)["fit"] is False


def test_a_terminal_gets_a_table_and_a_file_plain_lines() -> None:
    findings = [Finding("Disk [/x]", State.WARN, "1 GB free", "Free some.", Need.TESTS)]
    plain, table = io.StringIO(), io.StringIO()
    doctor.show(findings, Console(file=plain, force_terminal=False, width=40))
    assert plain.getvalue() == "warn Disk [/x]: 1 GB free | Free some.\n"
    doctor.show(findings, Console(file=table, force_terminal=True, width=100))
    assert "tests only" in table.getvalue()
    assert "1 GB free" in table.getvalue()


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 9), State.BAD), ((3, 11, 0), State.OK), ((3, 14, 1), State.OK)]
)
def test_python(version: tuple[int, ...], state: State) -> None:
    assert doctor.python_finding(version).state is state


LOCK = """# comment
av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:00
babel==2.18.0 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32'
"""


@pytest.mark.parametrize(
    ("installed", "state", "words"),
    [
        ({"av": "18.1.0", "babel": "2.18.0"}, State.OK, "2 as locked"),
        ({"av": "19.0.2", "babel": "2.18.0", "colorama": "0.4.6"}, State.OK, "3 as locked"),
        ({"av": "18.1.0", "babel": "2.17.0"}, State.WARN, "not as locked: babel 2.17.0"),
        ({"av": "18.1.0"}, State.BAD, "missing: babel"),
    ],
)
def test_packages_beside_the_lock(tmp_path: Path, installed: dict[str, str], state: State, words: str) -> None:
    (tmp_path / "runtime.txt").write_text(LOCK)
    locked = doctor.locked_versions(tmp_path / "runtime.txt")
    finding = doctor.packages_finding(locked, lambda name: installed.get(name, ""))
    assert (finding.state, finding.found) == (state, words)


def test_an_installed_wheel_has_no_lock(tmp_path: Path) -> None:
    assert doctor.packages_finding(doctor.locked_versions(tmp_path / "none")).state is State.OK


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.folder_finding(tmp_path / "new" / "deep").found.endswith("can be made")
    assert doctor.folder_finding(tmp_path).state is State.OK
    closed = tmp_path / "closed"
    closed.mkdir(stat.S_IRUSR)
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: path != closed)  # root may write anywhere
    assert doctor.folder_finding(closed / "new").state is State.BAD


@pytest.mark.parametrize(("free", "state"), [(10**8, State.BAD), (10**9, State.WARN), (10**11, State.OK)])
def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert doctor.disk_finding(tmp_path).state is state


def test_the_clock() -> None:
    assert doctor.clock_finding(KernelClock(synchronised=None)).state is State.WARN
    assert doctor.clock_finding(KernelClock(synchronised=False)).state is State.WARN
    assert doctor.clock_finding(KernelClock(synchronised=True, error_s=0.0125)).found.endswith("0.013 s")
    asked = doctor.kernel_clock()
    assert asked.synchronised is None or asked.error_s >= 0


def test_time_zones_know_the_change_of_2024() -> None:
    finding = doctor.time_zone_finding()
    assert finding.state is State.OK
    assert "UTC+5" in finding.found


@pytest.mark.parametrize(("soft", "state"), [(100, State.BAD), (1024, State.WARN), (8192, State.OK), (-1, State.OK)])
def test_open_files(soft: int, state: State) -> None:
    assert doctor.files_finding((soft, 8192)).state is state


def test_a_taken_port() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert doctor.port_finding(port).state is State.WARN
    assert doctor.port_finding(port).state is State.OK


@pytest.mark.parametrize(
    ("command", "state", "found"),
    [
        (("/nowhere/at/all",), State.BAD, "FileNotFoundError"),
        ((sys.executable, "-c", "print('Peer 1.2 built on Debian')"), State.OK, "Peer 1.2"),
        ((sys.executable, "-c", "import sys; sys.exit('no typelib')"), State.BAD, "no typelib"),
        ((sys.executable, "-c", "raise SystemExit(3)"), State.BAD, "exit 3"),
        ((sys.executable, "-c", ""), State.OK, "runs"),
    ],
)
def test_a_peer(command: tuple[str, ...], state: State, found: str) -> None:
    finding = doctor.peer_finding(Peer("Peer", command, ("a-package", "b-package")))
    assert (finding.state, finding.found, finding.need) == (state, found, Need.TESTS)
    assert not finding.remedy or finding.remedy.endswith("a-package b-package")


MISSING = Peer("Peer", ("/nowhere/at/all",), ("z-package", "a-package"))


def test_without_root_the_exact_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "PEERS", (MISSING,))
    monkeypatch.setattr(peers.os, "geteuid", lambda: 1000)
    assert peers.main() == 1
    told = capsys.readouterr().err
    assert "apt-get update -qq && apt-get install -y -qq --no-install-recommends a-package z-package" in told


def test_as_root_it_installs_and_looks_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in for apt-get makes the program appear."""
    program, log = tmp_path / "peer", tmp_path / "log"
    apt = tmp_path / "apt-get"
    lines = ["#!/bin/sh", f'echo "$@ $DEBIAN_FRONTEND" >> {log}', f"cp /bin/true {program}", ""]
    apt.write_text("\n".join(lines))
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(peers.os, "geteuid", lambda: 0)
    monkeypatch.setattr(peers, "PEERS", (Peer("Peer", (str(program),), ("a-package",)),))
    assert peers.main() == 0
    assert log.read_text().splitlines() == [
        "update -qq noninteractive",
        "install -y -qq --no-install-recommends a-package noninteractive",
    ]
    monkeypatch.setattr(peers, "PEERS", (MISSING,))
    assert peers.main() == 1, "installed, and still not there"
    apt.write_text("#!/bin/sh\nexit 100\n")
    assert peers.main() == 1


def test_nothing_is_done_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PEERS", (Peer("Python", (sys.executable, "--version"), ()),))
    monkeypatch.setattr(peers.subprocess, "run", None)
    monkeypatch.setattr(peers, "peer_finding", lambda _: Finding("Python", State.OK, "3"))
    assert peers.main() == 0
