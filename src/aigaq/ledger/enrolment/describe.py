"""What a file of enrolment says, for a person or a program: CSR, request, approval or leaf, told apart by content."""

from typing import Any

from aigaq.base import N_, from_ms
from aigaq.ledger.enrolment.csr import SigningRequest, read_csr
from aigaq.ledger.enrolment.errors import BadRequestError
from aigaq.ledger.enrolment.identity import fingerprint
from aigaq.ledger.enrolment.requests import (
    APPROVE,
    MAX_FILE,
    EnrolmentRequest,
    Request,
    read_approval,
    read_request,
)
from aigaq_verify import RecordError, decode_leaf, leaf_hash


def describe(data: bytes, where: str = "") -> dict[str, Any]:
    """Names and values; bytes in hexadecimal.

    Raises:
        BadRequestError: none of these files.
        BadFactsError: the facts in a CSR cannot be read.
    """
    if data.startswith(b"-----BEGIN"):
        return {"file": "CSR", **_asked(read_csr(data.decode(errors="replace"), where))}
    if data.lstrip().startswith(b"{"):
        text = data[: MAX_FILE + 1].decode(errors="replace")
        return _approval(text, where) if f'"{APPROVE}"' in text else describe_request(read_request(text, where))
    try:
        leaf = decode_leaf(data)
    except RecordError as error:
        raise BadRequestError(where, problem=N_("it is neither CSR, request, approval nor leaf")) from error
    named = leaf.kind.name.lower().replace("_", " ")
    return {
        "file": f"leaf, {named}",
        "leaf_hash": leaf_hash(data).hex(),
        **{k: _plain(k, v) for k, v in leaf.values.items()},
    }


def describe_request(request: Request) -> dict[str, Any]:
    """What an officer must have seen before approving."""
    if isinstance(request, EnrolmentRequest):
        window = {"from": _time(request.not_before_ms), "to": _time(request.not_after_ms)}
        return {"file": "request to enrol", **_asked(request.asked), **window}
    values = {name: _plain(name, value) for name, value in request.values.items()}
    return {"file": "request to revoke", **values}


def _asked(asked: SigningRequest) -> dict[str, Any]:
    return {
        "election": asked.election,
        "station": asked.station,
        "fingerprint": fingerprint(asked.identity),
        "facts": asked.facts.to_json(),
    }


def _approval(text: str, where: str) -> dict[str, Any]:
    approval = read_approval(text, where)
    return {"file": "approval", "role": approval.role, "signature": approval.signature.hex()}


def _plain(name: str, value: object) -> object:
    match value:
        case bytes():
            return value.hex()
        case int() if name.endswith("_ms"):
            return _time(value)
        case [*items]:
            return [_plain("", item) for item in items]
        case _:
            return value


def _time(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
