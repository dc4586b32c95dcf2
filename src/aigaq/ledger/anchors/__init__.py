"""What ties the logs to the world outside: time stamps by others, an SMS, words on paper signed by hand."""

from aigaq.ledger.anchors.closing import ClosingRoot, close_leaf, closing_sheet, read_code, read_words
from aigaq.ledger.anchors.errors import (
    AnchorError,
    AnchorFileError,
    BadAnchorNoteError,
    BadSmsError,
    BadTokenError,
    BadWordsError,
    MissingExtraError,
    NoAnswerError,
)
from aigaq.ledger.anchors.sms import MAX_SMS, SmsAnchor, read_sms, write_sms
from aigaq.ledger.anchors.timestamp import Stamp, load_roots, request_token, verify_token
from aigaq.ledger.anchors.tokens import Stamped, fetch_witnessed, stamp_note

__all__ = [
    "MAX_SMS",
    "AnchorError",
    "AnchorFileError",
    "BadAnchorNoteError",
    "BadSmsError",
    "BadTokenError",
    "BadWordsError",
    "ClosingRoot",
    "MissingExtraError",
    "NoAnswerError",
    "SmsAnchor",
    "Stamp",
    "Stamped",
    "close_leaf",
    "closing_sheet",
    "fetch_witnessed",
    "load_roots",
    "read_code",
    "read_sms",
    "read_words",
    "request_token",
    "stamp_note",
    "verify_token",
    "write_sms",
]
