"""What officers approve: that a box is enrolled, or that an enrolment or a session key is revoked. Files in, files out.

A request is one JSON file that an officer can carry on a stick. Nothing in it is believed: what it says of a box is
read from the CSR inside, which the box itself signed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from aigaq.base import N_
from aigaq.ledger.enrolment.csr import SigningRequest, read_csr
from aigaq.ledger.enrolment.errors import BadRequestError
from aigaq.ledger.enrolment.identity import fingerprint
from aigaq.ledger.enrolment.roles import Approval
from aigaq_verify import Kind, RecordError, signed_part

ENROL: Final = "aigaq/enrolment-request/1"
REVOKE: Final = "aigaq/revocation-request/1"
APPROVE: Final = "aigaq/approval/1"
MAX_FILE: Final = 256 << 10
"""Bytes of a request or approval."""
MAX_VALID_MS: Final = 7 * 86_400_000
"""How long an enrolment may last: a week."""


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """A box's CSR, and from when to when it shall be enrolled."""

    csr: str
    asked: SigningRequest
    not_before_ms: int
    not_after_ms: int

    @classmethod
    def make(cls, csr: str, *, not_before_ms: int, not_after_ms: int, where: str = "") -> Self:
        """A request over this CSR; certificates have no milliseconds, so the times must have none.

        Raises:
            BadRequestError: the CSR is not sound, or the time is.
            BadFactsError: the facts in the CSR cannot be read.
        """
        whole = not_before_ms % 1000 == 0 and not_after_ms % 1000 == 0
        if not whole or not 0 <= not_before_ms < not_after_ms <= not_before_ms + MAX_VALID_MS:
            raise BadRequestError(where, problem=N_("it is not for whole seconds, or for more than 7 days"))
        request = cls(csr, read_csr(csr, where), not_before_ms, not_after_ms)
        request.message()
        return request

    @property
    def values(self) -> dict[str, Any]:
        """The leaf's items that are approved, by name."""
        return {
            "election": self.asked.election,
            "station": self.asked.station,
            "identity": self.asked.identity,
            "not_before_ms": self.not_before_ms,
            "not_after_ms": self.not_after_ms,
            "facts_hash": self.asked.facts.hash,
        }

    def message(self) -> bytes:
        """What officers sign."""
        return _message(Kind.ENROLMENT, self.values)

    def to_json(self) -> str:
        """The request as a file; what a person reads in it stands beside the CSR and counts for nothing."""
        told = {
            "election": self.asked.election,
            "station": self.asked.station,
            "fingerprint": fingerprint(self.asked.identity),
            "facts": self.asked.facts.to_json(),
        }
        return _file(ENROL, csr=self.csr, not_before_ms=self.not_before_ms, not_after_ms=self.not_after_ms, told=told)


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """An enrolment or delegation leaf that shall count no more from a moment on."""

    election: str
    station: str
    revoked: bytes
    """Its leaf hash."""
    at_ms: int
    reason: str

    def __post_init__(self) -> None:
        self.message()

    @property
    def values(self) -> dict[str, Any]:
        """The leaf's items that are approved, by name."""
        return {
            "election": self.election,
            "station": self.station,
            "revoked": self.revoked,
            "at_ms": self.at_ms,
            "reason": self.reason,
        }

    def message(self) -> bytes:
        """What officers sign."""
        return _message(Kind.REVOCATION, self.values)

    def to_json(self) -> str:
        """The request as a file."""
        return _file(REVOKE, **{**self.values, "revoked": self.revoked.hex()})


Request = EnrolmentRequest | RevocationRequest


def read_request(text: str, where: str = "") -> Request:
    """Read a request of either kind.

    Raises:
        BadRequestError: not a request, or its parts contradict each other.
        BadFactsError: the facts in its CSR cannot be read.
    """
    match _object(text, where):
        case {"format": str(kind), "csr": str(csr), "not_before_ms": start, "not_after_ms": end} if (
            kind == ENROL and type(start) is int and type(end) is int
        ):
            return EnrolmentRequest.make(csr, not_before_ms=start, not_after_ms=end, where=where)
        case {"format": str(kind), "revoked": str(revoked), **rest} if kind == REVOKE:
            return _revocation(revoked, rest, where)
        case _:
            raise BadRequestError(where, problem=N_("it is not a request that `aigaq enrol` made"))


def write_approval(approval: Approval) -> str:
    """An approval as a file."""
    return _file(APPROVE, role=approval.role, signature=approval.signature.hex())


def read_approval(text: str, where: str = "") -> Approval:
    """Read an approval; whether it counts is for `Roles` to say.

    Raises:
        BadRequestError: not an approval.
    """
    match _object(text, where):
        case {"format": str(kind), "role": str(role), "signature": str(signature)} if kind == APPROVE:
            return Approval(role, _unhex(signature, where))
        case _:
            raise BadRequestError(where, problem=N_("it is not an approval that `aigaq enrol approve` made"))


def _revocation(revoked: str, rest: Mapping[str, object], where: str) -> RevocationRequest:
    match rest:
        case {"election": str(election), "station": str(station), "at_ms": at_ms, "reason": str(reason)} if (
            type(at_ms) is int
        ):
            return RevocationRequest(election, station, _unhex(revoked, where), at_ms, reason)
        case _:
            raise BadRequestError(where, problem=N_("it is not a request that `aigaq enrol` made"))


def _message(kind: Kind, values: Mapping[str, Any]) -> bytes:
    try:
        return signed_part(kind, values)
    except RecordError as error:
        raise BadRequestError(problem=N_("an item is out of its range")) from error


def _file(kind: str, **values: object) -> str:
    return json.dumps({"format": kind, **values}, ensure_ascii=False, indent=2) + "\n"


def _object(text: str, where: str) -> Mapping[str, object]:
    try:
        found = cast("object", json.loads(text)) if len(text) <= MAX_FILE else None
    except (ValueError, RecursionError) as error:
        raise BadRequestError(where, problem=N_("it is not JSON")) from error
    if not isinstance(found, dict):
        raise BadRequestError(where, problem=N_("it is not JSON of one object, or too long"))
    return cast("Mapping[str, object]", found)


def _unhex(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadRequestError(where, problem=N_("it holds something that is not hexadecimal")) from error
