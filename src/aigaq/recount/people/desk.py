"""People's recount at work: meets viewers, puts questions, keeps answers. One desk writes to one database.

Whatever is said to be kept is kept before it is said. The rules are the board's, the tables the store's.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from aigaq.base import Clock, utc_ms
from aigaq.recount.people.assignment import items
from aigaq.recount.people.board import Board, Progress, Viewer
from aigaq.recount.people.counts import CountFolder, find_counts
from aigaq.recount.people.errors import BadAnswerError, QuestionGoneError, TooFastError, WrongCodeError
from aigaq.recount.people.limits import Buckets, Limit
from aigaq.recount.people.model import Given, Kind, Level, parse_answer
from aigaq.recount.people.settings import PeopleSettings
from aigaq.recount.people.store import AnswerStore, KeptAlong, KeptAnswer, KeptViewer, Question
from aigaq.recount.people.tokens import Tokens
from aigaq.recount.styles import LoadedStyle

T = TypeVar("T")
PROGRESS_MS: Final = 2000
LOOK_MS: Final = 60_000
MIN_REASON, MAX_REASON = 5, 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what its page needs."""

    question: Question
    count: CountFolder
    n: int
    styles: tuple[LoadedStyle, ...]
    """The one that the sheet has; all of the election where the machine does not know it."""
    given: str = ""
    """What the viewer answered, where it is being corrected."""

    @property
    def whole(self) -> bool:
        """Whether all of the sheet is shown, or the boxes alone."""
        return self.question.level == Level.WHOLE

    @property
    def style(self) -> LoadedStyle | None:
        """The style that the sheet has; None where the machine does not know it."""
        return self.styles[0] if self.count.reading(self.n).style else None

    @property
    def earlier(self) -> int | None:
        """A showing to compare with: the one that the sheet may repeat, else the one before. Which, is not told."""
        same = self.count.reading(self.n).same_as
        return same or (self.n - 1 if self.n > 1 else None)


