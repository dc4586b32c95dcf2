"""The command line teaches, suggests, answers in JSON, and explains errors in the reader's language."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aigaq.app.cli import COMMANDS, app, main, reader_language
from aigaq.base import SettingsError

runner = CliRunner()


def aigaq(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aigaq", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)


def test_help_names_every_command() -> None:
    told = runner.invoke(app, ["--help"])
    assert told.exit_code == 0
    assert all(name in told.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str) -> None:
    told = runner.invoke(app, [name, "--help"])
    assert told.exit_code == 0
    assert "Usage:" in told.stdout


def test_a_mistyped_command_is_suggested() -> None:
    told = runner.invoke(app, ["verfy"])
    assert told.exit_code == 2
    assert "Did you mean 'verify'?" in told.stderr


def test_verify_loads_neither_web_nor_video() -> None:
    code = "import sys; from aigaq.app.cli import app; app(['verify', '--help'], standalone_mode=False)"
    code += "; print([m for m in ('av', 'fastapi', 'sqlalchemy', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_an_error_is_explained_in_the_readers_language(tmp_path: Path) -> None:
    missing = str(tmp_path / "center.toml")
    by_language = {
        language: aigaq("center", "run", "--config", missing, AIGAQ_LANG=language, PATH="/usr/bin")
        for language in ("kk", "ru", "en")
    }
    assert {done.returncode for done in by_language.values()} == {1}
    assert all(SettingsError.code in done.stderr and missing in done.stderr for done in by_language.values())
    assert len({done.stderr.splitlines()[0] for done in by_language.values()}) == 3
    assert all("Traceback" not in done.stderr for done in by_language.values())


def test_an_error_is_json_for_programs(tmp_path: Path) -> None:
    done = aigaq("fsck", "--json", "--config", str(tmp_path / "none.toml"), PATH="/usr/bin")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == SettingsError.code


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "kk_KZ.UTF-8"}, "kk"), ({"LANG": "C.UTF-8"}, "en"), ({"AIGAQ_LANG": "ru", "LANG": "kk_KZ"}, "ru")],
)
def test_the_language_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("AIGAQ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert reader_language() == language


def test_ctrl_c_is_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aigaq.app.cli.app", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
