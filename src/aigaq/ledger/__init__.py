"""The logs: append-only, signed, checkable by anyone. Of a station, and the national one with its witnesses.

They know no video and no election's rules.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from aigaq.ledger.center_log import CenterLog
from aigaq.ledger.errors import (
    BadKeyError,
    BadLeafError,
    BadNoteError,
    BadReceiptError,
    BusyError,
    CheckpointError,
    ForkError,
    KeyFileError,
    LedgerError,
    LogDamagedError,
    MirrorError,
    NotKeptError,
    OversizedError,
    RootMismatchError,
    WitnessConflictError,
    WrongKeyError,
    WrongSizeError,
)
from aigaq.ledger.keys import SigningKey, parse_vkey, verify_request
from aigaq.ledger.last_signed import LastSigned
from aigaq.ledger.log_key import LogKey
from aigaq.ledger.merkle import (
    CompactRange,
    NodeSource,
    consistency_proof,
    inclusion_proof,
    node_hash,
    root_of,
    verify_consistency,
)
from aigaq.ledger.national import NationalLog
from aigaq.ledger.receipt import Receipt, make_receipt, open_receipt
from aigaq.ledger.station_log import StationLog, check_log
from aigaq.ledger.station_logs import StationLogs
from aigaq.ledger.station_note import MAX_BODY
from aigaq.ledger.witnessed import hash16

if TYPE_CHECKING:
    from aigaq.ledger.mirror import Mirror
    from aigaq.ledger.public_log import PublicLog

__all__ = [
    "MAX_BODY",
    "BadKeyError",
    "BadLeafError",
    "BadNoteError",
    "BadReceiptError",
    "BusyError",
    "CenterLog",
    "CheckpointError",
    "CompactRange",
    "ForkError",
    "KeyFileError",
    "LastSigned",
    "LedgerError",
    "LogDamagedError",
    "LogKey",
    "Mirror",
    "MirrorError",
    "NationalLog",
    "NodeSource",
    "NotKeptError",
    "OversizedError",
    "PublicLog",
    "Receipt",
    "RootMismatchError",
    "SigningKey",
    "StationLog",
    "StationLogs",
    "WitnessConflictError",
    "WrongKeyError",
    "WrongSizeError",
    "check_log",
    "consistency_proof",
    "hash16",
    "inclusion_proof",
    "make_receipt",
    "node_hash",
    "open_receipt",
    "parse_vkey",
    "root_of",
    "verify_consistency",
    "verify_request",
]

_LATER: Final = {"Mirror": "aigaq.ledger.mirror", "PublicLog": "aigaq.ledger.public_log"}


def __getattr__(name: str) -> object:
    """Load what brings an object store and an HTTP client when it is first named: a witness is small without them."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
