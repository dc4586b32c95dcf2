"""Who may sign for a station: identities, their enrolment by two officers, session keys, what the log says of them."""

from aigaq.ledger.enrolment.authority import Authority, approve
from aigaq.ledger.enrolment.certificates import IssuingAuthority, load_authority
from aigaq.ledger.enrolment.csr import SigningRequest, make_csr, read_csr
from aigaq.ledger.enrolment.delivery import post_leaf
from aigaq.ledger.enrolment.directory import Directory, Entry
from aigaq.ledger.enrolment.errors import (
    BadApprovalError,
    BadCertificateError,
    BadFactsError,
    BadLeafError,
    BadRequestError,
    BadRolesError,
    CenterRefusedError,
    EnrolmentError,
    EqualKeysError,
    NotEnrolledError,
    OutputError,
    RevokedError,
    TooFewRolesError,
    TpmError,
    UnknownTargetError,
)
from aigaq.ledger.enrolment.facts import CameraFacts, Facts
from aigaq.ledger.enrolment.identity import Identity, IdentityKey, fingerprint
from aigaq.ledger.enrolment.requests import (
    EnrolmentRequest,
    Request,
    RevocationRequest,
    read_approval,
    read_request,
    write_approval,
)
from aigaq.ledger.enrolment.roles import Approval, Roles
from aigaq.ledger.enrolment.session_keys import SessionKeys
from aigaq.ledger.enrolment.tpm import TpmKey

__all__ = [
    "Approval",
    "Authority",
    "BadApprovalError",
    "BadCertificateError",
    "BadFactsError",
    "BadLeafError",
    "BadRequestError",
    "BadRolesError",
    "CameraFacts",
    "CenterRefusedError",
    "Directory",
    "EnrolmentError",
    "EnrolmentRequest",
    "Entry",
    "EqualKeysError",
    "Facts",
    "Identity",
    "IdentityKey",
    "IssuingAuthority",
    "NotEnrolledError",
    "OutputError",
    "Request",
    "RevocationRequest",
    "RevokedError",
    "Roles",
    "SessionKeys",
    "SigningRequest",
    "TooFewRolesError",
    "TpmError",
    "TpmKey",
    "UnknownTargetError",
    "approve",
    "fingerprint",
    "load_authority",
    "make_csr",
    "post_leaf",
    "read_approval",
    "read_csr",
    "read_request",
    "write_approval",
]
