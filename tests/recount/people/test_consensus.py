"""Against published figures and another implementation: Dawid and Skene 1979, Krippendorff 2011, crowd-kit 1.4.2."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.recount.people.consensus import (
    Ballots,
    Record,
    agreement_share,
    at_least,
    cohen_kappa,
    dawid_skene,
    judge,
    known_answer,
    krippendorff_alpha,
    odds_with_others,
    standing,
)
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
    parse_answer,
)

ORACLE = Path(__file__).with_name("crowd_kit.json")

ANAESTHETISTS = {
    0: "131222132242121111222222112111131224223111212"
    "131222232342122111222222113111131223233112322"
    "132222232242121111222221112112131223123111212",
    1: "142333232243131211212232112111131234233112212",
    2: "131123142243121111232222112111121223224111212",
    3: "132222132244111111222222112112131234333111212",
    4: "142122133343121111122122112111131223232111212",
}
"""Dawid and Skene, table 1: 45 patients; the first anaesthetist saw each three times."""

KRIPPENDORFF = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def table(rows: dict[int, str] | tuple[str, ...], patients: int, classes: int) -> Ballots:
    found = [
        (n % patients, viewer, int(label) - 1)
        for viewer, labels in (rows.items() if isinstance(rows, dict) else enumerate(rows))
        for n, label in enumerate(labels)
        if label != "."
    ]
    items, viewers, labels = np.array(found).T
    return Ballots(items, viewers, labels, classes)


def test_dawid_and_skene_get_the_figures_of_their_paper() -> None:
    found = dawid_skene(table(ANAESTHETISTS, 45, 4))
    assert found.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert found.confusion[0].round(2).tolist() == [
        [0.89, 0.11, 0.0, 0.0],
        [0.07, 0.88, 0.05, 0.0],
        [0.0, 0.34, 0.66, 0.0],
        [0.0, 0.0, 0.56, 0.44],
    ]


def test_dawid_skene_agrees_with_crowd_kit() -> None:
    oracle = json.loads(ORACLE.read_text())
    items, viewers, labels = np.array(oracle["answers"]).T
    found = dawid_skene(Ballots(items, viewers, labels, 4), rounds=oracle["rounds"], tolerance=0)
    np.testing.assert_allclose(found.posterior, oracle["posterior"], atol=1e-8)
    np.testing.assert_allclose(found.prior, oracle["priors"], atol=1e-8)
    diagonal = np.einsum("vkk->vk", found.confusion)
    np.testing.assert_allclose(diagonal, [oracle["accuracy_of_true"][str(v)] for v in range(12)], atol=1e-8)


def test_krippendorff_gets_the_figure_of_his_paper() -> None:
    ballots = table(KRIPPENDORFF, 12, 5)
    assert krippendorff_alpha(ballots) == pytest.approx(0.743, abs=5e-4)
    assert agreement_share(ballots) == (8, 11)


def test_alpha_is_one_where_all_agree_and_none_where_nothing_differs() -> None:
    assert krippendorff_alpha(table(("12", "12"), 2, 2)) == 1
    assert krippendorff_alpha(table(("11", "11"), 2, 2)) is None
    assert krippendorff_alpha(table(("12",), 2, 2)) is None


def test_kappa_of_a_two_by_two_table() -> None:
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([]) is None
    assert cohen_kappa([("y", "y")]) is None


@given(st.integers(1, 40), st.integers(0, 40), st.floats(0.01, 0.5))
def test_tail_is_a_probability_that_falls(of: int, wrong: int, rate: float) -> None:
    tail = at_least(min(wrong, of), of, rate)
    assert 0 <= tail <= 1
    assert at_least(min(wrong, of) + 1, of, rate) <= tail + 1e-12
    assert at_least(1, of, rate) == pytest.approx(1 - (1 - rate) ** of)


def test_tail_of_very_many() -> None:
    assert at_least(200, 5000, 0.05) > 0.99
    assert at_least(400, 5000, 0.05) < 1e-9


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=80),
    st.sampled_from([0.0, 4.0]),
)
def test_estimates_are_probabilities(answers: list[tuple[int, int, int]], hold: float) -> None:
    items = np.unique([a[0] for a in answers], return_inverse=True)[1]
    ballots = Ballots(items, np.array([a[1] for a in answers]), np.array([a[2] for a in answers]), 3)
    found = dawid_skene(ballots, hold=hold, rounds=20)
    for probabilities in (found.posterior, found.prior, found.confusion):
        np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)
        assert (probabilities >= 0).all()
    odds, told = odds_with_others(ballots, found)
    assert (odds <= told + 1e-9).all()
    assert told.sum() <= len(answers)


def crowd(seed: int, hostile: int, viewers: int = 40, ballots: int = 400) -> tuple[Ballots, np.ndarray]:
    """Three honest or hostile answers to each ballot; the hostile always name choice 0."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 5, ballots)
    rows = []
    for item in range(ballots):
        for viewer in random.choice(viewers, 3, replace=False):
            slip = random.random() < 0.01
            rows.append((item, viewer, 0 if viewer < hostile else random.integers(0, 5) if slip else truth[item]))
    items, who, labels = np.array(rows).T
    return Ballots(items, who, labels, 5), truth


