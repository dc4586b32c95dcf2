"""The log of a station: append-only, signed, checkable by anyone. It knows no video and no network."""

from aigaq.ledger.errors import (
    BadKeyError,
    BadNoteError,
    BadReceiptError,
    CheckpointError,
    ForkError,
    KeyFileError,
    LedgerError,
    LogDamagedError,
    OversizedError,
    RootMismatchError,
    WrongKeyError,
    WrongSizeError,
)
from aigaq.ledger.keys import SigningKey, parse_vkey, verify_request
from aigaq.ledger.receipt import Receipt, make_receipt, open_receipt
from aigaq.ledger.replica import MAX_BODY, MAX_LEAVES, LogReplica
from aigaq.ledger.station_log import StationLog

__all__ = [
    "MAX_BODY",
    "MAX_LEAVES",
    "BadKeyError",
    "BadNoteError",
    "BadReceiptError",
    "CheckpointError",
    "ForkError",
    "KeyFileError",
    "LedgerError",
    "LogDamagedError",
    "LogReplica",
    "OversizedError",
    "Receipt",
    "RootMismatchError",
    "SigningKey",
    "StationLog",
    "WrongKeyError",
    "WrongSizeError",
    "make_receipt",
    "open_receipt",
    "parse_vkey",
    "verify_request",
]
