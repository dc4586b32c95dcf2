"""Who reads what: nobody twice, no network twice, nothing that is decided; and the same draw for everyone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aigaq.recount.model import BoxReading, Outcome, Reading, Why
from aigaq.recount.people.assignment import drawn, is_gold_turn, items, order, position
from aigaq.recount.people.board import Board
from aigaq.recount.people.model import (
    Answer,
    Because,
    Given,
    Invalid,
    Item,
    Kind,
    Level,
    Policy,
    Standing,
    Status,
    machine_answer,
)

BOX = (BoxReading("x", 1, 0, 0),)
READ = Reading(1, 0, 1, "s", Outcome.AUTOMATIC, "x", endorsed=True, boxes=BOX)
X, Y = (Answer(Kind.CHOICE, "s", c) for c in "xy")
ROWS = {("s", "x"): 0, ("s", "y"): 1}


def readings(total: int, *, human: int = 0) -> list[Reading]:
    made = [replace(READ, n=n + 1) for n in range(total)]
    return [replace(r, outcome=Outcome.HUMAN, choice=None, why=(Why.FAINT,)) if r.n <= human else r for r in made]


def board(total: int = 20, **policy: object) -> Board:
    rules = Policy(**{"audit_share": 1.0, **policy})
    made = Board("seed", rules)
    made.add(items("seed", "c", readings(total), rules))
    made.name_choices(ROWS)
    return made


def test_people_read_all_that_the_machine_does_not_and_a_drawn_share_of_the_rest() -> None:
    policy = Policy(audit_share=0.1)
    found = {i.n: i for i in items("s", "c", readings(3000, human=40), policy)}
    assert set(range(1, 41)) <= set(found)
    assert 220 < len(found) - 40 < 380
    assert [*items("s", "c", readings(3000, human=40), policy)] == [*found.values()], "the draw can be repeated"
    assert {i.n for i in items("other", "c", readings(3000), policy)} != set(found), "and depends on the seed"
    assert {found[1].because, found[max(found)].because} == {Because.MACHINE, Because.AUDIT}
    assert found[1].machine is None
    assert found[max(found)].machine == X


@pytest.mark.parametrize(
    ("change", "because", "level", "machine"),
    [
        ({"same_as": 1}, Because.REPEAT, Level.BOXES, Answer(Kind.REPEAT)),
        ({"outcome": Outcome.FLAGGED, "why": (Why.SEVERAL,)}, Because.MACHINE, Level.BOXES, "several"),
        ({"outcome": Outcome.FLAGGED, "why": (Why.NONE,)}, Because.MACHINE, Level.WHOLE, "none"),
        ({"outcome": Outcome.FLAGGED, "why": (Why.FORM,)}, Because.MACHINE, Level.WHOLE, "form"),
        ({"outcome": Outcome.HUMAN, "why": (Why.UNKNOWN_SHEET,), "style": None}, Because.MACHINE, Level.WHOLE, None),
        ({"outcome": Outcome.HUMAN, "why": (Why.HIDDEN,)}, Because.MACHINE, Level.BOXES, None),
        ({"outcome": Outcome.HUMAN, "why": (Why.HIDDEN,), "endorsed": False}, Because.MACHINE, Level.WHOLE, None),
        ({"outcome": Outcome.HUMAN, "why": (Why.BLURRED,), "boxes": ()}, Because.MACHINE, Level.WHOLE, None),
    ],
)
def test_what_people_are_shown_follows_from_what_the_machine_saw(change, because, level, machine) -> None:
    reading = replace(READ, choice=None if "outcome" in change else "x", **change)
    [item] = items("s", "c", [reading], Policy(audit_share=0))
    assert (item.because, item.level) == (because, level)
    assert item.machine == (Answer(Kind.INVALID, invalid=Invalid(machine)) if isinstance(machine, str) else machine)
    assert machine_answer(reading) == item.machine
    assert not item.sure


def test_the_draw_is_even() -> None:
    places = np.array([position("s", str(n)) for n in range(50)], np.uint64)
    first = np.bincount([int(np.argmin(order("s", f"viewer {v}", places))) for v in range(5000)], minlength=50)
    expected = 100
    assert ((first - expected) ** 2 / expected).sum() < 85.4, "chi square, 49 degrees of freedom, 0.1 %"
    assert sum(drawn(0.05, "x", str(n)) for n in range(20_000)) == pytest.approx(1000, abs=130)
    assert sum(is_gold_turn("s", f"{v}", t, Policy()) for v in range(200) for t in range(10)) == pytest.approx(
        800, abs=90
    )


def test_each_viewer_has_another_order_and_keeps_it() -> None:
    def path(name: str) -> list[int]:
        made = board(30, gold_share=0, trial_gold_share=0)
        made.meet(name)
        return [turn.item.n for turn in iter(lambda: made.ask(name, 0), None)]

    assert path("ann") == path("ann")
    assert path("ann") != path("bob")
    assert sorted(path("ann")) == [*range(1, 31)], "and comes to an end"


def test_a_question_is_kept_for_whom_it_was_asked_until_it_lapses() -> None:
    made = board(1, lease_s=60)
    for name in ("a", "b", "c"):
        made.meet(name)
    assert made.ask("a", 0)
    assert made.ask("b", 0)
    assert made.ask("c", 59_999) is None, "two are asked: a third must wait"
    assert made.ask("c", 60_000)
    assert made.ask("a", 60_000) is None, "nobody is asked again"


def test_one_network_answers_once() -> None:
    made = board(1)
    for name, network in (("a", "n1"), ("b", "n1"), ("c", "n2")):
        made.meet(name, network=network)
    assert made.ask("a", 0)
    assert made.ask("b", 0) is None
    assert made.ask("c", 0)
    together = board(1, networks_apart=False)
    for name in "ab":
        together.meet(name, network="n1")
    assert together.ask("a", 0)
    assert together.ask("b", 0)


def reply(made: Board, name: str, item: Item, answer: Answer, level: Level = Level.BOXES, **more: bool) -> None:
    made.answer(item.id, Given(name, answer, level, **more))


def test_honest_viewers_become_proven_and_decide_while_a_liar_is_set_aside() -> None:
    made = board(40)
    names = ["a", "b", "c", "d", "liar"]
    for name in names:
        made.meet(name)
    for _ in range(60):
        for name in names:
            if turn := made.ask(name, 0):
                reply(made, name, turn.item, Y if name == "liar" else X)
    assert [made.viewer(n).standing for n in names[:4]] == [Standing.PROVEN] * 4
    assert made.viewer("liar").standing is Standing.GOLD_FAILED
    assert {r.answer for r in made.readings("c")} == {X}
    assert made.progress().read == 40
    assert made.progress().set_aside == 1


def test_those_whose_boxes_tell_nothing_wait_for_accredited_readers() -> None:
    policy = Policy(audit_share=0)
    made = Board("seed", policy)
    made.add(items("seed", "c", [replace(READ, outcome=Outcome.FLAGGED, choice=None, why=(Why.NONE,))], policy))
    made.meet("anyone")
    assert made.ask("anyone", 0) is None
    assert made.progress().accredited_only == 1
    for name in ("r1", "r2"):
        made.meet(name, accredited=True)
        turn = made.ask(name, 0)
        assert turn
        assert turn.level is Level.WHOLE
        reply(made, name, turn.item, Answer(Kind.INVALID, invalid=Invalid.NONE), Level.WHOLE)
    assert made.readings("c")[0].status is Status.AGREED
    open_to_all = Board("seed", policy, whole_for=Level.WHOLE)
    open_to_all.add([turn.item])
    open_to_all.meet("anyone")
    assert open_to_all.ask("anyone", 0)


def test_adjudication_is_for_accredited_readers_who_have_not_answered() -> None:
    made = board(1, most=2)
    for name in ("r1", "r2", "r3"):
        made.meet(name, accredited=True)
    made.meet("stranger")
    first = made.ask("r1", 0)
    assert first
    reply(made, "r1", first.item, X, Level.WHOLE)
    reply(made, "r2", first.item, Y, Level.WHOLE)
    assert made.verdict(first.item.id).status is Status.ADJUDICATE
    assert made.ask("r3", 0) is None, "it is no plain question any more"
    assert made.ask("stranger", 0, adjudicate=True) is None
    assert made.ask("r1", 0, adjudicate=True) is None
    turn = made.ask("r3", 0, adjudicate=True)
    assert turn
    assert turn.adjudicates
    reply(made, "r3", turn.item, X, Level.WHOLE, adjudicates=True)
    assert made.readings("c")[0].status is Status.ADJUDICATED


def test_a_corrected_answer_takes_the_place_of_the_first() -> None:
    made = board(1)
    for name in "ab":
        made.meet(name, accredited=True)
    turn = made.ask("a", 0)
    assert turn
    reply(made, "a", turn.item, Y, Level.WHOLE)
    reply(made, "b", turn.item, X, Level.WHOLE)
    assert made.verdict(turn.item.id).status is Status.OPEN
    reply(made, "a", turn.item, X, Level.WHOLE)
    assert made.verdict(turn.item.id).answer == X
    assert made.progress().answers == 2


def test_those_who_fall_out_of_line_are_set_aside_and_their_ballots_reopened() -> None:
    made = board(200, trial_gold_share=0, gold_share=0)
    honest = [f"h{n}" for n in range(12)]
    for name in honest:
        made.meet(name, accredited=True)
    made.meet("liar", accredited=True)
    for _ in range(40):
        for name in [*honest, "liar"]:
            if turn := made.ask(name, 0):
                reply(made, name, turn.item, Y if name == "liar" else X)
    made.weigh()
    assert made.viewer("liar").standing.set_aside
    assert not [n for n in honest if made.viewer(n).standing.set_aside]
    assert all(r.answer != Y for r in made.readings("c"))


class Crowd(RuleBasedStateMachine):
    """Any order of asking, answering, correcting and waiting keeps the promises of the board."""

    @initialize(whole=st.booleans(), apart=st.booleans(), lead=st.integers(1, 3))
    def begin(self, *, whole: bool, apart: bool, lead: int) -> None:
        policy = Policy(audit_share=1, networks_apart=apart, lead=lead, lease_s=30, min_gold=1)
        self.board = Board("s", policy, whole_for=Level.WHOLE if whole else Level.BOXES)
        self.board.add(items("s", "c", readings(6, human=3), policy))
        self.board.name_choices(ROWS)
        self.now = 0
        self.asked: dict[tuple[str, str], Level] = {}
        for n in range(6):
            self.board.meet(f"v{n}", network=f"n{n // 2}", accredited=n % 3 == 0)

    @rule(viewer=st.integers(0, 5), adjudicate=st.booleans(), seconds=st.integers(0, 20))
    def ask(self, viewer: int, adjudicate: bool, seconds: int) -> None:
        self.now += seconds * 1000
        name = f"v{viewer}"
        turn = self.board.ask(name, self.now, adjudicate=adjudicate)
        if turn is None:
            return
        item = turn.item.id
        assert (name, item) not in self.asked, "nobody is asked twice"
        if not turn.gold:
            assert not self.board.verdict(item).status.closed
            network = self.board.viewer(name).network
            others = [n for n, i in self.asked if i == item and n != name]
            assert not network or network not in {self.board.viewer(n).network for n in others}
        assert turn.level is self.board.level_for(self.board.viewer(name))
        assert self.board.verdict(item).level is Level.BOXES or turn.level is Level.WHOLE
        self.asked[name, item] = turn.level

    @rule(data=st.data(), answer=st.sampled_from([X, Y, Answer(Kind.UNREADABLE), Answer(Kind.REPEAT)]))
    def answer(self, data: st.DataObject, answer: Answer) -> None:
        if self.asked:
            name, item = data.draw(st.sampled_from(sorted(self.asked)))
            self.board.answer(item, Given(name, answer, self.asked[name, item]))

    @rule()
    def weigh(self) -> None:
        self.board.weigh()

    @invariant()
    def decided_only_by_proven_viewers_who_agree(self) -> None:
        if not hasattr(self, "board"):
            return
        for name in [i for _, i in self.asked]:
            verdict = self.board.verdict(name)
            if verdict.status is Status.AGREED:
                assert verdict.answer
                alike = [g for g in self.board.given(name).values() if g.answer.says == verdict.answer.says]
                proven = [g for g in alike if self.board.viewer(g.viewer).standing is Standing.PROVEN]
                assert len(proven) >= self.board.policy.lead

    @invariant()
    def records_are_what_a_fresh_look_would_find(self) -> None:
        if not hasattr(self, "board"):
            return
        for viewer in self.board.viewers():
            assert viewer.record.gold_right >= 0
            assert viewer.record.gold_wrong >= 0
            known = self.board.known(viewer.name)
            assert (viewer.record.gold_right, viewer.record.gold_wrong) == (sum(known), len(known) - sum(known))


TestCrowd = Crowd.TestCase
TestCrowd.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50), st.text(max_size=10))
def test_ranks_are_all_different(places: list[int], viewer: str) -> None:
    ranks = order("s", viewer, np.array(sorted(set(places)), np.uint64))
    assert len(set(ranks.tolist())) == len(set(places))
