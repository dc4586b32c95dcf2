"""c2sp.org/tlog-witness without network and disk: what a request says, and whether its checkpoint may be cosigned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq.base import N_
from aigaq.ledger.merkle import verify_consistency
from aigaq.ledger.witness.errors import (
    ContradictionError,
    InconsistentError,
    MalformedError,
    NotSignedError,
    StaleError,
    TooLargeError,
    UnknownLogError,
)
from aigaq.ledger.witness.store import Held
from aigaq_verify import Checkpoint, Note, NoteError, VerifierKey
from aigaq_verify.note import MAX_NOTE, parse_decimal, unbase64

MAX_PROOF: Final = 63
MAX_REQUEST: Final = MAX_NOTE + 32 + 45 * MAX_PROOF


@dataclass(frozen=True, slots=True)
class Request:
    """An `add-checkpoint` request: nothing in it is believed yet."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> "Request":
        """Read a request.

        Raises:
            TooLargeError: longer than any request can be.
            MalformedError: not in the form, or the old size is larger than the new one.
        """
        if len(body) > MAX_REQUEST:
            raise TooLargeError(limit=MAX_REQUEST)
        head, _, tail = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            old, proof, note = _parse_old(first), _parse_proof(lines), Note.parse(tail)
            request = cls(old, proof, note, Checkpoint.parse(note.text))
        except (NoteError, UnicodeDecodeError) as error:
            raise MalformedError(problem=N_("it is not old size, proof lines, empty line and checkpoint")) from error
        if request.old > request.checkpoint.size:
            raise MalformedError(problem=N_("the old size is larger than the size of the checkpoint"))
        return request


def check_signed(note: Note, origin: str, logs: Mapping[str, Sequence[VerifierKey]]) -> Note:
    """The note with the log's own signatures alone; others are ignored (signed-note v1.0.0).

    Raises:
        UnknownLogError: no log of that name is followed.
        NotSignedError: none of the log's keys signed, or one of its signatures is false.
    """
    keys = logs.get(origin)
    if not keys:
        raise UnknownLogError(origin=origin)
    try:
        signed = note.signers(keys)
    except NoteError as error:
        raise NotSignedError(origin=origin) from error
    if not signed:
        raise NotSignedError(origin=origin)
    known = {(key.name, key.key_id) for key in signed}
    return Note(note.text, tuple(line for line in note.signatures if (line.name, line.key_id) in known))


def check_extends(request: Request, held: Held) -> None:
    """Whether the checkpoint extends what is held; the order of these checks is the specification's.

    Raises:
        StaleError: the old size is not the one held.
        ContradictionError: the size held, with another root.
        InconsistentError: the proof does not hold.
    """
    new = request.checkpoint
    if request.old != held.size:
        raise StaleError(new.origin, held=held.size)
    if contradicts(new, held):
        raise ContradictionError(new.origin, size=new.size)
    if not verify_consistency(held.size, held.root, new.size, new.root, request.proof):
        raise InconsistentError(new.origin, size=new.size, held=held.size)


def contradicts(checkpoint: Checkpoint, held: Held) -> bool:
    """Whether both together prove that the log signed two histories."""
    return checkpoint.size == held.size and checkpoint.root != held.root


def _parse_old(line: str) -> int:
    if not line.startswith("old "):
        raise NoteError("no old size")
    return parse_decimal(line[4:])


def _parse_proof(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PROOF:
        raise NoteError(f"more than {MAX_PROOF} hashes")
    return tuple(unbase64(line, 32) for line in lines)
