"""The desk: what is asked and answered survives a restart; strangers, floods and wrong answers do no harm."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recount.people.lab import CODES, answer_of, make_desk, make_recount, reading

from aigaq.base import ManualClock
from aigaq.recount.model import Outcome, Why
from aigaq.recount.people.desk import Asked, Desk
from aigaq.recount.people.errors import (
    BadAnswerError,
    QuestionGoneError,
    TooFastError,
    WrongCodeError,
)
from aigaq.recount.people.limits import Buckets, Limit
from aigaq.recount.people.model import Standing, Status
from aigaq.recount.people.store import AnswerStore
from aigaq.recount.people.tokens import Tokens

HERE = "192.0.2.7"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return make_recount(tmp_path_factory.mktemp("made"), {"a-1": [reading(n) for n in range(1, 13)]})


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


async def asked(desk: Desk, name: str, **how: bool) -> Asked:
    found = await desk.ask(name, HERE, **how)
    assert found
    return found


async def read(desk: Desk, name: str, code: str = answer_of(0)) -> Asked:
    desk.clock.advance(5)
    found = await asked(desk, name)
    await desk.answer(name, found.question.question, code, seconds=2)
    return found


async def test_everything_survives_a_restart(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    await desk.accredit("r1", CODES[0], HERE)
    for name in ("r1", "b", "c", "d"):
        for _ in range(6):
            await read(desk, name)
    shown, ahead = await asked(desk, "b"), await asked(desk, "b", ahead=True)
    before = desk.board.readings("a-1")
    desk.close()
    again = make_desk(home, clock)
    assert again.board.readings("a-1") == before
    assert again.viewer("r1").accredited
    assert [again.viewer(n).standing for n in "bcd"] == [desk.viewer(n).standing for n in "bcd"]
    assert again.own("b") == 6
    assert (await asked(again, "b")).question == shown.question
    assert (await asked(again, "b", ahead=True)).question == ahead.question
    assert again.viewer("b").turns == 8
    again.close()


async def test_a_question_stays_until_it_is_answered_and_one_more_may_be_loaded(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    first = await asked(desk, "a")
    assert (await asked(desk, "a")).question == first.question
    second = await asked(desk, "a", ahead=True)
    assert second.question != first.question
    assert (await asked(desk, "a", ahead=True)).question == second.question
    await desk.answer("a", first.question.question, answer_of(0))
    assert (await asked(desk, "a")).question == second.question


async def test_opening_the_page_anew_does_not_tell_which_questions_are_gold(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    for code in CODES[:3]:
        await desk.accredit(code, code, HERE)
        while question := await desk.ask(code, HERE):
            clock.advance(5)
            await desk.answer(code, question.question.question, answer_of(0))
    assert desk.progress().read == 12
    first = await asked(desk, "a")
    assert first.question.gold, "all is decided: only what is known is left to ask"
    assert (await asked(desk, "a")).question == first.question


async def test_the_last_answer_can_be_corrected_and_no_earlier_one(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    assert desk.last("a") is None
    first = await read(desk, "a")
    await desk.answer("a", first.question.question, "unreadable")
    last = desk.last("a")
    assert last
    assert (last.question, last.given) == (first.question, "unreadable")
    assert [a.answer for a in desk.answers()] == [answer_of(0), "unreadable"]
    assert desk.own("a") == 1
    await read(desk, "a")
    with pytest.raises(QuestionGoneError):
        await desk.answer("a", first.question.question, answer_of(1))


@pytest.mark.parametrize(
    "code", ["", "choice:party-list/nobody", "choice:referendum/choice-1", "invalid:", "x" * 5000, "choice:/", "\0"]
)
async def test_what_is_no_answer_is_refused(home: Path, clock: ManualClock, code: str) -> None:
    desk = make_desk(home, clock)
    question = (await asked(desk, "a")).question.question
    with pytest.raises(BadAnswerError):
        await desk.answer("a", question, code)
    assert not desk.answers()


async def test_nobody_answers_for_another(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    question = (await asked(desk, "a")).question.question
    for name, token in (("b", question), ("a", "0" * 32), ("a", "")):
        with pytest.raises(QuestionGoneError):
            await desk.answer(name, token, answer_of(0))


async def test_time_spent_is_never_more_than_passed(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    for claimed in (1e9, -5.0):
        clock.advance(7)
        question = (await asked(desk, "a")).question.question
        clock.advance(3)
        await desk.answer("a", question, answer_of(0), seconds=claimed)
    assert [a.seconds for a in desk.answers()] == [3, 0]


async def test_floods_are_held_back_and_others_are_not(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    for _ in range(40):
        await desk.ask("flood", HERE)
    with pytest.raises(TooFastError):
        await desk.ask("flood", HERE)
    await asked(desk, "patient")
    for _ in range(200):
        desk.newcomer("198.51.100.1")
    with pytest.raises(TooFastError):
        desk.newcomer("198.51.100.77")
    assert desk.newcomer("203.0.113.1")
    clock.advance(3600)
    assert await desk.ask("flood", HERE)


async def test_access_codes_are_not_guessed(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    for _ in range(10):
        with pytest.raises(WrongCodeError):
            await desk.accredit("a", "wrong-code-000", HERE)
    with pytest.raises(TooFastError):
        await desk.accredit("a", CODES[0], HERE)
    assert not desk.viewer("a").accredited
    clock.advance(120)
    await desk.accredit("a", f" {CODES[0]} ", HERE)
    assert desk.viewer("a").accredited


async def test_a_ruling_needs_its_reason(tmp_path: Path, clock: ManualClock) -> None:
    doubtful = reading(1, outcome=Outcome.HUMAN, why=(Why.FAINT,))
    desk = make_desk(make_recount(tmp_path, {"a-1": [doubtful]}), clock, most=2)
    for name, code, row in (("r1", CODES[0], 0), ("r2", CODES[1], 1)):
        await desk.accredit(name, code, HERE)
        await read(desk, name, answer_of(row))
    await desk.accredit("r3", CODES[2], HERE)
    assert await desk.ask("r3", HERE) is None
    ruling = (await asked(desk, "r3", adjudicate=True)).question.question
    for reason in ("", " ok ", "x" * 501):
        with pytest.raises(BadAnswerError):
            await desk.answer("r3", ruling, answer_of(0), reason=reason)
    await desk.answer("r3", ruling, answer_of(0), reason="the pen skipped in row 1")
    assert desk.board.readings("a-1")[0].status is Status.ADJUDICATED


async def test_strangers_alone_decide_nothing(tmp_path: Path, clock: ManualClock) -> None:
    """A crowd of new tokens that all tell the same lie, where the machine is sure of nothing."""
    doubtful = [reading(n, outcome=Outcome.HUMAN, why=(Why.FAINT,)) for n in range(1, 6)]
    desk = make_desk(make_recount(tmp_path, {"a-1": doubtful}), clock)
    for n in range(30):
        while question := await desk.ask(f"liar {n}", HERE):
            await desk.answer(f"liar {n}", question.question.question, answer_of(4))
    assert {r.status for r in desk.board.readings("a-1")} == {Status.OPEN}
    assert {v.standing for v in desk.board.viewers()} == {Standing.UNPROVEN}


async def test_counts_that_come_later_are_taken_up_and_wrong_ones_left_out(
    home: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    desk = make_desk(home, clock)
    make_recount(home, {"b-2": [reading(1), reading(2)]})
    (home / "counts" / "c-3").mkdir()
    (home / "counts" / "c-3" / "reading.json").write_text("{}")
    shutil.copytree(home / "counts" / "b-2", home / "counts" / "d-4")
    text = (home / "counts" / "d-4" / "reading.json").read_text()
    used = next(iter(desk.counts["a-1"].count.maker.styles.values()))
    (home / "counts" / "d-4" / "reading.json").write_text(text.replace(used, "0" * 64))
    assert desk.board.counts() == ["a-1"]
    clock.advance(61)
    assert await desk.ask("a", HERE), "asking looks for new counts once a minute"
    assert desk.board.counts() == ["a-1", "b-2"]
    assert desk.progress().ballots == 14
    assert "c-3 is left out" in caplog.text
    assert "d-4 is left out" in caplog.text, "it was read with a style that is not here"


async def test_a_lost_database_is_told_and_nothing_is_counted(home: Path, clock: ManualClock) -> None:
    desk = make_desk(home, clock)
    question = (await asked(desk, "a")).question
    desk.store = BrokenStore(f"sqlite:///{home / 'people.sqlite'}")
    with pytest.raises(OSError, match="gone"):
        await desk.answer("a", question.question, answer_of(0))
    assert desk.own("a") == 0
    assert not desk.board.given(question.item)


class BrokenStore(AnswerStore):
    def add_answer(self, kept) -> None:
        raise OSError("gone")


def test_tokens_are_ours_alone(tmp_path: Path) -> None:
    tokens = Tokens.open(tmp_path / "key")
    token = tokens.new()
    name = tokens.viewer(token)
    assert name
    assert Tokens.open(tmp_path / "key").viewer(token) == name, "and are known after a restart"
    assert Tokens.open(tmp_path / "other").viewer(token) is None
    assert name not in token
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    for wrong in (None, "", ".", token[:-1], token.replace(".", ""), "é" * 70, "a" * 32 + "."):
        assert tokens.viewer(wrong) is None
    assert tokens.is_form_mark(name, tokens.form_mark(name))
    assert not tokens.is_form_mark(name, "")
    assert not tokens.is_form_mark("other", tokens.form_mark(name))


def test_networks_are_households_and_not_addresses(tmp_path: Path) -> None:
    network = Tokens.open(tmp_path / "key").network
    assert network("192.0.2.1") == network("192.0.2.200") == network("::ffff:192.0.2.9")
    assert network("192.0.2.1") != network("192.0.3.1")
    assert network("2001:db8:1::1") == network("2001:db8:1:ffff::9")
    assert network("2001:db8:1::1") != network("2001:db8:2::1")
    assert network("testclient") == network("")
    assert "192" not in network("192.0.2.1")


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=200))
def test_buckets_never_give_more_than_their_limit(steps: list[tuple[int, float]]) -> None:
    buckets, now, taken = Buckets(Limit(5, 60), kept=3), 0.0, dict[str, list[float]]()
    for name, wait in steps:
        now += wait
        if buckets.take(str(name % 2), now):
            taken.setdefault(str(name % 2), []).append(now)
    for times in taken.values():
        for i, start in enumerate(times):
            within = [t for t in times[i:] if t < start + 60]
            assert len(within) <= 5 + 60 + 1
    assert len(buckets._full) <= 3