def test_hostile_viewers_stand_out_from_honest_ones() -> None:
    for seed in range(5):
        ballots, _ = crowd(seed, hostile=4)
        odds, told = odds_with_others(ballots, dawid_skene(ballots, hold=4.0))
        found = [standing(Record(odds=o, told=t), Policy()) for o, t in zip(odds, told, strict=True)]
        assert all(s is Standing.DISAGREES for s in found[:4])
        assert not any(s.set_aside for s in found[4:])


def item(level: Level = Level.BOXES, *, sure: bool = False) -> Item:
    return Item("0" * 16, "c", 1, "s", Because.AUDIT, level, X if sure else None, sure)


X, Y = (Answer(Kind.CHOICE, "s", c) for c in "xy")
NONE, SEVERAL = (Answer(Kind.INVALID, invalid=i) for i in (Invalid.NONE, Invalid.SEVERAL))
BLIND = Answer(Kind.UNREADABLE)


def said(*answers: Answer, level: Level = Level.BOXES, rulings: tuple[Answer, ...] = ()) -> list[Given]:
    people = [Given(f"v{n}", a, level) for n, a in enumerate(answers)]
    return people + [Given(f"r{n}", a, Level.WHOLE, adjudicates=True) for n, a in enumerate(rulings)]


def verdict(answers: list[Given], of: Item | None = None, proven: str = "vr"):
    standings = {g.viewer: Standing.PROVEN for g in answers if g.viewer[0] in proven}
    return judge(of or item(), answers, standings, Policy())


def test_two_who_agree_decide_and_one_does_not() -> None:
    assert verdict(said()).wanted == 2
    assert verdict(said(X)) == verdict(said(Y))
    assert verdict(said(X)).wanted == 1
    found = verdict(said(X, X))
    assert (found.status, found.answer, found.wanted) == (Status.AGREED, X, 0)


def test_two_who_differ_call_others_until_one_answer_leads_by_two() -> None:
    assert (verdict(said(X, Y)).status, verdict(said(X, Y)).wanted) == (Status.OPEN, 2)
    assert (verdict(said(X, Y, X)).status, verdict(said(X, Y, X)).wanted) == (Status.OPEN, 1)
    assert verdict(said(X, Y, X, X)).answer == X
    assert verdict(said(X, Y, X, Y)).wanted == 1, "never more than five"
    assert verdict(said(X, Y, X, Y, X)).status is Status.ADJUDICATE


