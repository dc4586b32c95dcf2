"""The issuing side: a CSR becomes a request, two officers approve it, the authority issues, a leaf is made for the log.

Nothing here decides by itself; it only checks that the right people did, and puts what they signed into one leaf.
"""

from collections.abc import Iterable
from typing import Final

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.enrolment.certificates import IssuingAuthority, whole_second
from aigaq.ledger.enrolment.errors import BadRequestError
from aigaq.ledger.enrolment.requests import MAX_VALID_MS, EnrolmentRequest, Request, RevocationRequest
from aigaq.ledger.enrolment.roles import Approval, Roles
from aigaq.ledger.keys import SigningKey
from aigaq_verify import Kind, Leaf, RecordError, decode_leaf, encode_leaf, leaf_hash

EARLY_MS: Final = 600_000
"""An enrolment begins ten minutes before it is asked for: clocks differ."""
_REVOCABLE: Final = (Kind.ENROLMENT, Kind.DELEGATION)


class Authority:
    """The issuing side of one election."""

    def __init__(self, election: str, roles: Roles, clock: Clock) -> None:
        self.election = election
        self.roles = roles
        self._clock = clock

    def request(self, csr: str, *, valid_ms: int = MAX_VALID_MS, where: str = "") -> EnrolmentRequest:
        """What officers are to approve: this box, from ten minutes ago on.

        Raises:
            BadRequestError: the CSR is not sound, or of another election.
            BadFactsError: the facts in it cannot be read.
        """
        start = whole_second(utc_ms(self._clock)) - EARLY_MS
        request = EnrolmentRequest.make(csr, not_before_ms=start, not_after_ms=start + valid_ms, where=where)
        self._check_election(request.asked.election, where)
        return request

    def revocation(self, leaf: bytes, reason: str, *, at_ms: int | None = None, where: str = "") -> RevocationRequest:
        """What officers are to approve: that this enrolment or delegation counts no more, from now or that moment on.

        Raises:
            BadRequestError: the leaf is neither, of another election, or the reason is empty or too long.
        """
        try:
            found = decode_leaf(leaf)
        except RecordError as error:
            raise BadRequestError(where, problem=N_("only an enrolment or a delegation can be revoked")) from error
        if found.kind not in _REVOCABLE:
            raise BadRequestError(where, problem=N_("only an enrolment or a delegation can be revoked"))
        self._check_election(found["election"], where)
        moment = utc_ms(self._clock) if at_ms is None else at_ms
        return RevocationRequest(found["election"], found["station"], leaf_hash(leaf), moment, reason)

    def approve(self, request: Request, role_key: SigningKey) -> Approval:
        """An officer's approval; the request was shown to them.

        Raises:
            BadApprovalError: the key is not among the role keys.
            BadRequestError: the request is of another election.
        """
        self._check_election(request.values["election"], "")
        return approve(request, role_key, self.roles)

    def complete(
        self, request: EnrolmentRequest, approvals: Iterable[Approval], ca: IssuingAuthority
    ) -> tuple[bytes, bytes]:
        """The certificate (DER) and the enrolment leaf.

        Raises:
            BadApprovalError: an approval does not hold.
            TooFewRolesError: fewer than two different roles approved.
            BadCertificateError: the authority's certificate ends before.
        """
        agreed = self.roles.agreed(approvals, request.message())
        certificate = ca.issue(
            request.asked.identity,
            request.asked.election,
            request.asked.station,
            not_before_ms=request.not_before_ms,
            not_after_ms=request.not_after_ms,
        )
        values = {**request.values, "approvals": _pairs(agreed), "certificate": certificate}
        return certificate, encode_leaf(Leaf(Kind.ENROLMENT, values))

    def revoke(self, request: RevocationRequest, approvals: Iterable[Approval]) -> bytes:
        """The revocation leaf.

        Raises:
            BadApprovalError: an approval does not hold.
            TooFewRolesError: fewer than two different roles approved.
        """
        agreed = self.roles.agreed(approvals, request.message())
        return encode_leaf(Leaf(Kind.REVOCATION, {**request.values, "approvals": _pairs(agreed)}))

    def _check_election(self, election: str, where: str) -> None:
        if election != self.election:
            raise BadRequestError(where, problem=N_("it is of another election"))


def approve(request: Request, role_key: SigningKey, roles: Roles) -> Approval:
    """Sign a request as the officer whose key this is."""
    verb = "enrolment" if isinstance(request, EnrolmentRequest) else "revocation"
    payload = request.message().removeprefix(f"aigaq/{verb}/v1\n".encode())
    return Approval(roles.name_of(role_key), role_key.sign(verb, payload))


def _pairs(approvals: list[Approval]) -> list[list[object]]:
    return [[approval.role, approval.signature] for approval in approvals]
