"""Stations, a centre that may equivocate, witnesses that lie, lag and restart: never two histories with a quorum.

The witnesses are the real ones on disk, the rule is the trust file's. What a quorum below the rule allows is shown too.
"""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.ledger.witness_lab import ORIGIN, Branch, policy_of, signing_key, trust_file

from aigaq.base import ManualClock
from aigaq.ledger.witness import RefusedError, StaleError, Witness, WitnessKeys, WitnessStore
from aigaq_verify import Group, Note, NoteSignature, Policy, PolicyError, Witnessed, parse_policy

LOG = Branch()
BRANCHES = 3


@pytest.fixture(scope="module", autouse=True)
def names(tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("keys")
    for i in range(9):
        (folder / str(i)).mkdir()
        KEYS.append(WitnessKeys.create(folder / str(i), f"witness-{i}.example"))


KEYS: list[WitnessKeys] = []


class Party:
    """One witness on disk: it can be stopped and started."""

    def __init__(self, keys: WitnessKeys, folder: Path, clock: ManualClock) -> None:
        self.keys, self.clock = keys, clock
        self.paths = folder / f"{keys.name}.d" / "db", folder / f"{keys.name}.d" / "mark"
        self.paths[0].parent.mkdir()
        WitnessStore.create(*self.paths, time=clock.utc_ns() // 10**9)
        self.start()

    def start(self) -> None:
        self.witness = Witness(self.keys, {ORIGIN: [LOG.vkey]}, WitnessStore.open(*self.paths), self.clock)

    def restart(self) -> None:
        self.witness.close()
        self.start()


class Elections(RuleBasedStateMachine):
    """`liars` of `n` witnesses sign whatever they are given; n > 3 · liars."""

    @initialize(size=st.sampled_from([(1, 0), (3, 0), (4, 1), (9, 2)]))
    def begin(self, size: tuple[int, int]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        n, self.liars = size
        self.parties = [Party(keys, self.folder, self.clock) for keys in KEYS[:n]]
        quorum = next(q for q in range(1, n + 1) if 2 * q > n + self.liars)
        self.policy = policy_of(LOG.vkey, [party.keys.verifiers()[0] for party in self.parties], quorum)
        self.branches = [Branch()]
        self.stations = {f"s-{i}": Branch(origin=f"{ORIGIN}/s/s-{i}", key=signing_key(10 + i)) for i in range(3)}
        self.cosigned: dict[tuple[int, bytes], dict[str, NoteSignature]] = {}
        self.texts: dict[tuple[int, bytes], bytes] = {}

    @rule(station=st.integers(0, 2), where=st.integers(0, BRANCHES - 1), rows=st.integers(0, 3))
    def station_commits(self, station: int, where: int, rows: int) -> None:
        """A station's checkpoint goes into every history, or the centre keeps it out of some."""
        log = self.stations[f"s-{station}"].grow(rows)
        for i, branch in enumerate(self.branches):
            if i <= where:
                branch.entries.append(log.note())

    @precondition(lambda self: len(self.branches) < BRANCHES)
    @rule(share=st.floats(0, 1))
    def centre_forks(self, share: float) -> None:
        base = self.branches[0]
        other = base.fork(round(share * base.size))
        other.grow(1, f"never happened {len(self.branches)}")
        self.branches.append(other)

    @rule(branch=st.integers(0, BRANCHES - 1), party=st.integers(0, 8), lag=st.integers(0, 4))
    def offer(self, branch: int, party: int, lag: int) -> None:
        """The centre shows one of its histories, perhaps an older checkpoint of it, to one witness."""
        log = self.branches[branch % len(self.branches)]
        one = self.parties[party % len(self.parties)]
        size = max(0, log.size - lag)
        if self.parties.index(one) < self.liars:
            self.collect(log, size, one.keys.cosign(log.text(size), self.clock.utc_ns() // 10**9)[0])
            return
        try:
            lines = one.witness.add_checkpoint(log.request(0, size))
        except StaleError as stale:
            try:
                if stale.held > size:
                    return
                lines = one.witness.add_checkpoint(log.request(stale.held, size))
            except RefusedError:
                return
        except RefusedError:
            return
        self.collect(log, size, NoteSignature.parse(lines.decode().splitlines()[0]))

    @rule(branch=st.integers(0, BRANCHES - 1))
    def feed_everyone(self, branch: int) -> None:
        for party in range(len(self.parties)):
            self.offer(branch, party, 0)

    @rule(party=st.integers(0, 8))
    def restart(self, party: int) -> None:
        self.parties[party % len(self.parties)].restart()

    @rule(seconds=st.sampled_from([1, 10, -3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.step(seconds)

    def collect(self, log: Branch, size: int, line: NoteSignature) -> None:
        key = size, log.root(size)
        self.texts[key] = log.note(size)
        self.cosigned.setdefault(key, {})[line.name] = line

    def witnessed(self) -> dict[tuple[int, bytes], Witnessed]:
        """Everything that somebody holding all cosignatures could show with a quorum."""
        found: dict[tuple[int, bytes], Witnessed] = {}
        for key, note in self.texts.items():
            parsed = Note.parse(note)
            whole = Note(parsed.text, (*parsed.signatures, *self.cosigned[key].values()))
            if witnessed := self.policy.witnessed(whole.encode()):
                found[key] = witnessed
        return found

    @invariant()
    def one_history_has_a_quorum(self) -> None:
        if not hasattr(self, "texts"):
            return
        shown = self.witnessed()
        assert len({size for size, _ in shown}) == len(shown), "two roots of one size have a quorum"
        largest = max(shown, default=None)
        if largest:
            size, root = largest
            branch = next(log for log in self.branches if log.size >= size and log.root(size) == root)
            assert all(branch.root(s) == r for s, r in shown), "a witnessed tree is not a prefix of a larger one"

    def teardown(self) -> None:
        if hasattr(self, "parties"):
            for party in self.parties:
                party.witness.close()
            shutil.rmtree(self.folder)


Elections.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestElections = Elections.TestCase


def parties(folder: Path, count: int) -> list[Party]:
    return [Party(keys, folder, ManualClock()) for keys in KEYS[:count]]


def test_two_of_five_honest_witnesses_would_bless_two_histories(tmp_path):
    """Nobody lies: three saw one history, two lagged and were shown the other. So that trust file is refused."""
    five = parties(tmp_path, 5)
    base = Branch().grow(700)
    for party in five:
        party.witness.add_checkpoint(base.request(0))
    one, two = base.fork(700).grow(10, "one"), base.fork(700).grow(10, "two")
    lines = [
        party.witness.add_checkpoint(log.request(700)) for party, log in zip(five, [one] * 3 + [two] * 2, strict=True)
    ]
    notes = one.note() + b"".join(lines[:3]), two.note() + b"".join(lines[3:])
    witnesses = [party.keys.verifiers()[0] for party in five]
    loose = Policy(
        logs=[LOG.vkey],
        witnesses={f"W{i}": key for i, key in enumerate(witnesses)},
        groups={"W": Group(2, tuple(f"W{i}" for i in range(5)))},
        quorum="W",
    )
    first, second = (loose.witnessed(note) for note in notes)
    assert first
    assert second
    assert first.checkpoint.size == second.checkpoint.size
    assert first.checkpoint.root != second.checkpoint.root
    for quorum, sound in ((1, False), (2, False), (3, False), (4, True), (5, True)):
        text = trust_file(LOG.vkey, witnesses, quorum).encode()
        if sound:
            assert not all(parse_policy(text).witnessed(note) for note in notes)
        else:
            with pytest.raises(PolicyError, match="two histories"):
                parse_policy(text)
    for party in five:
        party.witness.close()


def test_a_liar_too_many_breaks_any_rule(tmp_path):
    """f + 1 of 3 f + 1 lie: the rule promises nothing then, and the machine above could tell."""
    four = parties(tmp_path, 4)
    one, two = Branch().grow(3, "one"), Branch().grow(3, "two")
    policy = policy_of(LOG.vkey, [party.keys.verifiers()[0] for party in four], 3)
    lying = [party.keys for party in four[:2]]
    shown = [
        Note(log.text(), (*Note.parse(log.note()).signatures, *(keys.cosign(log.text(), 1)[0] for keys in lying)))
        for log in (one, two)
    ]
    notes = [
        note.encode() + party.witness.add_checkpoint(log.request(0))
        for note, party, log in zip(shown, four[2:], (one, two), strict=True)
    ]
    assert all(policy.witnessed(note) for note in notes)
    for party in four:
        party.witness.close()
