"""`aigaq election`, as typed by a person and as read by a program."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aigaq.election import NoRegisterError, load_register
from aigaq.election.cli import election_app

runner = CliRunner()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    assert runner.invoke(election_app, ["template", str(tmp_path / "source"), "--day", "2031-03-16"]).exit_code == 0
    return tmp_path / "source"


def spoil(source: Path, old: str, new: str) -> None:
    path = source / "stations.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_template_then_import_then_show(source: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = runner.invoke(election_app, ["import", str(source), "--into", str(data)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "cameras    15" in done.stdout
    assert str(data / "register.json") in done.stdout
    shown = runner.invoke(election_app, ["show", str(data)])
    assert "2031-03-16, 07:00 to 20:00" in shown.stdout
    station = runner.invoke(election_app, ["show", str(data), "--station", "example-003"])
    assert "2031-03-16 06:30 to 2031-03-17 06:00 Europe/Vienna" in station.stdout
    found = runner.invoke(election_app, ["show", str(data), "--search", "школа"])
    assert found.stdout.startswith("example-001")
    assert found.stderr == "1 stations\n"


def test_template_takes_the_coming_sunday(tmp_path: Path) -> None:
    done = runner.invoke(election_app, ["template", str(tmp_path / "s"), "--json"])
    assert len(json.loads(done.stdout)["files"]) == 5
    assert load_register(tmp_path / "s").election.day.weekday() == 6


def test_json_answers(source: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    told = json.loads(runner.invoke(election_app, ["import", str(source), "--into", str(data), "--json"]).stdout)
    assert (told["election"], told["stations"], told["cameras"], told["warnings"]) == ("example-2031", 3, 15, [])
    assert json.loads(runner.invoke(election_app, ["show", str(data), "--json"]).stdout)["registered_voters"] == 2031
    one = runner.invoke(election_app, ["show", str(data), "--json", "--station", "example-001"])
    assert json.loads(one.stdout)["duty"]["ballot_box"] == ["2031-03-16T01:30:00+00:00", "2031-03-17T01:00:00+00:00"]
    found = runner.invoke(election_app, ["show", str(data), "--json", "--search", "example"])
    assert json.loads(found.stdout)["total"] == 3


def test_a_refusal_imports_nothing_and_tells_all(source: Path, tmp_path: Path) -> None:
    spoil(source, ",1204,", ",-5,")
    spoil(source, ",hospital,", ",clinic,")
    done = runner.invoke(election_app, ["import", str(source), "--into", str(tmp_path / "data")])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "stations.csv, row 2, column registered_voters: “-5”" in done.stderr
    assert "stations.csv, row 3, column kind: “clinic”" in done.stderr
    assert not (tmp_path / "data").exists()
    again = runner.invoke(election_app, ["import", str(source), "--into", str(tmp_path / "data"), "--json"])
    told = json.loads(again.stdout)
    assert told["error"]["code"] == "election.refused"
    assert [(p["file"], p["row"], p["column"], p["value"]) for p in told["problems"]] == [
        ("stations.csv", 2, "registered_voters", "-5"),
        ("stations.csv", 3, "kind", "clinic"),
    ]


@pytest.mark.parametrize(("language", "words"), [("kk", "бүтін сан емес"), ("ru", "не целое число")])
def test_the_report_speaks_the_readers_language(source: Path, language: str, words: str) -> None:
    spoil(source, ",1204,", ",-5,")
    done = runner.invoke(election_app, ["import", str(source), "--check", "--language", language])
    assert done.exit_code == 1
    assert words in done.stderr


def test_the_same_mistake_in_many_rows_is_one_line(source: Path) -> None:
    spoil(source, "steppe", "taiga")
    done = runner.invoke(election_app, ["import", str(source), "--check"])
    assert "stations.csv, row 2–3, column territory: “taiga”" in done.stderr


def test_check_imports_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(election_app, ["import", str(source), "--check"])
    assert "Fit to be imported." in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_usage(tmp_path: Path, source: Path) -> None:
    assert runner.invoke(election_app, ["import", str(source), "--check", "--language", "de"]).exit_code == 2
    assert isinstance(runner.invoke(election_app, ["show", str(tmp_path)]).exception, NoRegisterError)
