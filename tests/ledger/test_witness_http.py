"""The witness as a program: real sockets, the command line, and SIGKILL at any moment."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.ledger.witness_lab import ORIGIN, Branch, cosigned, request
from typer.testing import CliRunner

from aigaq.app.cli import app as aigaq
from aigaq.base import ManualClock
from aigaq.ledger.witness import ListenError, WitnessRolledBackError, WitnessSettings, init_witness, origin_hash
from aigaq.ledger.witness.cli import witness_app
from aigaq_verify import Checkpoint, Note, parse_policy

RUNNER = CliRunner()


@contextmanager
def running(settings: WitnessSettings) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`aigaq witness run` on a free port."""
    words = [sys.executable, "-m", "aigaq", "witness", "run", "-c", str(settings.folder / "witness.toml")]
    with subprocess.Popen(
        [*words, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            if not found:
                process.wait(10)
                pytest.fail(f"the witness did not start: {process.stderr and process.stderr.read()}")
            yield found[0], process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> WitnessSettings:
    logs = [str(Branch().vkey), str(Branch(origin="second.example/log").vkey)]
    return init_witness(tmp_path_factory.mktemp("w") / "w", "witness.example/w1", ManualClock(), logs=logs)


@pytest.fixture(scope="module")
def url(settings) -> Iterator[str]:
    with running(settings) as (address, _):
        yield address


@pytest.fixture(scope="module")
def client(url) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def log() -> Branch:
    return Branch().grow(5)


def test_the_whole_protocol_on_one_connection(client, settings, log):
    address = f"/{origin_hash(ORIGIN)}/checkpoint"
    assert client.get(address).status_code == 404
    answer = client.post("/add-checkpoint", content=log.request(0))
    assert answer.status_code == 200
    held = client.get(address)
    assert held.content == cosigned(log.note(), answer.content)
    assert held.headers["content-type"] == "text/plain; charset=utf-8"
    stale = client.post("/add-checkpoint", content=log.grow(2).request(0))
    assert (stale.status_code, stale.headers["content-type"], stale.text) == (409, "text/x.tlog.size", "5\n")
    assert client.post("/add-checkpoint", content=log.request(5)).status_code == 200
    fork = log.fork(3).grow(4, "other")
    contradiction = client.post("/add-checkpoint", content=request(7, [], fork.note()))
    assert (contradiction.status_code, contradiction.headers["content-type"]) == (409, "text/plain; charset=utf-8")
    assert "[witness.contradiction]" in contradiction.text
    assert client.post("/add-checkpoint", content=fork.grow(3, "other").request(7)).status_code == 422
    assert 'class="bad"' in client.get("/en").text
    refused = client.get(f"/{origin_hash(ORIGIN)}/refused").json()
    assert [(one["kind"], one["note"].encode()) for one in refused] == [
        ("contradiction", fork.note(7)), ("inconsistent", fork.note(10)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/add-checkpoint", b"nonsense", 400),
        ("POST", "/add-checkpoint", b"x" * 200_000, 413),
        ("GET", "/add-checkpoint", None, 405),
        ("POST", "/", b"", 404),
        ("GET", "/nothing", None, 404),
        ("GET", f"/{'0' * 64}/checkpoint", None, 404),
        ("GET", f"/{origin_hash(ORIGIN).upper()}/checkpoint", None, 404),
        ("GET", f"/{origin_hash('second.example/log')}/checkpoint", None, 404),
        ("GET", f"/{origin_hash('second.example/log')}/refused", None, 200),
    ],
)
def test_other_requests(client, method, path, content, status):
    assert client.request(method, path, content=content).status_code == status


def test_logs_are_kept_apart(client):
    other = Branch(origin="second.example/log").grow(3)
    assert client.post("/add-checkpoint", content=other.request(0)).status_code == 200
    unknown = Branch(origin="third.example/log").grow(3)
    assert client.post("/add-checkpoint", content=unknown.request(0)).status_code == 404


@pytest.mark.parametrize(
    ("path", "wish", "word"),
    [
        ("/kk", "", "куәгер"),
        ("/", "kk-KZ,ru;q=0.5", "куәгер"),
        ("/ru", "en", "свидетел"),
        ("/", "", "свидетел"),
        ("/en", "", "witness"),
    ],
)
def test_the_page_says_what_it_is(client, settings, path, wish, word):
    answer = client.get(path, headers={"accept-language": wish})
    assert answer.status_code == 200
    assert word in answer.text.lower()
    assert settings.witness.name in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert answer.text.count("<pre>") == 2


def test_a_sender_that_stops_halfway_harms_nobody(url, client):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 1000\r\n\r\nold 0\n")
        assert client.get("/en").status_code == 200
    assert client.get("/en").status_code == 200


def test_two_histories_at_once_and_only_one_is_ever_signed(tmp_path):
    """Requests race from many connections; the compare-and-swap lets one history through."""
    settings = init_witness(tmp_path / "w", "witness.example/w1", ManualClock(), logs=[str(Branch().vkey)])
    base = Branch().grow(2)
    branches = [base.fork(2).grow(40, name) for name in ("one", "two")]

    def push(branch: Branch) -> list[int]:
        signed, old = list[int](), 0
        with httpx2.Client(base_url=url) as client:
            for size in range(1, 40):
                answer = client.post("/add-checkpoint", content=branch.request(min(old, size), size))
                if answer.status_code == 200:
                    signed.append(size)
                    old = size
                elif answer.headers["content-type"] == "text/x.tlog.size":
                    old = int(answer.text)
        return signed

    with running(settings) as (url, _), ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(push, branches * 2))
    beyond = [{size for part in sizes[i::2] for size in part if size > 2} for i in (0, 1)]
    assert bool(beyond[0]) != bool(beyond[1]), "one of the two histories, and only one, grew"


def test_killed_at_any_moment_it_never_signs_two_histories(tmp_path):
    """SIGKILL in the middle of requests for two histories, then on with the same folder, again and again."""
    settings = init_witness(tmp_path / "w", "witness.example/w1", ManualClock(), logs=[str(Branch().vkey)])
    branches = [Branch().grow(2).fork(2).grow(300, name) for name in ("one", "two")]
    signed, times = dict[int, bytes](), list[int]()
    for last in (3, 10, 25, 60):
        with running(settings) as (url, process), httpx2.Client(base_url=url) as client:
            assassin = threading.Timer(last / 10_000, process.send_signal, [signal.SIGKILL])
            held = max(signed, default=0)
            try:
                for turn in range(600):
                    if turn == last:
                        assassin.start()  # it strikes within this request or a few later
                    branch = branches[turn % 2]
                    size = min(held + 1, branch.size)
                    answer = client.post("/add-checkpoint", content=branch.request(held, size))
                    if answer.status_code == 200:
                        _remember(signed, times, branch.note(size), answer.content)
                        held = size
                    elif answer.headers["content-type"] == "text/x.tlog.size":
                        held = int(answer.text)
            except httpx2.TransportError:
                pass
            assassin.join()
            process.wait(10)
    assert times == sorted(times)
    assert len(signed) > 10
    roots = [branches[i].root for i in (0, 1)]
    grown = {i for size, root in signed.items() if size > 2 for i in (0, 1) if roots[i](size) == root}
    assert len(grown) == 1, "all that was signed lies on one history"
    older = (settings.folder / "witness.mark").read_bytes()
    (settings.folder / "witness.mark").write_bytes(re.sub(rb"\n(\d+)\n$", lambda m: b"\n%d\n" % (int(m[1]) + 2), older))
    failed = RUNNER.invoke(witness_app, ["run", "-c", str(settings.folder / "witness.toml")])
    assert isinstance(failed.exception, WitnessRolledBackError)


def _remember(signed: dict[int, bytes], times: list[int], note: bytes, lines: bytes) -> None:
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    assert signed.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
    times += [int.from_bytes(one.value[:8], "big") for one in Note.parse(note + lines).signatures[1:]]


def test_the_command_line(tmp_path):
    folder = tmp_path / "w"
    words = ["witness", "init", str(folder), "--name", "witness.example/w1", "--url", "https://w.example"]
    made = RUNNER.invoke(aigaq, [*words, "--log", str(Branch().vkey)])
    assert made.exit_code == 0, made.output
    lines = [line for line in made.stdout.splitlines() if line.startswith("witness ")]
    assert len(parse_policy("\n".join([*lines, "quorum none", ""]).encode()).witnesses) == 2
    config = str(folder / "witness.toml")
    shown = RUNNER.invoke(aigaq, ["witness", "status", "-c", config, "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["logs"][0]["origin"] == ORIGIN
    assert RUNNER.invoke(aigaq, ["witness", "status", "-c", config]).stdout.startswith(
        "witness.example/w1: not running"
    )
    (folder / "witness.sqlite").unlink()
    for command in ("status", "run"):
        done = subprocess.run(
            [sys.executable, "-m", "aigaq", "witness", command, "-c", config],
            capture_output=True, text=True, check=False, env={"AIGAQ_LANG": "kk", "PATH": "/usr/bin"},
        )  # fmt: skip
        assert done.returncode == 1
        assert "[witness.lost]" in done.stderr
        assert not (folder / "witness.sqlite").exists()


def test_stops_cleanly_and_shares_no_address(tmp_path):
    settings = init_witness(tmp_path / "w", "witness.example/w1", ManualClock())
    other = init_witness(tmp_path / "other", "witness.example/w2", ManualClock())
    with running(settings) as (url, process):
        words = ["run", "-c", str(other.folder / "witness.toml"), "--listen", url.removeprefix("http://")]
        assert isinstance(RUNNER.invoke(witness_app, words).exception, ListenError)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert Path(settings.database).exists()
