"""Which keys speak for which station, as the leaves of the national log say. Pure state: no files, no network.

`check` judges a leaf that someone brings; `add` takes what the log holds, in the order of the log, and judges no
approvals again: an officer who has left must not undo what they once approved. Where two leaves of the log contradict
each other, the first counts.

A revocation names a leaf and means its key: an enrolment's identity, a delegation's session key. That key never speaks
again, under whatever leaf; else last week's enrolment of a box would outlive the revocation of this week's.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.enrolment.certificates import check_certificate
from aigaq.ledger.enrolment.csr import station_name
from aigaq.ledger.enrolment.errors import (
    BadLeafError,
    EnrolmentError,
    EqualKeysError,
    RevokedError,
    UnknownTargetError,
)
from aigaq.ledger.enrolment.requests import MAX_VALID_MS
from aigaq.ledger.enrolment.roles import Approval, Roles
from aigaq.ledger.enrolment.session_keys import VALID_MS
from aigaq_verify import (
    Kind,
    Leaf,
    RecordError,
    VerifierKey,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    signed_part,
    verify_delegation,
)

TOLERANCE_MS: Final = 600_000
"""Clocks may differ by ten minutes: so much longer, on both sides, a key counts."""
KINDS: Final = (Kind.ENROLMENT, Kind.DELEGATION, Kind.REVOCATION)
"""Leaves that carry their own authority."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf of the directory and its place in the national log."""

    index: int
    hash: bytes
    leaf: Leaf


@dataclass(slots=True)
class _Station:
    enrolments: dict[bytes, Entry] = field(default_factory=dict[bytes, Entry])
    delegations: dict[bytes, Entry] = field(default_factory=dict[bytes, Entry])
    revocations: list[Entry] = field(default_factory=list[Entry])
    revoked_ms: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """From when on a key counts no more; the earliest of several revocations."""

    def key_of(self, hash_: bytes) -> bytes | None:
        """The key that the leaf with this hash is about."""
        if hash_ in self.enrolments:
            return self.enrolments[hash_].leaf["identity"]
        return self.delegations[hash_].leaf["session_key"] if hash_ in self.delegations else None


