"""`aigaq recount fetch`, `run`, `report`, `tally`, `evidence`: words in, folders and exit codes out."""

import hashlib
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conftest import runner
from tests.recount.conftest import SmallCount
from tests.recount.people.lab import make_recount, reading
from tests.recount.sealed import START_MS, seal
from tests.recount.truth_folder import count_of_truth, folder_of_truth, truth
from typer.testing import CliRunner, Result

from aigaq.base import AigaqError
from aigaq.recount.cli import recount_app
from aigaq.recount.errors import CenterAnswerError, ClaimsError, FolderMissingError, NoBallotError, StyleMissingError
from aigaq.recount.evidence import write_evidence
from aigaq.recount.fetch import HOUR_MS, fetch_clips
from aigaq.recount.files import ballot_folder, keep_style, read_reading
from aigaq.recount.model import Outcome, Why
from aigaq.recount.people.errors import NoCountError
from aigaq.recount.people.model import Answer, Because, Kind, PeopleReading, Status

FILM = truth("1", "2", "several", "hidden", "1=0")


def call(*words: object) -> Result:
    return CliRunner().invoke(recount_app, [str(w) for w in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder_of_truth(FILM, tmp_path / "reading")
    return tmp_path / "reading"


# --- run ---


@pytest.mark.timeout(300)
def test_run_reads_what_it_can_and_tells_the_rest(small_count: SmallCount, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    styles = small_count.styles[0].parent
    done = call(
        "run", small_count.film, tmp_path / "broken.mp4", "--style", styles, "--out", tmp_path / "out", "--language",
        "kk", "--jobs", 1, "--json",
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    read, broken = json.loads(done.stdout)["films"]
    assert broken["error"]["code"] == "recount.film_unreadable"
    assert "recount.film_unreadable" in done.stderr
    assert read["presentations"] == len(small_count.truth["presentations"])
    assert read["automatic"] + read["flagged"] + read["human"] == read["presentations"]
    assert Path(read["folder"]) == tmp_path / "out" / "film"
    assert '<html lang="kk">' in Path(read["report"]).read_text(encoding="utf-8")
    again = call("run", small_count.film, "--style", styles, "--out", tmp_path / "out" / "film")
    assert again.exit_code == 0, again.output
    assert "report:" in again.stdout


def test_a_film_without_ballots_is_explained_also_by_the_module(small_count: SmallCount, tmp_path: Path) -> None:
    """`python -m aigaq` starts processes that import its main module."""
    runner("ffmpeg")("-v", "error", "-f", "lavfi", "-i", "color=gray:size=640x360:rate=10", "-t", 2, tmp_path / "x.mp4")
    words = ["run", tmp_path / "x.mp4", "--style", small_count.styles[0], "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "aigaq", "recount", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no ballot was found" in done.stdout


def test_run_needs_a_style(small_count: SmallCount, tmp_path: Path) -> None:
    assert call("run", small_count.film, "--out", tmp_path / "x").exit_code == 2
    done = call("run", small_count.film, "--style", tmp_path, "--out", tmp_path / "x")
    assert isinstance(done.exception, StyleMissingError)
    assert call("run", "x.mp4", "--style", small_count.styles[0], "--out", "x", "--language", "de").exit_code == 2


# --- report, tally ---


def test_report_writes_beside_the_reading_or_where_it_is_told(folder: Path, tmp_path: Path) -> None:
    done = call("report", folder, "--language", "en")
    assert done.stdout.strip() == str(folder / "report-en.html")
    public = call("report", folder, "--public", "--out", tmp_path / "p.html")
    assert public.exit_code == 0
    assert "0:00:04.5" not in (tmp_path / "p.html").read_text(encoding="utf-8")
    assert read_reading(folder) == count_of_truth(FILM), "a report leaves the reading as it is"
    assert isinstance(call("report", tmp_path / "nowhere").exception, FolderMissingError)


def test_tally_ends_with_three_where_the_protocol_lies_outside(folder: Path, tmp_path: Path) -> None:
    fine = call("tally", folder, "--claim", "party-list.ballots=4", "--claim", "party-list.votes.choice-1=1")
    assert (fine.exit_code, fine.exception) == (0, None), fine.output
    wrong = call("tally", folder, "--claim", "party-list.ballots=4", "--claim", "party-list.votes.choice-1=0")
    assert wrong.exit_code == 3
    assert "−1" in wrong.stdout
    assert wrong.stdout.index("shown") < wrong.stdout.index("choice-1"), "completeness comes first"
    assert isinstance(call("tally", folder, "--claim", "mayor.ballots=1").exception, ClaimsError)
    (tmp_path / "p.toml").write_text("format = 1\n[contests.party-list]\nballots = 9\n")
    assert call("tally", folder, "--protocol", tmp_path / "p.toml").exit_code == 3


def test_tally_as_data(folder: Path) -> None:
    done = call("tally", folder, "--claim", "party-list.votes.choice-1=5", "--json")
    (contest,) = json.loads(done.stdout)["contests"]
    assert contest["completeness"]["low"] == 4
    first = contest["lines"][0]
    assert (first["choice"], first["low"], first["high"], first["claimed"], first["discrepancy"]) == (
        "choice-1", 1, 4, 5, 1,
    )  # fmt: skip
    assert first["settled"] == [1]


# --- evidence ---


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_evidence_of_one_ballot(folder: Path, tmp_path: Path) -> None:
    done = call("evidence", folder, 1, "--out", tmp_path / "one.zip")
    assert done.exit_code == 0, done.output
    files = unpack(tmp_path / "one.zip")
    told = json.loads(files["ballot.json"])
    assert told["reading"]["choice"] == "choice-1"
    assert told["maker"]["version"] == "truth"
    assert told["files"] == {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != "ballot.json"}
    assert files["sheet.png"] == (ballot_folder(folder, 1) / "sheet.png").read_bytes()
    call("evidence", folder, 1, "--out", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "one.zip").read_bytes()
    for n in (0, 6):
        assert isinstance(call("evidence", folder, n, "--out", tmp_path / "x.zip").exception, NoBallotError)
    assert not (tmp_path / "x.zip").exists()


def test_evidence_holds_the_sealed_segments_and_what_people_said(small_count: SmallCount, tmp_path: Path) -> None:
    clip = seal(small_count.film, tmp_path / "sealed", runner("ffmpeg"))
    media = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "sealed").glob("*.m4s")}
    film = truth("1", "2")
    count = folder_of_truth(film, tmp_path / "reading")
    style = small_count.styles[0]
    keep_style(tmp_path / "reading", style)
    sealed = type(count)(
        type(count.source)("x", "", count.source.seconds, 1280, 720, START_MS, tuple(media)), count.maker,
        count.readings, count.gaps,
    )  # fmt: skip
    said = PeopleReading(2, Status.AGREED, Answer(Kind.UNREADABLE), Because.MACHINE, 2, 3, None)
    write_evidence(tmp_path / "reading", sealed, 2, tmp_path / "e.zip", clips=[clip], people=[said])
    files = unpack(tmp_path / "e.zip")
    told = json.loads(files["ballot.json"])
    assert told["utc_ms"] == [START_MS + 4500, START_MS + 7500]
    assert told["people"][0]["answer"]["kind"] == "unreadable"
    segments = [hashlib.sha256(d).hexdigest() for n, d in files.items() if n.startswith("segments/")]
    assert len(segments) == 4, "2.5 to 9.5 s, in segments of 2 s"
    assert set(segments) <= set(told["source"]["segments"])
    assert sum(n.startswith("init/") for n in files) == 1


# --- fetch ---


class Center(BaseHTTPRequestHandler):
    """Answers as a centre does: a clip for each question, or no."""

    asked: list[dict[str, Any]]
    status = 200

    def do_GET(self) -> None:
        words = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        type(self).asked.append({"path": urlsplit(self.path).path, **words})
        body = b"clip" if self.status == 200 else b"not sealed yet"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def center() -> Iterator[tuple[str, type[Center]]]:
    answers = type("Answers", (Center,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch_takes_an_hour_a_clip_and_keeps_what_is_there(center: tuple[str, type[Center]], tmp_path: Path) -> None:
    address, answers = center
    words = ("fetch", "0001", "table-1", START_MS, START_MS + HOUR_MS + 5, "--center", address, "--out", tmp_path)
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert [(a["from"], a["to"], a["stream"]) for a in answers.asked] == [
        (str(START_MS), str(START_MS + HOUR_MS), "main"),
        (str(START_MS + HOUR_MS), str(START_MS + HOUR_MS + 5), "main"),
    ]
    assert answers.asked[0]["path"] == "/api/v1/clip.zip"
    assert sorted(p.read_bytes() for p in tmp_path.iterdir()) == [b"clip", b"clip"]
    call(*words)
    assert len(answers.asked) == 2


def test_a_centre_that_says_no_leaves_nothing_behind(center: tuple[str, type[Center]], tmp_path: Path) -> None:
    address, answers = center
    answers.status = 409
    with pytest.raises(CenterAnswerError, match="409 not sealed yet"):
        list(fetch_clips(address, "0001", "table-1", 0, 10, tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense://x", ""])
def test_a_centre_that_is_not_there(address: str, tmp_path: Path) -> None:
    with pytest.raises(AigaqError):
        list(fetch_clips(address, "0001", "table-1", 0, 10, tmp_path))


@pytest.mark.parametrize("words", [("x", "5"), ("5", "5"), ("6", "5")])
def test_fetch_wants_times(words: tuple[str, str], tmp_path: Path) -> None:
    assert call("fetch", "1", "c", *words, "--center", "http://x", "--out", tmp_path).exit_code == 2


def test_what_people_said_is_taken_from_the_centre(tmp_path: Path) -> None:
    home = tmp_path / "recount"
    (tmp_path / "center.toml").write_text('[recount]\nseed = "drawn by dice"\n')
    make_recount(home, {"0101": [reading(1, 1), reading(2, None, outcome=Outcome.HUMAN, why=(Why.HIDDEN,))]})
    counted = home / "counts" / "0101"
    done = call("tally", counted, "--config", tmp_path / "center.toml", "--json")
    assert done.exit_code == 0, done.exception
    (contest,) = json.loads(done.stdout)["contests"]
    assert contest["open"] == [2], "nobody has answered yet"
    other = call("tally", folder_with(tmp_path), "--config", tmp_path / "center.toml")
    assert isinstance(other.exception, NoCountError)


def folder_with(tmp_path: Path) -> Path:
    folder_of_truth(FILM, tmp_path / "elsewhere" / "0101")
    return tmp_path / "elsewhere" / "0101"
