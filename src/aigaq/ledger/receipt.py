"""The centre's promise to have kept a record and its bytes. Nothing else allows a box to delete footage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import cbor2

from aigaq.base import N_
from aigaq.ledger.errors import BadReceiptError
from aigaq.ledger.keys import SigningKey, verify_request
from aigaq_verify import ID, MAX_MS, VerifierKey

FORMAT: Final = 1
_VERB: Final = "receipt"
_MAX_SIZE: Final = 160


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record with this leaf hash, of this station, was on the centre's disk at `received_ms` (UTC, its clock)."""

    station: str
    leaf_hash: bytes
    received_ms: int


def make_receipt(key: SigningKey, station: str, leaf_hash: bytes, received_ms: int) -> bytes:
    """Deterministic CBOR `[1, station, leaf_hash, received_ms, signature]`."""
    items = [FORMAT, station, leaf_hash, received_ms]
    return _dumps([*items, key.sign(_VERB, _dumps(items))])


def open_receipt(data: bytes, center: VerifierKey, *, station: str, leaf_hash: bytes) -> Receipt:
    """Read a receipt for that record and check the centre's signature.

    Raises:
        BadReceiptError: not a receipt, of another record, or not signed by this centre.
    """
    items, signature = _parse(data)
    receipt = Receipt(*items[1:])
    if (receipt.station, receipt.leaf_hash) != (station, leaf_hash):
        raise BadReceiptError(station, problem=N_("it is for another record"))
    if not verify_request(center.public, _VERB, _dumps(items), signature):
        raise BadReceiptError(station, problem=N_("the centre that this box knows did not sign it"))
    return receipt


def _parse(data: bytes) -> tuple[list[Any], bytes]:
    try:
        items = cast("object", cbor2.loads(data[:_MAX_SIZE], max_depth=2, allow_indefinite=False))
    except (cbor2.CBORError, ValueError, OverflowError) as error:
        raise BadReceiptError(problem=N_("it is not CBOR")) from error
    match items:
        case [1, str(station), bytes(leaf_hash), int(received_ms), bytes(signature)] if (
            ID.fullmatch(station) and len(leaf_hash) == 32 and 0 <= received_ms <= MAX_MS and len(signature) == 64
        ):
            found = [FORMAT, station, leaf_hash, int(received_ms)]
            if _dumps([*found, signature]) == data:
                return found, signature
            raise BadReceiptError(problem=N_("it is not in canonical form"))
        case _:
            raise BadReceiptError(problem=N_("it is not a receipt of format 1"))


def _dumps(items: Sequence[object]) -> bytes:
    return cbor2.dumps(items, canonical=True)