class Desk:
    """See the module."""

    def __init__(self, home: Path, settings: PeopleSettings, clock: Clock) -> None:
        """Open the recount in a folder: `counts/`, `styles/`, and what people answered before.

        Raises:
            AnswersNotKeptError: the database cannot be used.
        """
        whole = Level.WHOLE if settings.whole_sheets == "all" else Level.BOXES
        self.settings = settings
        self.clock = clock
        self.board = Board(settings.seed, settings.policy(), whole_for=whole)
        self.counts: dict[str, CountFolder] = {}
        self._home = home
        home.mkdir(parents=True, exist_ok=True)
        self.tokens = Tokens.open(home / "people.key")
        self._codes = {self.tokens.code(code) for code in settings.access_codes}
        self.store = AnswerStore(settings.database or f"sqlite:///{home / 'people.sqlite'}")
        self._questions: dict[str, Question] = {}
        self._open: dict[tuple[str, bool], list[str]] = {}
        self._last: dict[str, str] = {}
        self._said: dict[str, str] = {}
        """The newest answer to each question."""
        self._requests = Buckets(Limit(at_once=40, a_minute=120))
        self._network_requests = Buckets(Limit(at_once=2000, a_minute=4000))
        self._newcomers = Buckets(Limit(at_once=200, a_minute=20))
        self._code_trials = Buckets(Limit(at_once=10, a_minute=1))
        self._along = Buckets(Limit(at_once=20, a_minute=2))
        self._lock = asyncio.Lock()
        self._looked = clock.monotonic_ns() // 1_000_000
        self._progress: tuple[int, Progress] | None = None
        self.refresh()
        self._recall()

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def refresh(self) -> None:
        """Take up reading folders that have come since."""
        for found in find_counts(self._home, self.counts):
            self.counts[found.id] = found
            styles = [loaded.style for loaded in found.styles.values()]
            self.board.name_choices({(s.id, c.id): row for s in styles for row, c in enumerate(s.choices)})
            self.board.add(items(self.settings.seed, found.id, found.count.readings, self.board.policy))

    async def _look_for_counts(self) -> None:
        """Once a minute: a count that has been read by the machine is there without a restart."""
        now = self.clock.monotonic_ns() // 1_000_000
        if now - self._looked >= LOOK_MS:
            self._looked = now
            await asyncio.to_thread(self.refresh)

    def _recall(self) -> None:
        """All that was kept, as if it happened again."""
        now, lease = utc_ms(self.clock), self.board.policy.lease_s * 1000
        for kept in self.store.viewers():
            self.board.meet(kept.viewer, network=kept.network, accredited=kept.code in self._codes)
        for question in self.store.questions():
            if question.item in self.board:
                self._questions[question.question] = question
                self.board.recall(question.viewer, question.item, question.at_ms + lease)
        for answer in self.store.answers():
            if answer.question in self._questions:
                self._take(self._questions[answer.question], answer)
        for question in self._questions.values():
            if question.at_ms + lease > now and question.question not in self._said:
                self._open.setdefault((question.viewer, question.adjudicates), []).append(question.question)
        self.board.weigh()

    def newcomer(self, address: str) -> str:
        """A token for somebody who has none.

        Raises:
            TooFastError: too many came from this network.
        """
        self._allow(self._newcomers, self.tokens.network(address))
        return self.tokens.new()

    async def accredit(self, name: str, code: str, address: str) -> None:
        """Let a viewer see whole sheets, and rule.

        Raises:
            WrongCodeError: there is no such code.
            TooFastError: too many were tried from this network.
        """
        network = self.tokens.network(address)
        self._allow(self._code_trials, network)
        kept = self.tokens.code(code)
        if kept not in self._codes:
            raise WrongCodeError
        async with self._lock:
            await asyncio.to_thread(self.store.add_viewer, KeptViewer(name, network, kept), utc_ms(self.clock))
            self.board.meet(name, network=network, accredited=True)
            for token in self._open.pop((name, False), []):
                self.board.release(name, self._questions.pop(token).item)

    def viewer(self, name: str) -> Viewer:
        """What is known of a viewer."""
        return self.board.viewer(name)

    def own(self, name: str) -> int:
        """How many ballots a viewer has read."""
        return self.board.viewer(name).answered

    async def ask(self, name: str, address: str, *, adjudicate: bool = False, ahead: bool = False) -> Asked | None:
        """The question that a viewer has before them, or the one after it; None where nothing is left for them.

        Raises:
            TooFastError: more than a person, or a network of people, reads.
            AnswersNotKeptError: the database does not take it.
        """
        network = self.tokens.network(address)
        self._allow(self._requests, name)
        self._allow(self._network_requests, network)
        async with self._lock:
            await self._look_for_counts()
            now, place = utc_ms(self.clock), int(ahead)
            if not self.board.knows(name):
                await asyncio.to_thread(self.store.add_viewer, KeptViewer(name, network, ""), now)
                self.board.meet(name, network=network)
            mine = self._open.setdefault((name, adjudicate), [])
            # Also one that has been decided since: were it dropped, opening the page anew would tell which are gold.
            if len(mine) > place:
                return self._asked(self._questions[mine[place]])
            turn = self.board.ask(name, now, adjudicate=adjudicate)
            if turn is None:
                return None
            token = secrets.token_hex(16)
            question = Question(token, name, turn.item.id, turn.level.value, turn.gold, turn.adjudicates, now)
            await asyncio.to_thread(self.store.add_question, question)
            self._questions[token] = question
            mine.append(token)
            return self._asked(question)

    def question(self, name: str, token: str) -> Asked:
        """A question that was put to this viewer.

        Raises:
            QuestionGoneError: it was not.
        """
        question = self._questions.get(token)
        if question is None or question.viewer != name:
            raise QuestionGoneError
        return self._asked(question)

    def last(self, name: str) -> Asked | None:
        """The question that a viewer answered last, to be corrected."""
        token = self._last.get(name)
        return self._asked(self._questions[token]) if token else None

    def _asked(self, question: Question) -> Asked:
        item = self.board.item(question.item)
        count = self.counts[item.count]
        styles = (count.styles[item.style],) if item.style else tuple(count.styles.values())
        return Asked(question, count, item.n, styles, self._said.get(question.question, ""))

    async def answer(self, name: str, token: str, code: str, *, reason: str = "", seconds: float = 0) -> None:
        """Keep an answer; one to the question that was answered last corrects it.

        Raises:
            QuestionGoneError: the question was not put to this viewer, or was answered before another.
            BadAnswerError: it is no answer to this question.
            TooFastError: more than a person reads.
            AnswersNotKeptError: the database does not take it.
        """
        self._allow(self._requests, name)
        question = self.question(name, token).question
        if token in self._said and token != self._last.get(name):
            raise QuestionGoneError
        self._check(question, code, reason)
        async with self._lock:
            now = utc_ms(self.clock)
            spent = min(max(0.0, seconds), (now - question.at_ms) / 1000)
            kept = KeptAnswer(
                token, name, question.item, question.level, question.adjudicates, code, reason, spent, now
            )
            await asyncio.to_thread(self.store.add_answer, kept)
            self._take(question, kept)
            if self.board.weigh_due:
                await asyncio.to_thread(self.board.weigh)

    def _check(self, question: Question, code: str, reason: str) -> None:
        answer = parse_answer(code)
        styles = {loaded.style.id: loaded.style for loaded in self._asked(question).styles}
        known = answer is not None and (
            answer.kind is not Kind.CHOICE
            or (answer.style in styles and answer.choice in {c.id for c in styles[answer.style].choices})
        )
        if not known:
            raise BadAnswerError(text=code[:80])
        if question.adjudicates and not MIN_REASON <= len(reason.strip()) <= MAX_REASON:
            raise BadAnswerError(text=reason[:80])

    def _take(self, question: Question, kept: KeptAnswer) -> None:
        answer = parse_answer(kept.answer)
        if answer is None:
            return
        given = Given(question.viewer, answer, Level(question.level), question.adjudicates)
        self.board.answer(question.item, given)
        self._said[question.question] = kept.answer
        self._last[question.viewer] = question.question
        mine = self._open.get((question.viewer, question.adjudicates), [])
        if question.question in mine:
            mine.remove(question.question)

    async def look(self, make: Callable[[Board], T]) -> T:
        """Look through all that was answered, beside the event loop; nothing changes meanwhile."""
        async with self._lock:
            return await asyncio.to_thread(make, self.board)

    def progress(self) -> Progress:
        """How far all are; counted at most every two seconds, whoever asks."""
        now = self.clock.monotonic_ns() // 1_000_000
        if self._progress is None or now - self._progress[0] >= PROGRESS_MS:
            self._progress = (now, self.board.progress())
        return self._progress[1]

    async def keep_along(self, name: str, count: str, address: str, ticks: str) -> None:
        """Keep a citizen's own count of a film.

        Raises:
            TooFastError: more than a person, or a network of people, counts.
            AnswersNotKeptError: the database does not take it.
        """
        self._allow(self._requests, name)
        self._allow(self._along, self.tokens.network(address))
        async with self._lock:
            await asyncio.to_thread(self.store.add_along, KeptAlong(name, count, ticks, utc_ms(self.clock)))

    def answers(self) -> list[KeptAnswer]:
        """All that was answered, in order: what is published."""
        return [*self.store.answers()]

    def _allow(self, buckets: Buckets, name: str) -> None:
        if not buckets.take(name, self.clock.monotonic_ns() / 1e9):
            raise TooFastError
