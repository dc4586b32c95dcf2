"""What can go wrong with anchors: proofs of time by others, and roots carried on paper and by SMS.

```
AnchorError
├── NoAnswerError      a time-stamping authority or calendar did not answer, or refused
├── BadTokenError      a token that does not prove this
├── BadAnchorNoteError the note to be anchored is none
├── MissingExtraError  OpenTimestamps is not installed
├── BadSmsError        a text message that is no anchor of this log
├── BadWordsError      typed words are not the ones on the paper
└── AnchorFileError    a file that cannot be read or written
```
"""

from aigaq.base import N_
from aigaq.ledger.errors import LedgerError


class AnchorError(LedgerError):
    """Root of the errors of anchors."""

    code = "anchor.error"
    why = N_("The anchor could not be made or checked.")


class NoAnswerError(AnchorError):
    """No stamp was given."""

    code = "anchor.no_answer"
    why = N_("No time stamp was given: {problem}.")
    hint = N_("The log goes on without it. Try again, or ask another authority.")


class BadTokenError(AnchorError):
    """A token is damaged, for something else, or by nobody trusted."""

    code = "anchor.bad_token"
    why = N_("The time stamp proves nothing: {problem}.")
    hint = N_("Check that token, note and the authority's certificate belong together.")


class BadAnchorNoteError(AnchorError):
    """Not a checkpoint in a signed note."""

    code = "anchor.bad_note"
    why = N_("This is not a checkpoint of a log: {problem}.")
    hint = N_("Take the note as the log serves it, byte for byte.")


class MissingExtraError(AnchorError):
    """The optional part of the program is not installed."""

    code = "anchor.missing_extra"
    why = N_("OpenTimestamps is not installed.")
    hint = N_("Install it with `pip install 'aigaq[opentimestamps]'`.")


class BadSmsError(AnchorError):
    """A text message that cannot be read, or is not of one of these logs."""

    code = "anchor.bad_sms"
    why = N_("The message is not an anchor: {problem}.")
    hint = N_("Copy the whole message, from AQ1 to its end, and name the station that sent it.")


class BadWordsError(AnchorError):
    """Typed words do not give the root."""

    code = "anchor.bad_words"
    why = N_("These are not the words of this root: {problem}.")
    hint = N_("Compare the words at these places with the paper: {places}.")


class AnchorFileError(AnchorError):
    """A file cannot be read or written."""

    code = "anchor.file"
    why = N_("The file cannot be used: {problem}.")
    hint = N_("Look at the path; what is there already is never overwritten.")
