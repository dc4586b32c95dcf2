"""The key ceremony: root key in shares, issuing authority, keys of the log; scripted, so that it can be rehearsed."""

from aigaq.ledger.ceremony.errors import (
    BadNumbersError,
    BadShareError,
    CeremonyError,
    CheckFailedError,
    FolderError,
    TooFewSharesError,
    WrongRootError,
)
from aigaq.ledger.ceremony.script import Ceremony, Transcript, check_in_memory, reissue
from aigaq.ledger.ceremony.shares import Scheme, combine, commitment, read_words, split

__all__ = [
    "BadNumbersError",
    "BadShareError",
    "Ceremony",
    "CeremonyError",
    "CheckFailedError",
    "FolderError",
    "Scheme",
    "TooFewSharesError",
    "Transcript",
    "WrongRootError",
    "check_in_memory",
    "combine",
    "commitment",
    "read_words",
    "reissue",
    "split",
]