def test_an_adjudicator_rules_and_two_who_differ_leave_it_disputed() -> None:
    split = (X, Y, X, Y, X)
    assert verdict(said(*split, rulings=(Y,))).answer == Y
    assert verdict(said(*split, rulings=(Y,))).status is Status.ADJUDICATED
    disputed = verdict(said(*split, rulings=(Y, X)))
    assert (disputed.status, disputed.answer) == (Status.DISPUTED, None)


def test_strangers_and_those_set_aside_do_not_count() -> None:
    assert verdict(said(X, X, X), proven="").wanted == 2
    assert verdict(said(X, X, X), proven="").counted == 0


def test_boxes_alone_do_not_tell_that_a_mark_is_nowhere() -> None:
    found = verdict(said(NONE, NONE))
    assert (found.status, found.level, found.counted) == (Status.OPEN, Level.WHOLE, 0)
    assert verdict(said(SEVERAL, SEVERAL)).answer == SEVERAL
    assert verdict(said(NONE, X, X)).answer == X, "who saw a mark in a box saw it"
    assert verdict(said(BLIND, NONE, level=Level.WHOLE)).wanted == 2
    assert verdict(said(NONE, NONE, level=Level.WHOLE)).answer == NONE


def test_grounds_of_invalidity_need_not_be_agreed() -> None:
    assert verdict(said(NONE, SEVERAL, level=Level.WHOLE)).answer in {NONE, SEVERAL}
    assert verdict(said(SEVERAL, NONE, level=Level.WHOLE)) == verdict(said(NONE, SEVERAL, level=Level.WHOLE))


def test_what_is_known_needs_machine_and_people_or_accredited_readers() -> None:
    def known(answers: list[Given], of: Item, accredited: str = "") -> Answer | None:
        return known_answer(of, answers, verdict(answers, of), frozenset(accredited.split()))

    sure = item(sure=True)
    assert known(said(X), sure) is None
    assert known(said(X, X), sure) == X
    assert known(said(X, X, Y), sure) is None, "it is known again when more agree"
    assert known(said(X, X, Y, X), sure) == X
    assert known(said(Y, Y, Y, Y, Y), sure) is None, "the machine may be wrong: then nothing is known"
    assert known(said(*[X] * 50), item()) is None, "strangers among themselves make nothing known"
    assert known(said(X, X), item(), "v0 v1") == X
    assert known(said(X, Y, X, Y, X, rulings=(Y,)), item()) == Y


def test_standings() -> None:
    def of(**facts: float) -> Standing:
        return standing(Record(**facts), Policy())

    assert of() is Standing.UNPROVEN
    assert of(gold_right=2) is Standing.PROVEN
    assert of(accredited=True) is Standing.PROVEN
    assert of(gold_right=3, gold_wrong=1) is Standing.UNPROVEN
    assert of(gold_right=4, gold_wrong=1) is Standing.PROVEN
    assert of(gold_right=1, gold_wrong=2, accredited=True) is Standing.GOLD_FAILED
    assert of(gold_right=100, gold_wrong=3) is Standing.PROVEN
    assert of(gold_right=9, odds=6.5, told=20) is Standing.DISAGREES
    assert of(gold_right=9, odds=3.9, told=5) is Standing.PROVEN, "three slips accuse nobody"


@given(st.text(max_size=40))
def test_codes_of_answers_are_read_as_they_are_written(text: str) -> None:
    found = parse_answer(text)
    assert found is None or found.code == text


@pytest.mark.parametrize("answer", [X, NONE, SEVERAL, BLIND, Answer(Kind.REPEAT)])
def test_answers_survive_their_code(answer: Answer) -> None:
    assert parse_answer(answer.code) == answer


@pytest.mark.parametrize("code", ["", "choice:", "choice:a", "choice:/b", "invalid:", "invalid:ugly", "repeat:x", "x"])
def test_other_codes_are_no_answers(code: str) -> None:
    assert parse_answer(code) is None
