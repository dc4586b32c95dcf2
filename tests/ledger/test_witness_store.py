"""A witness without its whole and newest memory signs nothing, and says what to do."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from tests.ledger.witness_lab import ORIGIN, Branch, make_witness, request
from typer.testing import CliRunner

from aigaq.base import LANGUAGES, ManualClock, SettingsError
from aigaq.ledger import BadKeyError, KeyFileError
from aigaq.ledger.witness import (
    ContradictionError,
    InconsistentError,
    StaleError,
    Witness,
    WitnessBusyError,
    WitnessDiskError,
    WitnessError,
    WitnessExistsError,
    WitnessLostError,
    WitnessRolledBackError,
    WitnessSettings,
    init_witness,
    policy_lines,
)
from aigaq.ledger.witness import store as store_module
from aigaq.ledger.witness.cli import witness_app
from aigaq.ledger.witness.page import render_page
from aigaq.ledger.witness.status import witness_status
from aigaq_verify import parse_policy

NAME = "witness.example/w1"


@pytest.fixture
def log() -> Branch:
    return Branch().grow(4)


@pytest.fixture
def used(tmp_path, log) -> WitnessSettings:
    """A witness that has signed twice and stands still."""
    witness, settings = make_witness(tmp_path / "w", log.vkey)
    witness.add_checkpoint(log.request(0, 2))
    witness.add_checkpoint(log.request(2))
    witness.close()
    return settings


def reopened(settings: WitnessSettings) -> Witness:
    return Witness.open(settings, ManualClock())


def test_it_remembers(used, log):
    witness = reopened(used)
    assert witness.held(ORIGIN).size == 4
    with pytest.raises(StaleError):
        witness.add_checkpoint(log.fork(3).grow(5, "other").request(0))
    witness.add_checkpoint(log.grow(1).request(4))
    witness.close()


def test_at_rest_there_is_one_database_file(used):
    assert sorted(path.name for path in used.folder.iterdir()) == [
        "witness-pq.key", "witness.key", "witness.mark", "witness.sqlite", "witness.toml",
    ]  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in used.folder.glob("*.key"))


def remove_database(settings: WitnessSettings) -> None:
    settings.database.unlink()


def remove_mark(settings: WitnessSettings) -> None:
    settings.mark.unlink()


def empty_database(settings: WitnessSettings) -> None:
    settings.database.write_bytes(b"")


def scramble_database(settings: WitnessSettings) -> None:
    settings.database.write_bytes(b"SQLite format 3\0" + os.urandom(8000))


def break_a_page(settings: WitnessSettings) -> None:
    data = bytearray(settings.database.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[page : 2 * page] = bytes(page)
    settings.database.write_bytes(data)


def scramble_mark(settings: WitnessSettings) -> None:
    settings.mark.write_bytes(b"aigaq witness mark v1\n12\n3\n")


def swap_in_another(settings: WitnessSettings) -> None:
    other = init_witness(settings.folder.parent / "other", NAME, ManualClock())
    shutil.copy(other.database, settings.database)


def drop_the_row(settings: WitnessSettings) -> None:
    db = sqlite3.connect(settings.database)
    db.execute("DELETE FROM meta")
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "harm",
    [
        remove_database,
        remove_mark,
        empty_database,
        scramble_database,
        break_a_page,
        scramble_mark,
        swap_in_another,
        drop_the_row,
    ],
)
def test_a_lost_memory_is_never_begun_anew(used, harm):
    harm(used)
    before = {path.name: path.read_bytes() for path in used.folder.iterdir()}
    with pytest.raises(WitnessLostError) as lost:
        reopened(used)
    with pytest.raises(WitnessLostError):
        witness_status(used, ManualClock())
    assert {path.name: path.read_bytes() for path in used.folder.iterdir()} == before
    for language in LANGUAGES:
        assert "{" not in str(lost.value.explain(language))


def test_only_a_contradiction_is_shown_as_one(used, log):
    """Anyone can send a signed note with a proof that fails; that must not blacken the log."""
    witness = reopened(used)
    with pytest.raises(InconsistentError):
        witness.add_checkpoint(request(4, [bytes(32)], log.grow(1).note()))
    assert b'class="bad"' not in render_page(witness, "en")
    with pytest.raises(ContradictionError):
        witness.add_checkpoint(request(4, [], log.fork(3).grow(1, "other").note()))
    assert b'class="bad"' in render_page(witness, "en")
    witness.close()
    (found,) = witness_status(used, ManualClock())["logs"]
    assert (found["contradictions"], found["unproven"]) == (1, 1)
    told = CliRunner().invoke(witness_app, ["status", "-c", str(used.folder / "witness.toml")])
    assert (told.exit_code, "FORKED" in told.stdout) == (3, True)


def test_an_older_copy_is_noticed(used, log):
    copy = used.database.read_bytes()
    witness = reopened(used)
    witness.add_checkpoint(log.grow(1).request(4))
    witness.close()
    used.database.write_bytes(copy)
    with pytest.raises(WitnessRolledBackError) as refused:
        reopened(used)
    assert refused.value.facts == {"found": 2, "marked": 3}


def test_a_mark_elsewhere_also_notices_that_the_whole_folder_was_put_back(tmp_path, log):
    stick = tmp_path / "stick"
    stick.mkdir()
    settings = init_witness(tmp_path / "w", NAME, ManualClock(), logs=[str(log.vkey)])
    shutil.move(settings.mark, stick / "mark")
    config = settings.folder / "witness.toml"
    config.write_text(
        config.read_text().replace("\n# mark =", "\nmark =").replace("/mnt/stick/witness.mark", f"{stick}/mark")
    )
    settings = WitnessSettings.load(config)
    assert settings.mark == stick / "mark"
    shutil.copytree(settings.folder, tmp_path / "backup")
    witness = reopened(settings)
    witness.add_checkpoint(log.request(0))
    witness.close()
    shutil.rmtree(settings.folder)
    shutil.copytree(tmp_path / "backup", settings.folder)
    with pytest.raises(WitnessRolledBackError):
        reopened(settings)


def test_a_newer_database_than_the_mark_is_a_crash_between_the_two(used, log):
    mark = used.mark.read_bytes()
    witness = reopened(used)
    witness.add_checkpoint(log.grow(1).request(4))
    witness.close()
    used.mark.write_bytes(mark)
    witness = reopened(used)
    assert witness.held(ORIGIN).size == 5
    witness.close()


def test_one_program_at_a_time(used):
    witness = reopened(used)
    with pytest.raises(WitnessBusyError):
        reopened(used)
    assert witness_status(used, ManualClock())["running"] is True
    witness.close()
    status = witness_status(used, ManualClock())
    assert (status["running"], status["signatures"], status["logs"][0]["size"]) == (False, 2, 4)


@pytest.mark.parametrize("step", range(6))
def test_power_may_fail_at_any_step_of_the_mark(box, used, log, step):
    """Whatever was answered is remembered; what was remembered and not answered is only a size to ask for."""
    witness, answer = reopened(used), None
    with box.power_failing_at(step), contextlib.suppress(box.PowerFailure):
        answer = witness.add_checkpoint(log.grow(1).request(4))
    witness.close()
    witness = reopened(used)
    assert witness.held(ORIGIN).size == 5
    if answer is None:
        assert witness.add_checkpoint(log.request(5))
    witness.close()


def test_a_full_disk_signs_nothing_and_goes_on_afterwards(used, log, monkeypatch):
    witness = reopened(used)
    witness._store._db.execute("PRAGMA max_page_count = 1")
    assert any(isinstance(refusal_of_fork(witness, log, f"{i}"), WitnessDiskError) for i in range(200))
    witness._store._db.execute("PRAGMA max_page_count = 4294967294")
    monkeypatch.setattr(store_module, "write_whole", _no_space)
    with pytest.raises(WitnessDiskError):
        witness.add_checkpoint(log.grow(1).request(4))
    monkeypatch.undo()
    with pytest.raises(StaleError) as refused:
        witness.add_checkpoint(log.request(4))
    assert refused.value.held == 5
    assert witness.add_checkpoint(log.request(5))
    witness.close()


def refusal_of_fork(witness: Witness, log: Branch, salt: str) -> WitnessError:
    other = log.fork(2).grow(2, salt)
    with pytest.raises(WitnessError) as refused:
        witness.add_checkpoint(other.request(4, note=other.note()))
    return refused.value


def _no_space(_files: object) -> None:
    raise OSError(28, "No space left on device")


def test_nothing_is_made_anew(used):
    before = {path.name: path.read_bytes() for path in used.folder.iterdir()}
    with pytest.raises(WitnessExistsError):
        init_witness(used.folder, NAME, ManualClock())
    (used.folder / "witness.toml").unlink()
    with pytest.raises(WitnessExistsError):
        init_witness(used.folder, NAME, ManualClock())
    del before["witness.toml"]
    assert {path.name: path.read_bytes() for path in used.folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", "two words", "with+plus"])
def test_a_name_that_cannot_sign_is_refused(tmp_path, name):
    with pytest.raises(BadKeyError):
        init_witness(tmp_path / "w", name, ManualClock())
    assert not list((tmp_path / "w").glob("*.key"))


@pytest.mark.parametrize("listen", ["", "localhost", ":1", "localhost:99999", "a b:1", "[::1"])
def test_an_address_without_host_and_port_is_refused(tmp_path, listen):
    with pytest.raises(SettingsError):
        init_witness(tmp_path / "w", NAME, ManualClock(), listen=listen)
    assert not (tmp_path / "w").exists()


def test_settings_name_their_mistakes(used):
    path = used.folder / "witness.toml"
    path.write_text('[witness]\nname = "w"\n[[log]]\nvkey = "nonsense"\n')
    with pytest.raises(BadKeyError):
        WitnessSettings.load(path)
    path.write_text('[witness]\nname = "w"\nlissten = "x"\n')
    with pytest.raises(SettingsError, match="listen"):
        WitnessSettings.load(path)


def test_keys_must_be_the_owners_alone(used):
    (used.folder / "witness.key").chmod(0o644)
    with pytest.raises(KeyFileError):
        reopened(used)
    (used.folder / "witness.key").chmod(0o600)
    shutil.copy(used.folder / "witness-pq.key", used.folder / "witness.key")
    with pytest.raises(KeyFileError):
        reopened(used)


def test_policy_lines_stand_in_a_trust_file(tmp_path):
    settings = init_witness(tmp_path / "w", NAME, ManualClock(), url="https://witness.example")
    lines = policy_lines(settings)
    policy = parse_policy(f"{lines[0]}\n{lines[1]}\ngroup both all {NAME} {NAME}-pq\nquorum both\n".encode())
    assert [key.kind for key in policy.witnesses.values()] == [4, 6]
    assert set(policy.urls.values()) == {"https://witness.example"}


def test_a_witness_loads_no_video_no_archive_no_pages():
    script = "import sys, aigaq.ledger.witness.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("aigaq.")}
    assert rooms == {"base", "ledger"}
    assert not {"av", "numpy", "obstore", "sqlalchemy", "fastapi", "cv2"} & set(loaded)
