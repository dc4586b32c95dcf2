"""Machine, people and protocol side by side: hand-made counts whose every figure can be counted on fingers."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recount.truth_folder import count_of_truth, truth

from aigaq.recount.claims import claims_of, read_claims
from aigaq.recount.errors import ClaimsError
from aigaq.recount.intervals import clopper_pearson, upper_bound
from aigaq.recount.model import Gap, GapKind
from aigaq.recount.people.model import Answer, Because, Invalid, Kind, PeopleReading, Status
from aigaq.recount.tally import Claimed, Contest, ContestTally, tally
from aigaq.recount.tally_view import check_claims, contests_of

PARTY = Contest("party-list", frozenset({"party-list"}), ("choice-1", "choice-2", "choice-3"))


def one_tally(
    *shown: str | None, people: Iterable[PeopleReading] = (), gaps: tuple[Gap, ...] = (), **claimed: Any
) -> ContestTally:
    count = replace(count_of_truth(truth(*shown)), gaps=gaps)
    claims = [Claimed("party-list", **claimed)] if claimed else []
    (only,) = tally(count, [PARTY], people=people, claimed=claims)
    return only


def said(n: int, code: Answer, *, status: Status = Status.AGREED, because: Because = Because.MACHINE) -> PeopleReading:
    return PeopleReading(n, status, code, because, counted=2, given=2, machine=None)


def choice(n: int) -> Answer:
    return Answer(Kind.CHOICE, "party-list", f"choice-{n}")


def spans(one: ContestTally) -> dict[str | None, tuple[int, int]]:
    return {line.choice: (line.low, line.high) for line in one.lines}


def test_a_plain_count_that_agrees() -> None:
    one = one_tally("1", "2", "2", ballots=3, invalid=0, votes={"choice-1": 1, "choice-2": 2, "choice-3": 0})
    assert spans(one) == {"choice-1": (1, 1), "choice-2": (2, 2), "choice-3": (0, 0), None: (0, 0)}
    assert one.completeness.whole
    assert not one.differs
    assert [one.discrepancy(line) for line in one.lines] == [0, 0, 0, 0]
    assert (one.coverage.hits, one.coverage.trials) == (3, 3)


def test_what_nobody_settled_widens_every_line_and_hides_no_difference() -> None:
    one = one_tally("1", "hidden", "several", ballots=3, invalid=1, votes={"choice-1": 1, "choice-2": 1})
    assert spans(one) == {"choice-1": (1, 3), "choice-2": (0, 2), "choice-3": (0, 2), None: (0, 2)}
    assert one.open == (2, 3)
    assert not one.differs
    worse = one_tally("1", "hidden", "several", votes={"choice-1": 0, "choice-2": 3})
    assert [worse.discrepancy(line) for line in worse.lines] == [-1, 1, None, None]
    assert worse.differs


def test_people_settle_and_overrule_the_machine() -> None:
    people = [said(2, choice(1)), said(3, Answer(Kind.INVALID, invalid=Invalid.SEVERAL)), said(1, choice(2))]
    one = one_tally("1", "hidden", "several", people=people)
    assert spans(one) == {"choice-1": (1, 1), "choice-2": (1, 1), "choice-3": (0, 0), None: (1, 1)}
    assert one.open == ()
    by = {line.choice: line for line in one.lines}
    assert by["choice-1"].machine == (1,)
    assert by["choice-1"].people == (2,)
    assert by["choice-2"].settled == (1,)


@pytest.mark.parametrize("status", [Status.ADJUDICATE, Status.DISPUTED])
def test_an_automatic_ballot_over_which_people_differ_is_open(status: Status) -> None:
    odds = PeopleReading(1, status, None, Because.AUDIT, counted=4, given=4, machine=choice(1))
    assert one_tally("1", "2", people=[odds]).open == (1,)


def test_what_people_cannot_read_is_open_too() -> None:
    assert one_tally("1", "2", people=[said(1, Answer(Kind.UNREADABLE))]).open == (1,)


def test_repeats_are_counted_once_and_stay_possible_until_people_confirm() -> None:
    doubtful = one_tally("1", "2", "1=0", ballots=2)
    assert doubtful.completeness.repeats == (3,)
    assert (doubtful.completeness.low, doubtful.completeness.high) == (2, 3)
    assert spans(doubtful)["choice-1"] == (1, 2)
    assert spans(doubtful)["choice-2"] == (1, 1), "the repeated sheet is known to be choice 1"
    sure = one_tally("1", "2", "1=0", people=[said(3, Answer(Kind.REPEAT), because=Because.REPEAT)])
    assert (sure.completeness.low, sure.completeness.high) == (2, 2)
    denied = one_tally("1", "2", "1=0", people=[said(3, choice(1), because=Because.REPEAT)])
    assert spans(denied)["choice-1"] == (2, 2)
    assert denied.completeness.repeats == ()


def test_a_sheet_of_no_known_style_may_belong_to_any_contest() -> None:
    one = one_tally("1", "other", "back")
    assert one.completeness.unknown == (2, 3)
    assert (one.completeness.low, one.completeness.high) == (1, 3)
    assert spans(one)["choice-3"] == (0, 2)
    known = one_tally("1", "other", people=[said(2, choice(3))])
    assert known.completeness.unknown == ()
    assert spans(known)["choice-3"] == (1, 1)


@pytest.mark.parametrize(("ballots", "unseen", "surplus", "whole"), [
    (2, 0, 0, True), (5, 3, 0, False), (1, 0, 1, False), (None, 0, 0, None),
])  # fmt: skip
def test_completeness_comes_first(ballots: int | None, unseen: int, surplus: int, whole: bool | None) -> None:
    complete = one_tally("1", "2", ballots=ballots, votes={"choice-1": 1}).completeness
    assert (complete.unseen, complete.surplus, complete.whole) == (unseen, surplus, whole)


@pytest.mark.parametrize(("kind", "whole"), [(GapKind.ACTIVITY, True), (GapKind.MISSING, False),
                                             (GapKind.LOOPED, False), (GapKind.DAMAGED, False)])  # fmt: skip
def test_missing_footage_is_never_complete(kind: GapKind, whole: bool) -> None:
    assert one_tally("1", ballots=1, gaps=(Gap(0, 1, kind),)).completeness.whole is whole


def test_ballots_that_were_not_shown_may_stand_behind_a_larger_claim() -> None:
    one = one_tally("1", ballots=3, votes={"choice-1": 3, "choice-2": 4})
    assert [one.discrepancy(line) for line in one.lines] == [0, 2, None, None]


def test_the_audit_counts_only_what_the_public_draw_chose() -> None:
    drawn = [said(1, choice(1), because=Because.AUDIT), said(2, choice(1), because=Because.AUDIT)]
    one = one_tally("1", "2", "hidden", people=[*drawn, said(3, choice(1))])
    assert (one.audit.hits, one.audit.trials) == (1, 2)


def test_disagreements_name_their_ballot() -> None:
    wrong = PeopleReading(1, Status.AGREED, choice(2), Because.AUDIT, counted=2, given=2, machine=choice(1))
    right = PeopleReading(2, Status.AGREED, choice(2), Because.AUDIT, counted=2, given=2, machine=choice(2))
    (found,) = one_tally("1", "2", people=[wrong, right]).disagreements
    assert (found.n, found.machine, found.people) == (1, choice(1), choice(2))


words = st.lists(st.sampled_from(["1", "2", "3", "several", "none", "hidden", "back", "other", None]), max_size=12)


@given(words, st.data())
def test_the_truth_is_never_outside_what_was_observed(shown: list[str | None], data: st.DataObject) -> None:
    """Whatever people have settled so far, a protocol that tells the truth never differs."""
    answers = {
        "several": Answer(Kind.INVALID, invalid=Invalid.SEVERAL),
        "none": Answer(Kind.INVALID, invalid=Invalid.NONE),
    }
    people, votes, invalid = list[PeopleReading](), dict.fromkeys(PARTY.choices, 0), 0
    for n, word in enumerate(shown, 1):
        plain = word in {"1", "2", "3"}
        answer = choice(int(word)) if plain and word else answers.get(word or "none", choice(1))
        if answer.kind is Kind.CHOICE:
            votes[answer.choice] += 1
        else:
            invalid += 1
        if data.draw(st.booleans()):
            people.append(said(n, answer))
    one = one_tally(*shown, people=people, ballots=len(shown), invalid=invalid, votes=votes)
    assert not one.differs
    assert one.completeness.whole
    assert sum(line.low for line in one.lines) <= len(shown)


# --- figures of the protocol ---

TOML = """
format = 1
[contests.party-list]
ballots = 3
invalid = 1
[contests.party-list.votes]
choice-1 = 2
"""


def test_claims_of_a_file_and_of_words_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(TOML)
    (tmp_path / "p.json").write_text(
        '{"format": 1, "contests": {"party-list": {"ballots": 3, "invalid": 1, "votes": {"choice-1": 2}}}}'
    )
    expected = (Claimed("party-list", 3, 1, {"choice-1": 2}),)
    assert read_claims(tmp_path / "p.toml") == read_claims(tmp_path / "p.json") == expected
    assert claims_of(["party-list.ballots=3", "party-list.invalid=1", "party-list.votes.choice-1=2"]) == expected


@pytest.mark.parametrize("text", [
    "", "format = 2", "format = 1\ncontests = 3", "format = 1\n[contests.a]\nballots = -1", "\x00",
    "format = 1\n[contests.a]\nballots = 1.5", "format = 1\n[contests.a]\nballots = true",
    "format = 1\n[contests.a]\nvalid = 1", "format = 1\n[contests.'A b']\nballots = 1",
    "format = 1\n[contests.a]\nvotes = 3", "format = 1\n[contests.a.votes]\nx = 'many'", "a = " + "[" * 3000,
])  # fmt: skip
def test_wrong_claims_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(ClaimsError):
        read_claims(tmp_path / "p.toml")


@pytest.mark.parametrize("word", ["party-list=3", "party-list.votes=3", "a.ballots=-1", "a.ballots=1e3", "", "a.b.c=1"])
def test_wrong_words_are_refused(word: str) -> None:
    with pytest.raises(ClaimsError):
        claims_of([word])


def test_a_figure_given_twice_or_of_a_stranger_is_refused() -> None:
    with pytest.raises(ClaimsError, match="twice"):
        claims_of(["a.ballots=1", "a.ballots=2"])
    contests = contests_of(count_of_truth(truth("1")), {})
    assert [c.choices for c in contests] == [PARTY.choices]
    for wrong in (Claimed("mayor"), Claimed("party-list", votes={"choice-9": 1})):
        with pytest.raises(ClaimsError):
            check_claims([wrong], contests)
    with pytest.raises(ClaimsError, match="twice"):
        check_claims([Claimed("party-list"), Claimed("party-list")], contests)


# --- intervals ---


def test_intervals_are_the_published_ones() -> None:
    """Clopper and Pearson 1934; research report: 0 of 2,995 is below 0.1 %, 1 of 1,812 below 0.26 % (one-sided)."""
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-5)
    assert clopper_pearson(3, 10) == pytest.approx((0.06674, 0.65245), abs=1e-5)
    assert clopper_pearson(10, 10) == pytest.approx((0.69150, 1.0), abs=1e-5)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert upper_bound(0, 2995) < 0.001 < upper_bound(0, 2994)
    assert upper_bound(1, 1812) == pytest.approx(0.0026, abs=5e-5)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_lies_in_its_interval(hits: int, more: int) -> None:
    low, high = clopper_pearson(hits, hits + more)
    assert 0 <= low <= (hits / (hits + more) if hits + more else 0.5) <= high <= 1
