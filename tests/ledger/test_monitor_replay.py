"""What the leaves of the national log say, read in order: a playbook for each thing that can be wrong."""

import pytest
from tests.ledger.enrol_lab import ELECTION, LOG, Lab
from tests.ledger.witness_lab import Branch, signing_key

from aigaq.ledger import SigningKey
from aigaq.ledger.enrolment import Directory, Roles
from aigaq.ledger.monitor import Alarm
from aigaq.ledger.monitor.replay import Finding, Replay
from aigaq_verify import Kind, Leaf, VerifierKey, decode_leaf, encode_leaf


class Reader:
    """Feeds leaves to a replay and keeps what it finds."""

    def __init__(self, lab: Lab, *, approvals: bool = True, restart: bool = False) -> None:
        self.lab, self.approvals, self.restart = lab, approvals, restart
        self.index = 0
        self.authority: list[tuple[int, bytes]] = []
        self.replay = Replay(self.directory(), {}, {}, approvals=approvals)

    def directory(self) -> Directory:
        roles = self.lab.roles if self.approvals else Roles([])
        return Directory(LOG, roles, clock=self.lab.clock)

    def take(self, leaf: bytes) -> list[Finding]:
        found = list(self.replay.take(self.index, leaf))
        self.index += 1
        self.authority += self.replay.authority
        self.replay.saved()
        if self.restart:
            directory = self.directory()
            for index, kept in self.authority:
                directory.add(index, kept)
            self.replay = Replay(directory, self.replay.stations, self.replay.absences, approvals=self.approvals)
        return found

    def codes(self, leaf: bytes) -> list[Alarm]:
        return [finding.code for finding in self.take(leaf)]


class Station:
    """A box with a session key and its log."""

    def __init__(self, lab: Lab, name: str = "s-101") -> None:
        self.box = lab.box(name)
        self.enrolment = self.box.enrolment()
        key, delegation = self.box.session(self.enrolment).current(lab.now)
        assert delegation
        self.delegation: bytes = delegation
        self.log = Branch(origin=self.box.origin, key=key)

    def leaf(self, note: bytes | None = None) -> bytes:
        return checkpoint_leaf(self.box.station, note or self.log.note())


def checkpoint_leaf(station: str, note: bytes) -> bytes:
    return encode_leaf(Leaf(Kind.STATION_CHECKPOINT, {"election": ELECTION, "station": station, "note": note}))


def absence(seq: int, from_ms: int, to_ms: int | None, station: str = "s-101") -> bytes:
    values = {"election": ELECTION, "station": station, "seq": seq, "from_ms": from_ms, "to_ms": to_ms}
    return encode_leaf(Leaf(Kind.ABSENCE, {**values, "held_size": 0, "held_root": bytes(32)}))


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture(params=[False, True], ids=["running", "restarted after each leaf"])
def reader(lab, request) -> Reader:
    return Reader(lab, restart=request.param)


@pytest.fixture
def station(lab, reader) -> Station:
    station = Station(lab)
    assert reader.codes(station.enrolment) == reader.codes(station.delegation) == []
    return station


def test_a_station_that_grows(reader, station):
    for rows in (3, 0, 5, 1):
        station.log.grow(rows)
        assert reader.codes(station.leaf()) == []
    assert reader.replay.stations["s-101"].size == 9


def test_a_station_that_forks_itself(reader, station):
    station.log.grow(3)
    reader.take(station.leaf())
    other = station.log.fork(2).grow(1, "other")
    (found,) = reader.take(station.leaf(other.note()))
    assert (found.code, found.subject) == (Alarm.STATION_FORK, "s-101")
    assert found.proof
    found.proof.verify([station.log.vkey])


def test_a_station_that_goes_back(reader, station):
    station.log.grow(3)
    reader.take(station.leaf())
    assert reader.codes(station.leaf(station.log.note(2))) == [Alarm.STATION_ROLLBACK]
    assert reader.replay.stations["s-101"].size == 3


def test_a_checkpoint_by_a_key_that_nobody_delegated(reader, station):
    log = Branch(origin=station.box.origin, key=signing_key(77)).grow(1)
    assert reader.codes(station.leaf(log.note())) == [Alarm.STATION_KEY]
    assert reader.codes(checkpoint_leaf("s-999", station.log.grow(1).note())) == [Alarm.STATION_KEY]
    assert reader.codes(checkpoint_leaf("s-101", b"no note")) == [Alarm.STATION_KEY]


