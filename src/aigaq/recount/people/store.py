"""The tables of people's recount: viewers, questions, answers, counts along. Rows are added, never changed.

SQLAlchemy Core; SQLite and PostgreSQL. Who stands behind a token is not known here: tokens and networks are kept as
keyed hashes only.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from aigaq.recount.people.errors import AnswersNotKeptError

_ROW_ID: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only in an INTEGER column."""

metadata = sa.MetaData()

viewers = sa.Table(
    "recount_viewers",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("viewer", sa.String(32), nullable=False, index=True),
    sa.Column("network", sa.String(32), nullable=False),
    sa.Column("code", sa.String(32), nullable=False, comment="Hash of the access code; empty without accreditation"),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    comment="Each row is what is known of a viewer from then on",
)

questions = sa.Table(
    "recount_questions",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("question", sa.String(32), nullable=False, unique=True),
    sa.Column("viewer", sa.String(32), nullable=False, index=True),
    sa.Column("item", sa.String(16), nullable=False),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("gold", sa.Boolean, nullable=False),
    sa.Column("adjudicates", sa.Boolean, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)

answers = sa.Table(
    "recount_answers",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("question", sa.String(32), sa.ForeignKey(questions.c.question), nullable=False, index=True),
    sa.Column("answer", sa.String(160), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    comment="A corrected answer is a new row; the newest of a question counts",
)

along = sa.Table(
    "recount_along",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("viewer", sa.String(32), nullable=False),
    sa.Column("count", sa.String(64), nullable=False, index=True),
    sa.Column("ticks", sa.Text, nullable=False, comment="JSON: [[second, answer], …]"),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Question:
    """One ballot, put to one viewer."""

    question: str
    viewer: str
    item: str
    level: str
    gold: bool
    adjudicates: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class KeptViewer:
    """What was last known of a viewer."""

    viewer: str
    network: str
    code: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, with what it answers."""

    question: str
    viewer: str
    item: str
    level: str
    adjudicates: bool
    answer: str
    reason: str
    seconds: float
    at_ms: int


@dataclass(frozen=True, slots=True)
class KeptAlong:
    """A citizen's own count of a film."""

    viewer: str
    count: str
    ticks: str
    at_ms: int


class AnswerStore:
    """Adds rows, reads them back. Every call commits before it returns; threads may share it."""

    def __init__(self, url: str) -> None:
        """Open, and make the tables where there are none.

        Args:
            url: Of SQLAlchemy: `sqlite:///…` or `postgresql+psycopg://…`.

        Raises:
            AnswersNotKeptError: the database cannot be used.
        """
        self._lock = threading.Lock()
        with _told():
            lite = url.startswith("sqlite")
            self._engine = sa.create_engine(url, connect_args={"check_same_thread": False} if lite else {})
            if lite:
                event.listen(self._engine, "connect", _tune)
            metadata.create_all(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add_viewer(self, viewer: KeptViewer, at_ms: int) -> None:
        """Keep what is known of a viewer from now on."""
        self._add(viewers, viewer=viewer.viewer, network=viewer.network, code=viewer.code, at_ms=at_ms)

    def add_question(self, question: Question) -> None:
        """Keep that a ballot was put to a viewer."""
        self._add(
            questions,
            question=question.question,
            viewer=question.viewer,
            item=question.item,
            level=question.level,
            gold=question.gold,
            adjudicates=question.adjudicates,
            at_ms=question.at_ms,
        )

    def add_answer(self, kept: KeptAnswer) -> None:
        """Keep an answer; one that corrects another stands beside it."""
        told = {"answer": kept.answer, "reason": kept.reason, "seconds": kept.seconds, "at_ms": kept.at_ms}
        self._add(answers, question=kept.question, **told)

    def add_along(self, kept: KeptAlong) -> None:
        """Keep a citizen's own count."""
        self._add(along, viewer=kept.viewer, count=kept.count, ticks=kept.ticks, at_ms=kept.at_ms)

    def viewers(self) -> Iterator[KeptViewer]:
        """All, oldest row first: the last of a viewer holds."""
        query = sa.select(viewers.c.viewer, viewers.c.network, viewers.c.code).order_by(viewers.c.id)
        yield from (KeptViewer(*row) for row in self._rows(query))

    def questions(self) -> Iterator[Question]:
        """All, in the order of asking."""
        query = sa.select(*(c for c in questions.c if c.name != "id")).order_by(questions.c.id)
        yield from (Question(*row) for row in self._rows(query))

    def answers(self) -> Iterator[KeptAnswer]:
        """All, in the order of answering."""
        asked = (questions.c.viewer, questions.c.item, questions.c.level, questions.c.adjudicates)
        told = (answers.c.answer, answers.c.reason, answers.c.seconds, answers.c.at_ms)
        query = sa.select(answers.c.question, *asked, *told).join(questions).order_by(answers.c.id)
        yield from (KeptAnswer(*row) for row in self._rows(query))

    def along(self, count: str) -> Iterator[KeptAlong]:
        """What citizens counted along of one count."""
        query = sa.select(along.c.viewer, along.c.count, along.c.ticks, along.c.at_ms)
        yield from (KeptAlong(*row) for row in self._rows(query.where(along.c.count == count).order_by(along.c.id)))

    def _add(self, table: sa.Table, **values: object) -> None:
        with _told(), self._lock, self._engine.begin() as connection:
            connection.execute(sa.insert(table).values(**values))

    def _rows(self, query: sa.Executable) -> list[sa.Row[Any]]:
        with _told(), self._engine.connect() as connection:
            return [*connection.execute(query)]


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except DBAPIError as error:
        raise AnswersNotKeptError(problem=str(error.orig)) from error
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise AnswersNotKeptError(problem=str(error)) from error


def _tune(connection: sqlite3.Connection, _record: object) -> None:
    """Thanks on the page are a promise that the answer is kept: FULL syncs the write-ahead log at every commit."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
