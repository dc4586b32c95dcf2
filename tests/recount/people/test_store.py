"""What is kept comes back as it was, from both databases; and nothing is ever changed."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from aigaq.recount.people.errors import AnswersNotKeptError
from aigaq.recount.people.store import AnswerStore, KeptAlong, KeptAnswer, KeptViewer, Question, metadata

QUESTION = Question("q" * 32, "v" * 32, "i" * 16, "boxes", True, False, 1_800_000_000_000)
ANSWER = KeptAnswer(
    QUESTION.question, QUESTION.viewer, QUESTION.item, "boxes", False, "invalid:none", "", 2.5, 1_800_000_001_000
)


@pytest.fixture
def store(database: str):
    engine = sa.create_engine(database)
    metadata.drop_all(engine)
    engine.dispose()
    opened = AnswerStore(database)
    yield opened
    opened.close()


def test_what_is_kept_comes_back(store: AnswerStore, database: str) -> None:
    first, second = (KeptViewer("v" * 32, "n" * 32, code) for code in ("", "c" * 32))
    later = replace(ANSWER, answer="choice:party-list/қ", reason="екі белгі; две отметки", at_ms=ANSWER.at_ms + 1)
    store.add_viewer(first, 1)
    store.add_viewer(second, 2)
    store.add_question(QUESTION)
    store.add_answer(ANSWER)
    store.add_answer(later)
    store.add_along(KeptAlong("v" * 32, "station-1", '[[1.5,"x"]]', 3))
    for opened in (store, AnswerStore(database)):
        assert [*opened.viewers()] == [first, second]
        assert [*opened.questions()] == [QUESTION]
        assert [*opened.answers()] == [ANSWER, later], "the correction stands beside what it corrects"
        assert [a.ticks for a in opened.along("station-1")] == ['[[1.5,"x"]]']
        assert not [*opened.along("station-2")]
    opened.close()


def test_nothing_is_kept_twice_or_without_its_question(store: AnswerStore) -> None:
    with pytest.raises(AnswersNotKeptError):
        store.add_answer(ANSWER)
    store.add_question(QUESTION)
    with pytest.raises(AnswersNotKeptError):
        store.add_question(QUESTION)
    assert not [*store.answers()]


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://x", "sqlite:////no/such/folder/x.sqlite"])
def test_a_database_that_cannot_be_used_is_told(url: str) -> None:
    with pytest.raises(AnswersNotKeptError):
        AnswerStore(url)
