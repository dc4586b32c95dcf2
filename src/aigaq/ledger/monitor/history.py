"""Holding everything against one tree: the first branch seen is followed, every other checkpoint must lie on it.

A checkpoint that does not is a fork, and is proven: from this tree if it is smaller, else from the tiles that the log
itself serves for it.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.durable import write_whole
from aigaq.ledger.merkle import consistency_proof, verify_consistency
from aigaq.ledger.monitor.alarms import Alarm
from aigaq.ledger.monitor.board import Board
from aigaq.ledger.monitor.errors import BadAnswerError, StateError, UnreachableError
from aigaq.ledger.monitor.fork_proof import ForkProof, make_fork_proof
from aigaq.ledger.monitor.remote import Fetch, RemoteTree
from aigaq.ledger.monitor.replay import Finding, Replay
from aigaq.ledger.monitor.sources import Seen, Target
from aigaq.ledger.monitor.state import MonitorState
from aigaq.ledger.monitor.tree import Tree
from aigaq_verify import leaf_hash

CHUNK: Final = 16_384
"""Entries that are taken in one transaction while catching up."""
MAX_FORKS: Final = 16
MAX_WAITING: Final = 1_000
"""Checkpoints beyond the tree that wait to be compared; they come from witnesses, a few each round."""


class History:
    """The followed log's tree and leaves. When the state file fails, a new one must be opened from it."""

    def __init__(
        self,
        target: Target,
        state: MonitorState,
        replay: Replay,
        board: Board,
        fetch: Fetch,
        clock: Clock,
        folder: Path,
    ) -> None:
        """Go on from the state; fork proofs go into `folder`."""
        self._target = target
        self._keys = target.policy.keys_of(target.origin)
        self._state = state
        self._replay = replay
        self._board = board
        self._fetch = fetch
        self._clock = clock
        self._folder = folder
        head = state.head()
        self._tree = Tree(state.db, head.replayed)
        self._head_size, self._head_note = head.size, head.note
        self._waiting: dict[tuple[int, bytes], Seen] = {}

    @property
    def size(self) -> int:
        """Entries read."""
        return self._tree.size

    def forks(self) -> list[str]:
        """The fork proofs found, by file name."""
        return sorted(path.name for path in self._folder.glob("fork-*.json"))

    def follow(self, newest: Seen) -> None:
        """Take the entries up to a checkpoint of the log, if they lead to it."""
        goal, origin = newest.checkpoint, self._target.origin
        remote = RemoteTree(self._fetch, self._target.url, goal.size)
        try:
            while self._tree.size < goal.size:
                if not self._step(newest, remote):
                    self._explain(newest, remote)
                    return
        except UnreachableError:
            return  # the next look tells whether it is silent
        except BadAnswerError:
            self._raise(Alarm.TILES, origin, size=goal.size)
        else:
            self._board.clear(Alarm.TILES, origin, utc_ms(self._clock))

    def compare(self, seen: Sequence[Seen]) -> None:
        """Each checkpoint within the tree must have the tree's root; larger ones wait until the tree has grown."""
        for one in seen:
            if len(self._waiting) < MAX_WAITING:
                self._waiting[one.checkpoint.size, one.checkpoint.root] = one
        for key in [key for key in self._waiting if self._head_note and key[0] <= self._head_size]:
            one = self._waiting.pop(key)
            if self._tree.root(one.checkpoint.size) != one.checkpoint.root:
                proof = make_fork_proof(self._keys, one.note, self._head_note, self._tree.node)
                self._raise_fork(proof)

    def _step(self, newest: Seen, remote: RemoteTree) -> bool:
        """Take some entries; False if they do not lead to the checkpoint."""
        goal, start = newest.checkpoint, self._tree.size
        end = min(start + CHUNK, goal.size)
        entries = list(remote.entries(start, end))
        leaves = [leaf_hash(entry) for entry in entries]
        edge = self._tree.edge_with(leaves)
        hashes = consistency_proof(end, goal.size, remote.node)
        if not verify_consistency(end, edge.root(), goal.size, goal.root, hashes):
            return False
        findings = [f for i, entry in enumerate(entries, start) for f in self._replay.take(i, entry)]
        for finding in findings:
            self._report(finding)
        try:
            with self._state.transaction():
                self._tree.append(leaves, edge)
                self._state.set_replayed(end)
                self._state.set_stations(self._replay.changed)
                self._state.set_absences(self._replay.absences)
                self._state.add_authority(self._replay.authority)
                if end == goal.size:
                    self._state.set_head(goal.size, newest.note)
                self._state.set_alarms(self._board.changes())
        except sqlite3.Error as error:
            raise StateError(problem=N_("it cannot be written")) from error
        self._replay.saved()
        if end == goal.size:
            self._head_size, self._head_note = goal.size, newest.note
        return True

    def _explain(self, newest: Seen, remote: RemoteTree) -> None:
        """The log serves entries that do not follow ours: a fork if its own tiles prove it, else nonsense."""
        proof = None
        if self._head_note:
            proof = make_fork_proof(self._keys, self._head_note, newest.note, remote.node)
        if proof:
            self._raise_fork(proof)
        else:
            self._raise(Alarm.TILES, self._target.origin, size=newest.checkpoint.size)

    def _report(self, finding: Finding) -> None:
        facts = dict(finding.facts)
        if finding.proof:
            facts["proof"] = self._keep(finding.proof)
        if finding.ends:
            self._board.clear(finding.code, finding.subject, utc_ms(self._clock))
        else:
            self._raise(finding.code, finding.subject, **facts)

    def _raise_fork(self, proof: ForkProof | None) -> None:
        if proof is None:
            raise AssertionError("two roots of one size are a fork")
        self._raise(Alarm.FORK, self._target.origin, proof=self._keep(proof))

    def _keep(self, proof: ForkProof) -> str:
        """Write the proof, unless there are plenty; the name of a proof to point at."""
        known = self.forks()
        if proof.file_name in known or len(known) < MAX_FORKS:
            write_whole([(self._folder / proof.file_name, proof.encode())])
            return proof.file_name
        return known[0]

    def _raise(self, code: Alarm, subject: str, **facts: object) -> None:
        self._board.raise_(code, subject, utc_ms(self._clock), **facts)