def test_the_next_days_key_counts_too(lab, reader, station):
    station.log.grow(2)
    reader.take(station.leaf())
    lab.clock.advance(86_400)
    key, delegation = station.box.session(station.enrolment).current(lab.now)
    assert isinstance(key, SigningKey)
    assert delegation
    next_day = station.log.fork(2).grow(1)
    next_day.key = key
    assert reader.codes(station.leaf(next_day.note())) == [Alarm.STATION_KEY], "before its delegation"
    assert reader.codes(delegation) == []
    assert reader.codes(station.leaf(next_day.note())) == []


def test_authority_that_does_not_follow(lab, reader, station):
    other = Station(lab, "s-102")
    assert reader.codes(other.delegation) == [Alarm.UNKNOWN_LEAF], "a session key without its enrolment"
    stranger = Lab()
    assert reader.codes(stranger.box("s-103").enrolment()) == []  # the same officers approve
    signature = decode_leaf(other.enrolment)["approvals"][0][1]
    forged = other.enrolment.replace(signature, bytes(64))
    assert reader.codes(forged) == [Alarm.UNKNOWN_LEAF], "an approval that nobody gave"
    assert reader.codes(lab.revoke(station.delegation)) == []


def test_approvals_by_nobody_known(lab, station):
    """Without the officers' keys a monitor follows the chain; with them it also sees who approved."""
    stranger = Lab()
    stranger.keys = {name: signing_key(90 + i) for i, name in enumerate(stranger.keys)}
    stranger.roles = Roles(VerifierKey(name, key.public) for name, key in stranger.keys.items())
    stranger.authority = type(stranger.authority)(ELECTION, stranger.roles, stranger.clock)
    leaf = stranger.box("s-105").enrolment()
    assert Reader(lab, approvals=False).codes(leaf) == []
    assert Reader(lab, approvals=True).codes(leaf) == [Alarm.UNKNOWN_LEAF]


def test_absences_open_and_close(reader):
    (opened,) = reader.take(absence(0, 1_800_000_000_000, None))
    assert (opened.code, opened.subject, opened.ends) == (Alarm.ABSENCE, "s-101", False)
    assert opened.facts == {"since": "2027-01-15 08:00:00 UTC"}
    assert reader.codes(absence(1, 1_800_000_050_000, None)) == [Alarm.UNKNOWN_LEAF], "it is open already"
    (closed,) = reader.take(absence(0, 1_800_000_000_000, 1_800_000_060_000))
    assert (closed.code, closed.ends) == (Alarm.ABSENCE, True)
    assert reader.codes(absence(0, 1_800_000_000_000, 1_800_000_060_000)) == [Alarm.UNKNOWN_LEAF], "it is closed"
    assert reader.codes(absence(1, 1_800_000_100_000, None, "s-102")) == [Alarm.ABSENCE]


@pytest.mark.parametrize("leaf", [b"", b"\xff", b"somebody else's leaf", bytes(9000), b"\x81\x02", b"\x82\x63abc\x01"])
def test_what_is_no_leaf(reader, leaf):
    assert reader.codes(leaf) == [Alarm.UNKNOWN_LEAF]


def test_a_leaf_of_another_election(reader):
    values = {"election": "vote-27", "at_ms": 1, "role": "chair/one", "action": "export", "subject": "s-1"}
    leaf = encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "detail_hash": bytes(32)}))
    (found,) = reader.take(leaf)
    assert (found.code, found.subject) == (Alarm.UNKNOWN_LEAF, "0")
    again = encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "election": ELECTION, "detail_hash": bytes(32)}))
    assert reader.codes(again) == []


def test_a_checkpoint_of_another_log_under_the_stations_name(lab, reader, station):
    """The session key's name is the station's log, so a note of another origin is by no known key."""
    other = Branch(origin=f"{LOG}/s/s-102", key=station.log.key).grow(1)
    assert reader.codes(station.leaf(other.note())) == [Alarm.STATION_KEY]
