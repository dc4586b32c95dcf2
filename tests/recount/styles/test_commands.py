"""`aigaq recount style`: what it prints, what it writes, and how it tells styles apart."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.recount.styles.sights import coded
from typer.testing import CliRunner

from aigaq.recount import load_style
from aigaq.recount.cli import recount_app
from aigaq.recount.errors import BlankError, StyleMissingError
from aigaq.simulator.ballots import DAY, draw_ballot, make_style, write_style

TRUTH = make_style("referendum")


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(recount_app, ["style", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    path = tmp_path / "blank.png"
    path.write_bytes(coded(draw_ballot(TRUTH), ".png"))
    return path


def test_make_show_list(tmp_path, blank):
    names = tmp_path / "names.csv"
    names.write_text("kk,ru,en\nИә,Да,Yes\nЖоқ,Нет,No\n", encoding="utf-8")
    out = tmp_path / "styles"
    words = ["--id", "vote", "--contest", "referendum", "--size", "a4", "--choices", names, "--out", out]
    told = run("make", blank, *words, "--name", "Дауыс", "Голосование", "Vote")
    assert f"Look at {out / 'vote' / 'style.png'}" in told
    assert sorted(p.name for p in (out / "vote").iterdir()) == ["blank.png", "style.png", "style.toml"]
    style = load_style(out / "vote").style
    assert (style.contest, style.names.kk, style.choices[1].names.en) == ("referendum", "Дауыс", "No")
    shown = json.loads(run("show", out / "vote", "--json"))
    assert shown["choices"][0]["box"] == list(style.choices[0].box)
    assert shown["sha256"] == load_style(out / "vote").sha256
    assert "vote" in run("list", out)
    assert [s["id"] for s in json.loads(run("list", out, "--json"))["styles"]] == ["vote"]


def test_what_is_given_is_not_guessed(tmp_path, blank):
    given = ["--colour", "grey", "--endorsements", 2, "--endorsement-area", "10,250,60.5,20", "--keep", "1-2"]
    made = json.loads(run("make", blank, "--id", "x", "--size", "210x297", *given, "--out", tmp_path / "s", "--json"))
    assert (made["colour"], made["endorsements"], made["endorsement_area"]) == ("grey", 2, [10, 250, 60.5, 20])
    assert made["notes"]


@pytest.mark.parametrize(
    "words",
    [
        ["--id", "X"], ["--id", "x", "--size", "A9"], ["--id", "x", "--turn", "45"], ["--id", "x", "--keep", "one"],
        ["--id", "x", "--endorsement-area", "1,2,3"], ["--id", "x", "--endorsement-area", "1,2,3,4.5.6"],
        ["--id", "x", "--endorsements", "10"], ["--id", "x", "--draw", "1"], [],
    ],
)  # fmt: skip
def test_mistyped_commands(blank, words):
    run("make", blank, *words, code=2)


def test_blanks_that_are_none(tmp_path):
    for data in (b"", b"text"):
        (tmp_path / "blank").write_bytes(data)
        with pytest.raises(BlankError):
            run("make", tmp_path / "blank", "--id", "x", "--size", "A4", "--out", tmp_path / "s")
    with pytest.raises(BlankError):
        run("make", tmp_path, "--id", "x", "--size", "A4", "--out", tmp_path / "s")
    with pytest.raises(StyleMissingError):
        run("list", tmp_path)
    assert not (tmp_path / "s").exists()


def test_the_papers_of_one_day_are_told_apart(tmp_path, written):
    for contest in DAY:
        written(contest, tmp_path)
    told = CliRunner().invoke(recount_app, ["style", "check", str(tmp_path)])
    assert "0 of 6 pairs" in told.stderr
    assert told.stdout.count("told apart by colour") == 6


def test_two_alike_are_found(tmp_path):
    one = make_style("maslikhat-city")
    for style in (one, replace(one, id="twin")):
        write_style(style, tmp_path)
    write_style(replace(make_style("maslikhat-city", choices=9), id="longer"), tmp_path)
    write_style(replace(make_style("party-list", choices=4, colour="orange"), id="other-words"), tmp_path)
    # a guilloche is seeded by the style's id: it tells no two contests apart
    pairs = {(p["one"], p["other"]): p["apart"] for p in json.loads(run("check", tmp_path, "--json", code=1))["pairs"]}
    assert pairs["maslikhat-city", "twin"] == "not"
    assert pairs["longer", "twin"] == "layout"
    assert pairs["other-words", "twin"] == "text"


@pytest.mark.peer
def test_the_editor_is_served_on_this_machine(tmp_path, written):
    written("referendum", tmp_path)
    command = [sys.executable, "-m", "aigaq", "recount", "style", "edit", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        url = next(m[0] for line in process.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
        page = httpx2.get(f"{url}/kk/recount/styles/referendum", timeout=20)
        assert page.status_code == 200
        assert "script-src 'self'" in page.headers["content-security-policy"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
