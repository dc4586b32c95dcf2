"""A monitor against a log and witnesses that do everything that they should not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.monitor_lab import URL, World
from tests.ledger.witness_lab import ORIGIN, Branch, cosigned, request, signing_key

from aigaq.base import LANGUAGES
from aigaq.ledger.monitor import Alarm, BadAnswerError, ForkProof, StateError, history
from aigaq.ledger.monitor.alarms import WORDS, Raised
from aigaq.ledger.monitor.state import MonitorState
from aigaq.ledger.witness import RefusedError, WitnessKeys
from aigaq_verify import Checkpoint, Note, NoteSignature


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> list[WitnessKeys]:
    folder = tmp_path_factory.mktemp("keys")
    made = []
    for i in range(4):
        (folder / str(i)).mkdir()
        made.append(WitnessKeys.create(folder / str(i), f"w{i}.example"))
    return made


@pytest.fixture
def world(tmp_path, keys):
    world = World(tmp_path, keys)
    world.grow(5)
    world.feed()
    yield world
    world.close()


@pytest.fixture(autouse=True)
def any_entry_is_a_leaf(monkeypatch):
    """The logs here hold plain bytes; what leaves mean is tested apart."""
    monkeypatch.setattr("aigaq.ledger.monitor.replay.Replay.take", lambda *_: iter(()))


def proofs(world: World) -> list[ForkProof]:
    folder = world.folder / "m"
    return [ForkProof.parse((folder / name).read_bytes()) for name in world.monitor.forks()]


def test_all_is_well(world):
    for _ in range(5):
        assert world.look() == {}
        world.grow(300)
        world.feed()
    status = world.monitor.status()
    assert status["read"] == 1205
    assert status["sources"]["witnessed"]["size"] == 1205
    assert status["alarms"] == status["forks"] == []


# ---- forks


def test_another_root_of_the_same_size(world):
    world.look()
    world.log = world.log.fork(3).grow(2, "other")
    assert world.look() == {"fork": ORIGIN}
    first, second = proofs(world)[0].verify([world.log.vkey])
    assert (first.size, second.size) == (5, 5)


def test_a_longer_history_that_leaves_out_what_was_seen(world):
    """The centre shows the other branch only later, with its tiles: these prove it."""
    world.look()
    world.log = world.log.fork(4).grow(300, "other")
    assert world.look()["fork"] == ORIGIN
    first, second = proofs(world)[0].verify([world.log.vkey])
    assert (first.size, second.size) == (5, 304)
    assert world.monitor.status()["read"] == 5, "the first branch seen is the one that is followed"


def test_a_shorter_history_that_leaves_out_what_was_seen(world):
    world.grow(300)
    world.look()
    world.log = world.log.fork(4).grow(9, "other")
    assert world.look().keys() >= {"fork", "rollback"}
    assert [c.size for c in proofs(world)[0].verify([world.log.vkey])] == [13, 305]


def test_the_monitor_is_shown_one_history_and_a_witness_another(world):
    other = world.log.fork(5).grow(3, "other")
    world.feed(0, log=other)
    world.grow(20)
    assert world.look()["fork"] == ORIGIN
    proofs(world)[0].verify([world.log.vkey])


def test_a_witness_refused_the_other_history_and_tells(world):
    """The log shows everyone one history; only a request to one witness gave the other away."""
    world.look()
    other = world.log.fork(4).grow(1, "other")
    with pytest.raises(RefusedError):
        world.witnesses["https://w2.example"].add_checkpoint(request(5, [], other.note()))
    assert world.look() == {"fork": ORIGIN}


def test_a_witness_ahead_of_what_the_log_shows_is_compared_later(world):
    """A log that always lags behind its witnesses must not escape: what they showed waits."""
    world.look()
    other = world.log.fork(5).grow(7, "other")
    world.feed(1, log=other)
    assert "fork" not in world.look()
    world.silent.add("https://w1.example")
    world.grow(7)
    assert world.look()["fork"] == ORIGIN


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(common=st.integers(0, 600), ours=st.integers(1, 300), theirs=st.integers(1, 300))
def test_no_fork_escapes_whatever_its_shape(tmp_path_factory, keys, common, ours, theirs):
    world = World(tmp_path_factory.mktemp("w"), keys)
    base = Branch().grow(common)
    world.log = base.fork(common).grow(ours, "ours")
    assert "fork" not in world.look()
    world.log = base.fork(common).grow(theirs, "theirs")
    assert world.look()["fork"] == ORIGIN
    proofs(world)[0].verify([world.log.vkey])
    world.close()


def test_an_empty_tree_with_a_root(tmp_path, keys):
    """Contradicts every checkpoint, but needs a second one to be proven."""
    world = World(tmp_path, keys)
    lie = world.log.key.sign_note(Checkpoint(ORIGIN, 0, bytes(32)).text(), ORIGIN)
    world.answers[f"{URL}/checkpoint"] = lie
    assert world.look() == {}
    world.answers.clear()
    world.grow(3)
    assert world.look() == {"fork": ORIGIN}
    assert [c.size for c in proofs(world)[0].verify([world.log.vkey])] == [0, 3]
    world.close()


def test_a_fork_is_never_forgotten(world):
    world.look()
    honest = world.log
    world.log = honest.fork(3).grow(2, "other")
    world.look()
    world.log = honest
    world.reopen()
    assert world.look() == {"fork": ORIGIN}
    assert len(world.monitor.forks()) == 1


def test_proofs_are_bounded(world):
    world.look()
    honest = world.log
    for i in range(20):
        world.log = honest.fork(3).grow(2, f"other {i}")
        world.look()
    assert len(world.monitor.forks()) == history.MAX_FORKS


# ---- going back, standing still, falling silent


def test_rollback_of_the_log(world):
    world.grow(5)
    world.look()
    world.log = world.log.fork(7)
    assert world.look() == {"rollback": f"{URL}/checkpoint"}
    assert world.facts(Alarm.ROLLBACK) == {"before": 10, "after": 7}


def test_rollback_of_a_witness(world):
    old = world.witnesses["https://w3.example"].held(ORIGIN).note
    world.grow(5)
    world.feed()
    world.look()
    address = next(url for url in world.asked if url.startswith("https://w3") and url.endswith("checkpoint"))
    world.answers[address] = old
    assert world.look() == {"witness_rollback": "w3.example"}


def test_a_stalled_log_goes_on(world):
    world.look()
    assert world.look(50) == {}
    assert world.look(20) == {"stalled": ORIGIN}
    world.grow()
    world.feed()
    assert world.look() == {}


def test_silence_is_an_alarm_after_a_while(world):
    world.look()
    world.silent |= {URL, "https://w2.example"}
    assert world.look(30) == {}
    found = world.look(40)
    assert (found["silent"], found["witness_silent"]) == (ORIGIN, "w2.example")
    world.silent.clear()
    world.grow()
    world.feed()
    assert world.look() == {}


def test_after_a_pause_nobody_is_late(world):
    world.look()
    world.monitor.close()
    world.clock.advance(86_400)
    world.monitor = world.open()
    assert world.look() == {}


def test_a_single_look_knows_since_when(world):
    """For cron: what was seen last time counts, not when the program began."""
    world.look()
    world.monitor.close()
    world.clock.advance(300)
    world.monitor = world.open(began_ms=0)
    assert world.look(0) == {"stalled": ORIGIN}


def test_quorum_lost_and_witness_behind(world):
    world.look()
    for _ in range(8):
        world.grow()
        world.feed(0, 1)
        found = world.look()
    assert found["quorum_lost"] == ORIGIN
    assert found["witness_behind"] in {"w2.example", "w3.example"}
    assert {a.subject for a in world.monitor.alarms() if a.code is Alarm.WITNESS_BEHIND} == {"w2.example", "w3.example"}
    world.feed()
    assert world.look() == {}


@pytest.mark.parametrize("off", [-7_200, 7_200])
def test_a_witness_whose_clock_is_hours_off(world, keys, off):
    world.look()
    world.grow()
    world.feed()
    address = next(url for url in world.asked if url.startswith("https://w1") and url.endswith("checkpoint"))
    lines = keys[1].cosign(world.log.text(), world.clock.utc_ns() // 10**9 + off)
    world.answers[address] = cosigned(world.log.note(), "".join(map(str, lines)).encode())
    assert world.look() == {"witness_clock": "w1.example"}
    assert abs(int(str(world.facts(Alarm.WITNESS_CLOCK)["seconds"])) - off) < 60
    del world.answers[address]
    world.grow()
    world.feed(0, 1, 2)
    assert world.look() == {}


# ---- nonsense


def stranger_signed(world: World) -> bytes:
    return signing_key(9).sign_note(world.log.text(), ORIGIN)


@pytest.mark.parametrize(
    "note", [lambda w: b"<html>", lambda w: b"", stranger_signed, lambda w: Branch(origin="x.example").grow(3).note()]
)
@pytest.mark.parametrize("source", ["checkpoint", "witnessed"])
def test_a_note_that_is_none(world, note, source):
    world.look()
    world.answers[f"{URL}/{source}"] = note(world)
    assert world.look() == {"bad_note": f"{URL}/{source}"}
    world.answers.clear()
    assert world.look() == {}


def test_witnessed_without_a_quorum_is_a_lie(world):
    world.look()
    world.answers[f"{URL}/witnessed"] = b"".join(world.witnessed.splitlines(keepends=True)[:5])
    assert world.look() == {"bad_note": f"{URL}/witnessed"}


def test_a_false_cosignature(world):
    world.look()
    note = Note.parse(world.witnessed)
    last = note.signatures[-1]
    forged = NoteSignature(last.name, last.key_id, last.value[:-1] + bytes([last.value[-1] ^ 1]))
    address = next(url for url in world.asked if url.startswith("https://w3") and url.endswith("checkpoint"))
    world.answers[address] = Note(note.text, (note.signatures[0], forged)).encode()
    if last.name == "w3.example" and len(last.value) == 72:
        assert world.look() == {"bad_note": "w3.example"}
    world.answers[address] = world.log.note()
    assert world.look() == {"bad_note": "w3.example"}


@pytest.mark.parametrize("refused", [b"", b"null", b"{}", b'[{"note": 5}]', b'[{"note": "x"}]', b"[" * 9999, b"<html>"])
def test_a_list_of_refused_notes_that_is_none(world, refused):
    world.look()
    for url in {url for url in world.asked if url.endswith("/refused")}:
        world.answers[url] = refused
    assert world.look() == {}


@pytest.mark.parametrize("kind", ["entries", "0"])
@pytest.mark.parametrize("answer", [None, b"", b"\x00", bytes(31), b"\xff\xff", bytes(32 * 6)])
def test_tiles_that_do_not_lead_to_the_checkpoint(world, monkeypatch, kind, answer):
    monkeypatch.setattr(history, "CHUNK", 1)  # then hashes are needed beside entries
    world.look()
    world.grow(2)
    for width in range(1, 10):
        world.answers[f"{URL}/tile/{kind}/000.p/{width}"] = answer
        world.answers[f"{URL}/tile/{kind}/000"] = answer
    assert world.look() == {"tiles": ORIGIN}
    assert world.monitor.status()["read"] == 5
    assert world.monitor.forks() == []
    world.answers.clear()
    assert world.look() == {}
    assert world.monitor.status()["read"] == 7


def test_an_address_that_answers_something_else(world, monkeypatch):
    world.look()
    honest = world.fetch

    def fetch(url: str, limit: int) -> bytes | None:
        if "checkpoint" in url:
            raise BadAnswerError(url=url, reason="status 500")
        return honest(url, limit)

    monkeypatch.setattr(world.monitor._sources, "_fetch", fetch)
    found = world.look(70)
    assert found["bad_note"] == f"{URL}/checkpoint"
    assert "witness_silent" in found


# ---- what is remembered


def test_catching_up_is_done_in_steps_and_survives_a_stop(world, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 100)
    world.grow(995)
    calls = {"entries": 0}
    honest = world.fetch

    def stopping(url: str, limit: int) -> bytes | None:
        calls["entries"] += "/entries/" in url
        if calls["entries"] > 5:
            raise KeyboardInterrupt
        return honest(url, limit)

    world.monitor._history._fetch = stopping
    with pytest.raises(KeyboardInterrupt):
        world.look()
    world.reopen()
    begun = world.monitor.status()["read"]
    assert 0 < begun < 1000
    assert world.look() == {}
    assert world.monitor.status()["read"] == 1000
    world.log = world.log.fork(begun - 1).grow(3, "other")
    assert world.look()["fork"] == ORIGIN


def test_a_fork_while_catching_up_is_proven_from_the_last_note(world, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 100)
    world.look()
    world.log = world.log.fork(2).grow(700, "other")
    assert world.look()["fork"] == ORIGIN
    assert [c.size for c in proofs(world)[0].verify([world.log.vkey])] == [5, 702]


def test_the_state_file_belongs_to_one_log_and_one_program(world, tmp_path):
    world.look()
    with pytest.raises(StateError):
        world.open()
    world.monitor.close()
    path = world.folder / "m" / "state.sqlite"
    with pytest.raises(StateError):
        MonitorState.open(path, "other.example/log")
    path.write_bytes(b"SQLite format 3\0" + bytes(4096))
    for stray in path.parent.glob("state.sqlite-*"):
        stray.unlink()
    with pytest.raises(StateError):
        MonitorState.open(path, ORIGIN)
    path.unlink()
    world.monitor = world.open()
    assert world.look() == {}


def test_every_alarm_speaks(world):
    facts = {
        "proof": "p",
        "before": 2,
        "after": 1,
        "problem": "x",
        "size": 3,
        "index": 4,
        "seconds": 5,
        "reason": "r",
        "since": "s",
    }
    for code in Alarm:
        words = [Raised(code, "subject", 0, facts).words(language) for language in LANGUAGES]
        assert all("{" not in said and "subject" in said for said in words)
        assert len(set(words)) == len(LANGUAGES), code
        assert code in WORDS
