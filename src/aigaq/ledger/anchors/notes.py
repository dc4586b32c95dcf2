"""The checkpoint inside a note, as every anchor needs it. Whether its signatures hold is for others to say."""

from aigaq.base import N_
from aigaq.ledger.anchors.errors import BadAnchorNoteError
from aigaq_verify import Checkpoint, Note, NoteError


def read_checkpoint(note: bytes, where: str = "") -> tuple[Note, Checkpoint]:
    """The note and its checkpoint.

    Raises:
        BadAnchorNoteError: it is no note, or not over a checkpoint.
    """
    try:
        found = Note.parse(note)
        return found, Checkpoint.parse(found.text)
    except NoteError as error:
        raise BadAnchorNoteError(where, problem=N_("it is not a signed note over origin, size and root")) from error
