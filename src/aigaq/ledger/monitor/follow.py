"""One monitor: looks at a log and its witnesses, holds what it sees against one tree, remembers what was wrong."""

import sqlite3
from pathlib import Path
from typing import Any, Self

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.enrolment import Directory, Roles
from aigaq.ledger.monitor.alarms import Raised
from aigaq.ledger.monitor.board import Board
from aigaq.ledger.monitor.errors import StateError
from aigaq.ledger.monitor.history import History
from aigaq.ledger.monitor.remote import Fetch
from aigaq.ledger.monitor.replay import Replay
from aigaq.ledger.monitor.sources import LOG, Sources, Target
from aigaq.ledger.monitor.state import MonitorState

PATIENCE_S = 60


class Monitor:
    """Follows one log. `round` does one look at everything, and may take as long as the network does."""

    def __init__(
        self, target: Target, state: MonitorState, sources: Sources, history: History, replay: Replay, board: Board,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.target = target
        self._state = state
        self._sources = sources
        self._history = history
        self._replay = replay
        self._board = board
        self._clock = clock

    @classmethod
    def open(
        cls,
        target: Target,
        state_file: Path,
        fetch: Fetch,
        clock: Clock,
        *,
        roles: Roles | None = None,
        patience_s: int = PATIENCE_S,
        began_ms: int | None = None,
    ) -> Self:
        """Go on from the state file, or begin; fork proofs lie beside it.

        With `roles` the officers' approvals are checked too. Nobody is late before `began_ms`, else now, plus patience.

        Raises:
            StateError: the file is damaged, of another log, or in use.
        """
        state = MonitorState.open(state_file, target.origin)
        board = Board(state.alarms())
        directory = Directory(target.origin, roles or Roles([]), clock=clock)
        for index, leaf in state.authority():
            directory.add(index, leaf)
        replay = Replay(directory, state.stations(), state.absences(), approvals=roles is not None)
        began = utc_ms(clock) if began_ms is None else began_ms
        sources = Sources(target, state.sources(), board, fetch, clock, patience_ms=patience_s * 1000, began_ms=began)
        history = History(target, state, replay, board, fetch, clock, state_file.parent)
        return cls(target, state, sources, history, replay, board, clock)

    def close(self) -> None:
        """Close the state file."""
        self._state.close()

    def round(self) -> None:
        """Look at the log and at every witness once.

        Raises:
            StateError: what was seen cannot be remembered; open the monitor again.
        """
        seen = self._sources.look()
        newest = max((one for one in seen if one.source == LOG), key=lambda one: one.checkpoint.size, default=None)
        if newest:
            self._history.follow(newest)
        self._history.compare(seen)
        try:
            with self._state.transaction():
                self._state.set_sources(self._sources.said)
                self._state.set_alarms(self._board.changes())
        except sqlite3.Error as error:
            raise StateError(problem=N_("it cannot be written")) from error

    def alarms(self) -> list[Raised]:
        """What is wrong now, the oldest first."""
        return self._board.current()

    def forks(self) -> list[str]:
        """The fork proofs found, by file name."""
        return self._history.forks()

    def status(self) -> dict[str, Any]:
        """How everything is, as it is served."""
        return {
            "origin": self.target.origin,
            "url": self.target.url,
            "at_ms": utc_ms(self._clock),
            "read": self._history.size,
            "stations": len(self._replay.stations),
            "sources": {n: {"size": s.size, "seen_ms": s.seen_ms} for n, s in sorted(self._sources.said.items())},
            "alarms": [_as_json(alarm) for alarm in self.alarms()],
            "forks": self.forks(),
        }


def _as_json(alarm: Raised) -> dict[str, Any]:
    return {
        "code": str(alarm.code),
        "subject": alarm.subject,
        "since_ms": alarm.since_ms,
        "facts": dict(alarm.facts),
        "words": alarm.words("en"),
    }
