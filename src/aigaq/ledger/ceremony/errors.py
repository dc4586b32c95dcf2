"""What stops a ceremony. No text here ever holds a word of a share.

```
CeremonyError
├── BadNumbersError    a threshold that protects nothing, or more shares than can be made
├── FolderError        the folder is not new, or is on a disk
├── BadShareError      words that are not a share, or one of another ceremony
├── TooFewSharesError  fewer shares than needed
├── WrongRootError     the shares give another key than the root's
└── CheckFailedError   a check of the ceremony's own failed: nothing made in it may be used
```
"""

from aigaq.base import N_
from aigaq.ledger.errors import LedgerError


class CeremonyError(LedgerError):
    """Root of the errors of the ceremony."""

    code = "ceremony.error"
    why = N_("The ceremony could not go on.")


class BadNumbersError(CeremonyError):
    """Threshold and number of shares make no sense."""

    code = "ceremony.bad_numbers"
    why = N_("{shares} of {of} shares is not possible.")
    hint = N_("Between 2 and 16 shares are made; at least 2, and more than half of them, must be needed.")


class FolderError(CeremonyError):
    """The folder holds something, or its files would reach a disk."""

    code = "ceremony.folder"
    why = N_("The folder cannot be used: {problem}.")
    hint = N_("Name a new folder in memory, for example /dev/shm/ceremony.")


class BadShareError(CeremonyError):
    """Not the words of a share, or of another ceremony."""

    code = "ceremony.bad_share"
    why = N_("This share cannot be used: {problem}.")
    hint = N_("Compare every word with the sheet; the QR code on it holds the same words.")


class TooFewSharesError(CeremonyError):
    """Fewer different shares than the ceremony asked for."""

    code = "ceremony.too_few_shares"
    why = N_("{given} different shares were given; {needed} are needed.")
    hint = N_("Ask further holders to come with their sheets.")


class WrongRootError(CeremonyError):
    """The shares belong to another root certificate."""

    code = "ceremony.wrong_root"
    why = N_("The shares give a key, but not the one of this root certificate.")
    hint = N_("Take the certificate whose hash stands in the transcript of the ceremony.")


class CheckFailedError(CeremonyError):
    """A check inside the ceremony failed."""

    code = "ceremony.failed"
    why = N_("The ceremony failed its own check: {problem}.")
    hint = N_("Destroy all that was made, use other hardware, and begin again.")
