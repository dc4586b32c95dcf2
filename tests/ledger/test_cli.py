"""`aigaq verify` is the standalone verifier by another name."""

import json

import pytest
import typer
from typer.testing import CliRunner

from aigaq.ledger.cli import verify


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command()(verify)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_exit_code_and_report_come_from_the_verifier(run, tmp_path):
    clip = tmp_path / "clip.zip"
    clip.write_bytes(b"no zip")
    result = run(clip, "--json")
    assert result.exit_code == 8
    assert json.loads(result.stdout)["verdict"] == "NOT A CLIP"


def test_wrong_usage(run, tmp_path):
    assert run().exit_code == 2
    assert run(tmp_path / "none.zip").exit_code == 2
    assert run(tmp_path / "none.zip", "--zone", "Nowhere").exit_code == 2


def test_help_names_every_exit_code(run):
    text = " ".join(run("--help").stdout.split())
    for code in ("0 VERIFIED", "3 GAP", "4 SILENT HOLE", "5 NOT IN LOG", "6 UNKNOWN KEY", "7 FAILED", "8 not a clip"):
        assert code in text