class Directory:
    """The keys of one election's stations."""

    def __init__(
        self,
        log_origin: str,
        roles: Roles,
        *,
        clock: Clock,
        authority: x509.Certificate | None = None,
    ) -> None:
        """Begin with no station; `log_origin` is `<log-domain>/<election>`, `authority` issues the certificates."""
        self.log_origin = log_origin
        self.election = log_origin.rpartition("/")[2]
        self._roles = roles
        self._clock = clock
        self._authority = authority
        self._stations: defaultdict[str, _Station] = defaultdict(_Station)
        self._owners: dict[bytes, str] = {}

    def __contains__(self, station: object) -> bool:
        """Whether an enrolment of the station is in the log and not revoked; it may have expired."""
        held = self._stations.get(station) if isinstance(station, str) else None
        return held is not None and any(e.leaf["identity"] not in held.revoked_ms for e in held.enrolments.values())

    def __iter__(self) -> Iterator[str]:
        """The stations that ever were enrolled, sorted."""
        return iter(sorted(name for name, held in self._stations.items() if held.enrolments))

    def origin(self, station: str) -> str:
        """The name of the station's log and of its session keys."""
        return f"{self.log_origin}/s/{station}"

    def keys(self, station: str, at_ms: int | None = None) -> list[VerifierKey]:
        """The session keys that count at that moment, else now; the newest first.

        A key counts while its delegation and the enrolment below it both last, give or take ten minutes, until the
        moment from which one of them is revoked.
        """
        held = self._stations.get(station)
        if held is None:
            return []
        at = utc_ms(self._clock) if at_ms is None else at_ms
        valid = [entry for entry in held.delegations.values() if _counts(held, entry, at)]
        valid.sort(key=lambda entry: (entry.leaf["not_before_ms"], entry.index), reverse=True)
        publics = dict.fromkeys(entry.leaf["session_key"] for entry in valid)
        return [VerifierKey(self.origin(station), public) for public in publics]

    def enrolments(self, station: str) -> list[Entry]:
        """Its enrolments, in the order of the log."""
        return list(self._stations[station].enrolments.values()) if station in self._stations else []

    def delegations(self, station: str) -> list[Entry]:
        """Its delegations, in the order of the log."""
        return list(self._stations[station].delegations.values()) if station in self._stations else []

    def revocations(self, station: str) -> list[Entry]:
        """Its revocations, in the order of the log."""
        return list(self._stations[station].revocations) if station in self._stations else []

    def check(self, leaf: bytes) -> Leaf:
        """Judge a leaf that someone brings; the state stays as it is.

        Raises:
            BadLeafError: not a leaf of these kinds and this election, a false signature, or too long a time.
            BadApprovalError: an approval by nobody known, or not over this.
            TooFewRolesError: fewer than two different roles.
            BadCertificateError: the certificate does not say what the leaf says, or another issued it.
            EqualKeysError: a key of it belongs to another station.
            UnknownTargetError: it rests on a leaf that is not in the log.
            RevokedError: it rests on a leaf that was revoked.
        """
        found = self._read(leaf)
        self._check_state(found)
        if found.kind is Kind.DELEGATION:
            return found
        approvals = [Approval(name, signature) for name, signature in found["approvals"]]
        self._roles.agreed(approvals, signed_part(found.kind, found.values))
        if found.kind is Kind.ENROLMENT:
            check_certificate(
                found["certificate"],
                found["identity"],
                station_name(found["election"], found["station"]),
                not_before_ms=found["not_before_ms"],
                not_after_ms=found["not_after_ms"],
                authority=self._authority,
            )
        return found

    def add(self, index: int, leaf: bytes) -> bool:
        """Take a leaf of the national log; whether it counts. One that is there already changes nothing."""
        try:
            found = self._read(leaf)
            self._check_state(found)
        except EnrolmentError:
            return False
        held, entry = self._stations[found["station"]], Entry(index, leaf_hash(leaf), found)
        match found.kind:
            case Kind.ENROLMENT:
                held.enrolments.setdefault(entry.hash, entry)
                self._owners[found["identity"]] = found["station"]
            case Kind.DELEGATION:
                held.delegations.setdefault(entry.hash, entry)
                self._owners[found["session_key"]] = found["station"]
            case _:
                if all(entry.hash != other.hash for other in held.revocations):
                    held.revocations.append(entry)
                key = held.key_of(found["revoked"]) or b""
                held.revoked_ms[key] = min(found["at_ms"], held.revoked_ms.get(key, found["at_ms"]))
        return True

    def _read(self, data: bytes) -> Leaf:
        try:
            found = decode_leaf(data)
        except RecordError as error:
            raise BadLeafError(problem=N_("it is not in the form of a leaf")) from error
        if found.kind not in KINDS:
            raise BadLeafError(problem=N_("only enrolments, delegations and revocations may be brought"))
        if found["election"] != self.election:
            raise BadLeafError(problem=N_("it is of another election"))
        return found

    def _check_state(self, found: Leaf) -> None:
        match found.kind:
            case Kind.ENROLMENT:
                self._check_enrolment(found)
            case Kind.DELEGATION:
                self._check_delegation(found)
            case _:
                held = self._stations.get(found["station"]) or _Station()
                if held.key_of(found["revoked"]) is None:
                    raise UnknownTargetError(target=found["revoked"].hex(), station=found["station"])

    def _check_enrolment(self, found: Leaf) -> None:
        if found["not_after_ms"] - found["not_before_ms"] > MAX_VALID_MS:
            raise BadLeafError(problem=N_("an enrolment lasts longer than 7 days"))
        self._check_key(found["identity"], found)
        approved, hash_ = signed_part(found.kind, found.values), leaf_hash(encode_leaf(found))
        for entry in self.enrolments(found["station"]):
            if entry.hash != hash_ and signed_part(found.kind, entry.leaf.values) == approved:
                raise BadLeafError(problem=N_("the log holds this enrolment with another certificate"))

    def _check_delegation(self, found: Leaf) -> None:
        station = found["station"]
        held = self._stations.get(station) or _Station()
        enrolment = held.enrolments.get(found["enrolment"])
        if enrolment is None:
            raise UnknownTargetError(target=found["enrolment"].hex(), station=station)
        if found["not_after_ms"] - found["not_before_ms"] > VALID_MS:
            raise BadLeafError(problem=N_("a session key lasts longer than 36 hours"))
        if not verify_delegation(found, enrolment.leaf):
            raise BadLeafError(problem=N_("the enrolled identity key did not sign it"))
        self._check_key(found["session_key"], found)
        if enrolment.leaf["identity"] in held.revoked_ms:
            raise RevokedError(station=station)

    def _check_key(self, key: bytes, found: Leaf) -> None:
        """One key, one station; and one that was revoked does not come back."""
        station = found["station"]
        owner = self._owners.get(key, station)
        if owner != station:
            raise EqualKeysError(station=station, other=owner)
        if station in self._stations and key in self._stations[station].revoked_ms:
            raise RevokedError(station=station)


def _counts(held: _Station, delegation: Entry, at_ms: int) -> bool:
    enrolment = held.enrolments[delegation.leaf["enrolment"]].leaf
    keys = enrolment["identity"], delegation.leaf["session_key"]
    unrevoked = all(at_ms < held.revoked_ms.get(key, at_ms + 1) for key in keys)
    return unrevoked and _lasts(enrolment, at_ms) and _lasts(delegation.leaf, at_ms)


def _lasts(leaf: Leaf, at_ms: int) -> bool:
    return bool(leaf["not_before_ms"] - TOLERANCE_MS <= at_ms <= leaf["not_after_ms"] + TOLERANCE_MS)
