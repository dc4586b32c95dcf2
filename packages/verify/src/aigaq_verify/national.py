"""The national log as a clip shows it: which leaves stand in it, who vouches for it, who may sign for the station."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aigaq_verify.manifest import Manifest
from aigaq_verify.note import Checkpoint, Note, NoteError, UnknownKeyError, VerifierKey
from aigaq_verify.policy import Policy, Witnessed
from aigaq_verify.proof import Proof
from aigaq_verify.records import Kind, Leaf, leaf_hash, verify_delegation
from aigaq_verify.report import Findings, Verdict

_CLOCK_MS: Final = 10 * 60_000
"""A key may be used this long before and after the times that it was given, for clocks that differ."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the reader's trust file says about one national checkpoint."""

    checkpoint: Checkpoint
    witnessed: Witnessed | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a leaf stands, and under which checkpoint that is proven."""

    index: int
    opinion: Opinion

    @property
    def not_after_ms(self) -> int | None:
        """By when the leaf was there; None where no quorum says so."""
        return self.opinion.witnessed and self.opinion.witnessed.not_after_ms


@dataclass(frozen=True, slots=True)
class Logged:
    """A leaf that is proven to be in the log."""

    leaf: Leaf
    hash: bytes
    place: Place


@dataclass(slots=True)
class NationalLog:
    """Proofs are judged here, each note once, however many proofs carry it."""

    origin: str
    policy: Policy | None
    found: Findings
    _opinions: dict[bytes, Opinion | None] = field(default_factory=dict[bytes, Opinion | None])
    _roots: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def opinion(self, note: bytes) -> Opinion | None:
        """What to think of a national checkpoint; None where it is false."""
        name = hashlib.sha256(note).digest()
        if name not in self._opinions:
            try:
                self._opinions[name] = self._judge(note)
            except NoteError as error:
                self.found.bad("log", Verdict.FAILED, f"a checkpoint of the national log: {error}")
                self._opinions[name] = None
        return self._opinions[name]

    def _judge(self, note: bytes) -> Opinion:
        checkpoint, witnessed = Checkpoint.parse(Note.parse(note).text), None
        if checkpoint.origin != self.origin:
            raise NoteError(f"it is of {checkpoint.origin}, not of {self.origin}")
        try:
            witnessed = (self.policy or Policy()).witnessed(note)
        except UnknownKeyError:
            reason = "the trust file holds no key of it" if self.policy else "no trust file was given (--trust)"
            self.found.bad("key", Verdict.UNKNOWN_KEY, f"for the log {self.origin} {reason}")
        else:
            if self._roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                raise NoteError(f"it has forked: two roots of size {checkpoint.size}, both signed")
        return Opinion(checkpoint, witnessed)

    def place(self, name: str, data: bytes | None, leaf: bytes) -> Place | None:
        """Where the proof in that file shows the leaf to be; None where it does not."""
        try:
            proof = Proof.parse(data or b"")
        except NoteError as error:
            verdict = Verdict.NOT_IN_LOG if data is None else Verdict.FAILED
            self.found.bad("log", verdict, f"{name}: {'missing' if data is None else error}")
            return None
        opinion = self.opinion(proof.checkpoint)
        if opinion is None:
            return None
        if not proof.includes(leaf_hash(leaf), opinion.checkpoint):
            self.found.bad("log", Verdict.NOT_IN_LOG, f"{name} does not show it to be in the national log")
            return None
        return Place(proof.index, opinion)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a session key: where its checkpoint stands, and between which times it was made as far as proven."""

    place: Place
    not_before_ms: int | None
    claimed_ms: int


class Authority:
    """Who may sign for the station: enrolments, delegations and revocations, each proven to be in the log."""

    def __init__(self, clip: Manifest, leaves: Iterable[Logged]) -> None:
        self._enrolments: dict[bytes, Logged] = {}
        self._delegations: dict[VerifierKey, list[Logged]] = {}
        self._revoked: dict[bytes, int] = {}
        self.told: dict[str, None] = {}
        for one in leaves:
            leaf = one.leaf
            if leaf.kind is Kind.ENROLMENT:
                self._enrolments[one.hash] = one
            elif leaf.kind is Kind.DELEGATION:
                key = VerifierKey(clip.origin, leaf["session_key"])
                self._delegations.setdefault(key, []).append(one)
            elif leaf.kind is Kind.REVOCATION:
                self._revoked[leaf["revoked"]] = min(leaf["at_ms"], self._revoked.get(leaf["revoked"], leaf["at_ms"]))

    @property
    def keys(self) -> Sequence[VerifierKey]:
        """Session keys that somebody delegated."""
        return list(self._delegations)

    def problem(self, key: VerifierKey, use: Use) -> tuple[Verdict, str] | None:
        """Why the key may not sign there; None where it may."""
        problems = [self._broken(one, use) for one in self._delegations[key]]
        return None if None in problems else problems[0]

    def _broken(self, delegation: Logged, use: Use) -> tuple[Verdict, str] | None:
        enrolment = self._enrolments.get(delegation.leaf["enrolment"])
        if enrolment is None:
            return Verdict.UNKNOWN_KEY, f"leaf {delegation.place.index} delegates from an enrolment that is not shown"
        if not verify_delegation(delegation.leaf, enrolment.leaf):
            return Verdict.FAILED, f"the signature of delegation {delegation.place.index} is false"
        chain = enrolment.place.index, delegation.place.index, use.place.index
        if not chain[0] < chain[1] < chain[2]:
            return Verdict.UNKNOWN_KEY, f"its key was not enrolled, delegated and used in this order: leaves {chain}"
        for one in (enrolment, delegation):
            if problem := self._untimely(one, use):
                return Verdict.UNKNOWN_KEY, f"leaf {one.place.index}, {one.leaf.kind.name.lower()}: {problem}"
        approved = " and ".join(name for name, _ in enrolment.leaf["approvals"])
        self.told[f"leaf {chain[1]}, enrolled in leaf {chain[0]} in the name of {approved}"] = None
        return None

    def _untimely(self, one: Logged, use: Use) -> str:
        made_by, revoked = use.place.not_after_ms, self._revoked.get(one.hash)
        if revoked is not None and (made_by is None or made_by > revoked):
            return "revoked, and nothing proves an earlier use"
        if made_by is not None and made_by < one.leaf["not_before_ms"] - _CLOCK_MS:
            return "used before it was valid"
        if max(use.not_before_ms or 0, use.claimed_ms) > one.leaf["not_after_ms"] + _CLOCK_MS:
            return "used after it was valid"
        return ""
