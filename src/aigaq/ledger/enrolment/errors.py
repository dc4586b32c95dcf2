"""Why an enrolment, a delegation or a revocation is refused.

```
EnrolmentError
├── BadFactsError        what a box says of itself cannot be read
├── BadRequestError      a CSR or a request for approval that cannot be used
├── BadRolesError        the file of role keys cannot be used
├── BadApprovalError     an approval that does not count
├── TooFewRolesError     not two different roles
├── BadCertificateError  a certificate that does not say what the leaf says
├── BadLeafError         a leaf that cannot be what it claims
├── EqualKeysError       one key on two stations
├── UnknownTargetError   names an enrolment or delegation that the log does not have
├── RevokedError         rests on something revoked
├── NotEnrolledError     the box has no enrolment yet, or another one's
├── OutputError          a file that was to be written is there already
├── TpmError             the TPM that keeps a key does not sign
└── CenterRefusedError   the centre did not take the leaf
```
"""

from aigaq.base import N_
from aigaq.ledger.errors import LedgerError


class EnrolmentError(LedgerError):
    """Root of the errors of enrolment."""

    code = "enrol.error"
    why = N_("The enrolment could not be done.")


class BadFactsError(EnrolmentError):
    """The facts of a box are not in their form."""

    code = "enrol.bad_facts"
    why = N_("The facts about the box cannot be used: {problem}.")
    hint = N_("The reference page on enrolment shows a file of facts; correct the named place.")


class BadRequestError(EnrolmentError):
    """A CSR or a request that cannot be read, or whose parts contradict each other."""

    code = "enrol.bad_request"
    why = N_("The request cannot be used: {problem}.")
    hint = N_("Take `station.csr` from the box again, and make the request anew.")


class BadRolesError(EnrolmentError):
    """The file of role keys has a line that cannot be used, or lacks a key."""

    code = "enrol.bad_roles"
    why = N_("The file of role keys cannot be used: {problem}.")
    hint = N_("One key a line, named role/post, as `aigaq enrol roles --add` writes it; each role and key once.")


class BadApprovalError(EnrolmentError):
    """An approval by nobody known, or not over this."""

    code = "enrol.bad_approval"
    why = N_("The approval of {role} does not count: {problem}.")
    hint = N_("Let that officer look at this very request and approve it again.")


class TooFewRolesError(EnrolmentError):
    """Approvals of one role only."""

    code = "enrol.too_few_roles"
    why = N_("Two different roles must approve; these have: {roles}.")
    hint = N_("Ask an officer of another role; two posts of one role count once.")


class BadCertificateError(EnrolmentError):
    """The certificate is not for this key, station and time, or not by the issuing authority."""

    code = "enrol.bad_certificate"
    why = N_("The certificate does not fit: {problem}.")
    hint = N_("Complete the request again with the key and certificate of the issuing authority of this election.")


class BadLeafError(EnrolmentError):
    """Not a leaf of this kind and election, or its signature or time is wrong."""

    code = "enrol.bad_leaf"
    why = N_("The leaf is refused: {problem}.")
    hint = N_("Make it again from the same request; if that fails too, compare program versions and clocks.")


class EqualKeysError(EnrolmentError):
    """One key speaks for two stations: a box was copied."""

    code = "enrol.equal_keys"
    why = N_("Station {station} brings a key that belongs to {other}.")
    hint = N_("Stop both boxes and find out which one was copied; give each a new key of its own.")
    http_status = 409


class UnknownTargetError(EnrolmentError):
    """What a delegation or revocation names is not in the log."""

    code = "enrol.unknown_target"
    why = N_("The log holds nothing with the hash {target} for station {station}.")
    hint = N_("Bring the enrolment to the centre first; then what rests on it.")
    http_status = 409


class RevokedError(EnrolmentError):
    """The enrolment or the key was revoked."""

    code = "enrol.revoked"
    why = N_("The enrolment or key of station {station} was revoked.")
    hint = N_("Find out why; if the box may go on, enrol it anew with a new key.")
    http_status = 409


class NotEnrolledError(EnrolmentError):
    """The box holds no enrolment that names its identity key."""

    code = "enrol.not_enrolled"
    why = N_("The enrolment of this box cannot be used: {problem}.")
    hint = N_("Bring `station.csr` to the commission, and put the file that it gives back into the data folder.")


class CenterRefusedError(EnrolmentError):
    """The centre answered with a refusal, or not at all."""

    code = "enrol.center_refused"
    why = N_("The centre did not take the leaf: {answer}.")
    hint = N_("Keep the file; correct what the centre named, and bring it again.")


class OutputError(EnrolmentError):
    """A file that was to be written exists, or the disk refuses it."""

    code = "enrol.output"
    why = N_("The file cannot be written: {problem}.")
    hint = N_("Name another file; what is there already is never overwritten.")


class TpmError(EnrolmentError):
    """The TPM that keeps a key cannot be reached, or refuses."""

    code = "enrol.tpm"
    why = N_("The key in the TPM cannot be used: {problem}.")
    hint = N_("Install tpm2-tools, let this user open /dev/tpmrm0 (group tss), and use the TPM that made the key.")
    http_status = 503
