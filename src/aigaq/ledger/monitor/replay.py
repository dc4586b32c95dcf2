"""The log's leaves, read in order: each has its form and its place, each station only ever extends what it signed.

Pure: leaves in, findings out. Whether a leaf is in the log at all was checked before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from aigaq.base import N_
from aigaq.ledger.enrolment import Directory, EnrolmentError
from aigaq.ledger.monitor.alarms import Alarm
from aigaq.ledger.monitor.fork_proof import ForkProof, make_fork_proof
from aigaq.ledger.monitor.state import StationHead
from aigaq_verify import Checkpoint, Kind, Leaf, NoteError, RecordError, VerifierKey, decode_leaf

_AUTHORITY: Final = frozenset({Kind.ENROLMENT, Kind.DELEGATION, Kind.REVOCATION})


@dataclass(frozen=True, slots=True)
class Finding:
    """An alarm that begins or ends with a leaf."""

    code: Alarm
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    proof: ForkProof | None = None
    ends: bool = False


class Replay:
    """What the leaves so far say. `changed` and `authority` collect what has to be remembered."""

    def __init__(
        self, directory: Directory, stations: dict[str, StationHead], absences: dict[str, int], *, approvals: bool
    ) -> None:
        """Go on from a state; with `approvals` the officers' signatures are checked too."""
        self.stations = stations
        self.absences = absences
        self.changed: dict[str, StationHead] = {}
        self.authority: list[tuple[int, bytes]] = []
        self._directory = directory
        self._approvals = approvals
        self._keys: dict[str, list[VerifierKey]] = {}

    def take(self, index: int, data: bytes) -> Iterator[Finding]:
        """Read the next leaf."""
        try:
            leaf = decode_leaf(data)
        except RecordError:
            yield _misplaced(index, N_("it is not in the form of a leaf"))
            return
        if leaf["election"] != self._directory.election:
            yield _misplaced(index, N_("it is of another election"))
        elif leaf.kind in _AUTHORITY:
            yield from self._take_authority(index, data, leaf)
        elif leaf.kind is Kind.STATION_CHECKPOINT:
            yield from self._take_checkpoint(index, leaf["station"], leaf["note"])
        elif leaf.kind is Kind.ABSENCE:
            yield from self._take_absence(index, leaf)

    def saved(self) -> None:
        """What was collected is remembered."""
        self.changed.clear()
        self.authority.clear()

    def _take_authority(self, index: int, data: bytes, leaf: Leaf) -> Iterator[Finding]:
        try:
            if self._approvals:
                self._directory.check(data)
            counts = self._directory.add(index, data)
        except EnrolmentError:
            yield _misplaced(index, N_("it is not approved as it must be"))
            return
        if not counts:
            yield _misplaced(index, N_("it does not follow from the leaves before it"))
        self._keys.pop(leaf["station"], None)
        self.authority.append((index, data))

    def _take_checkpoint(self, index: int, station: str, note: bytes) -> Iterator[Finding]:
        try:
            new, _ = Checkpoint.open(note, self._keys_of(station))
        except NoteError:
            yield Finding(Alarm.STATION_KEY, station, {"index": index})
            return
        if new.origin != self._directory.origin(station):
            yield _misplaced(index, N_("its checkpoint is of another log"))
            return
        held = self.stations.get(station)
        if held and new.size < held.size:
            yield Finding(Alarm.STATION_ROLLBACK, station, {"before": held.size, "after": new.size, "index": index})
        elif held and new.size == held.size and new.root != held.root:
            proof = make_fork_proof(self._keys_of(station), held.note, note, _no_node)
            yield Finding(Alarm.STATION_FORK, station, {"size": new.size}, proof)
        else:
            self.stations[station] = self.changed[station] = StationHead(new.size, new.root, note)

    def _take_absence(self, index: int, leaf: Leaf) -> Iterator[Finding]:
        station, since = leaf["station"], leaf["from_ms"]
        opened = self.absences.get(station)
        if leaf["to_ms"] is None and opened is None:
            self.absences[station] = since
            said = datetime.fromtimestamp(since // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            yield Finding(Alarm.ABSENCE, station, {"since": said})
        elif leaf["to_ms"] is not None and opened == since:
            del self.absences[station]
            yield Finding(Alarm.ABSENCE, station, ends=True)
        else:
            yield _misplaced(index, N_("an absence that is open already, or that was never opened"))

    def _keys_of(self, station: str) -> list[VerifierKey]:
        """Every session key that was delegated so far: when it was used, only the leaf's neighbours could say."""
        if station not in self._keys:
            publics = dict.fromkeys(entry.leaf["session_key"] for entry in self._directory.delegations(station))
            self._keys[station] = [VerifierKey(self._directory.origin(station), public) for public in publics]
        return self._keys[station]


def _misplaced(index: int, problem: str) -> Finding:
    return Finding(Alarm.UNKNOWN_LEAF, str(index), {"problem": problem})


def _no_node(level: int, index: int) -> bytes:
    raise AssertionError(f"equal sizes need no node {level}, {index}")
