"""The national log as a clip shows it: which leaves stand in it, who vouches for it, who may sign for the station."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aigaq_verify.manifest import Manifest
from aigaq_verify.note import Checkpoint, Note, NoteError, Proof, UnknownKeyError, VerifierKey
from aigaq_verify.policy import Policy, Witnessed
from aigaq_verify.records import Kind, Leaf, leaf_hash, verify_delegation
from aigaq_verify.report import Findings, Verdict

_CLOCK_MS: Final = 10 * 60_000  # a key may be used this long before and after its times, for clocks that differ


@dataclass(frozen=True, slots=True)
class Place:
    """Where a leaf stands in the national log, and what witnesses say of the checkpoint under which that is proven."""

    index: int
    hash: bytes
    witnessed: Witnessed | None


@dataclass(slots=True)
class Seal:
    """A checkpoint of the station over rows of the clip, and what is proven and claimed of the newest of them."""

    checkpoint: Checkpoint
    key: VerifierKey | None
    place: Place | None
    not_before_ms: int | None = None
    claimed_ms: int = 0

    @property
    def not_after_ms(self) -> int | None:
        """By when the station had signed it; None where no quorum says so."""
        return self.place.witnessed.not_after_ms if self.place and self.place.witnessed else None


class NationalLog:
    """Judges proofs; each note once, however many proofs carry it."""

    def __init__(self, origin: str, policy: Policy | None, found: Findings) -> None:
        """Of that name, by the keys that the reader trusts."""
        self.origin, self.policy, self.found = origin, policy, found
        self._judged: dict[bytes, tuple[Checkpoint, Witnessed | None] | None] = {}
        self._roots: dict[int, bytes] = {}

    def judged(self, note: bytes) -> tuple[Checkpoint, Witnessed | None] | None:
        """A national checkpoint with what witnesses that the reader trusts say of it; None where it is false."""
        name = hashlib.sha256(note).digest()
        if name not in self._judged:
            self._judged[name] = None
            with self.found.reading("log", "a checkpoint of the national log"):
                self._judged[name] = self._judge(note)
        return self._judged[name]

    def _judge(self, note: bytes) -> tuple[Checkpoint, Witnessed | None]:
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
        if checkpoint.origin != self.origin:
            raise NoteError(f"it is of {checkpoint.origin}, not of {self.origin}")
        try:
            witnessed = (self.policy or Policy()).witnessed(parsed)
        except UnknownKeyError:
            problem = "the trust file holds no key of it" if self.policy else "no trust file was given (--trust)"
            self.found.bad("key", Verdict.UNKNOWN_KEY, f"for the log {self.origin} {problem}")
            return checkpoint, None
        if self._roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            raise NoteError(f"it has forked: two roots of size {checkpoint.size}, both signed")
        return checkpoint, witnessed

    def place(self, name: str, data: bytes | None, leaf: bytes) -> Place | None:
        """Where the proof in that file shows the leaf to be; None where it does not."""
        with self.found.reading("log", name, data):
            proof, hash_ = Proof.parse(data or b""), leaf_hash(leaf)
            judged = self.judged(proof.checkpoint)
            if judged is not None and proof.includes(hash_, judged[0]):
                return Place(proof.index, hash_, judged[1])
            if judged is not None:
                self.found.bad("log", Verdict.NOT_IN_LOG, f"{name} does not show it to be in the national log")
        return None


class Authority:
    """Who may sign for the station: enrolments, delegations and revocations that are proven to be in the log."""

    def __init__(self, clip: Manifest, leaves: Iterable[tuple[Leaf, Place]]) -> None:
        self._logged = {place.hash: (leaf, place) for leaf, place in leaves}
        self.delegations: dict[VerifierKey, list[tuple[Leaf, Place]]] = {}
        self._revoked: dict[bytes, int] = {}
        self.told: dict[str, None] = {}
        for leaf, place in self._logged.values():
            if leaf.kind is Kind.DELEGATION:
                self.delegations.setdefault(VerifierKey(clip.origin, leaf["session_key"]), []).append((leaf, place))
            elif leaf.kind is Kind.REVOCATION and (of := self._logged.get(leaf["revoked"])):
                key = _key(of[0])  # whatever leaf names it
                self._revoked[key] = min(leaf["at_ms"], self._revoked.get(key, leaf["at_ms"]))

    def problem(self, seal: Seal) -> tuple[Verdict, str] | None:
        """Why the seal's key may not sign there; None where a delegation lets it."""
        if seal.key is None:
            return Verdict.UNKNOWN_KEY, "no key that signed it was delegated in the log"
        problems = [self._broken(leaf, place, seal) for leaf, place in self.delegations[seal.key]]
        return None if None in problems else problems[0]

    def _broken(self, leaf: Leaf, place: Place, seal: Seal) -> tuple[Verdict, str] | None:
        enrolment, root = self._logged.get(leaf["enrolment"], (None, place))
        if enrolment is None or enrolment.kind is not Kind.ENROLMENT:
            return Verdict.UNKNOWN_KEY, f"leaf {place.index} delegates from an enrolment that is not shown"
        if not verify_delegation(leaf, enrolment):
            return Verdict.FAILED, f"the signature of delegation {place.index} is false"
        if seal.place is None or not root.index < place.index < seal.place.index:
            return Verdict.UNKNOWN_KEY, "its key was not enrolled, delegated and used in this order"
        for one, at in ((enrolment, root), (leaf, place)):
            if problem := self._untimely(one, seal):
                return Verdict.UNKNOWN_KEY, f"leaf {at.index}, {one.kind.name.lower()}: {problem}"
        if root.witnessed is None or place.witnessed is None:
            return Verdict.UNWITNESSED, f"no quorum that you trust cosigned leaves {root.index} and {place.index}"
        roles = " and ".join(name for name, _ in enrolment["approvals"])
        self.told[f"leaf {place.index}, enrolled in leaf {root.index} in the name of {roles}"] = None
        return None

    def _untimely(self, leaf: Leaf, seal: Seal) -> str:
        made_by, revoked = seal.not_after_ms, self._revoked.get(_key(leaf))
        if revoked is not None and (made_by is None or made_by > revoked):
            return "revoked, and nothing proves an earlier use"
        if made_by is not None and made_by < leaf["not_before_ms"] - _CLOCK_MS:
            return "used before it was valid"
        expired = max(seal.not_before_ms or 0, seal.claimed_ms) > leaf["not_after_ms"] + _CLOCK_MS
        return "used after it was valid" if expired else ""


def _key(leaf: Leaf) -> bytes:
    """The identity that a leaf enrols, or the session key that it delegates."""
    return leaf.values.get("identity", b"") or leaf.values.get("session_key", b"")
