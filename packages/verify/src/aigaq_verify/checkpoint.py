"""C2SP checkpoints (c2sp.org/tlog-checkpoint v1.0.0): the text that a log signs for a tree."""

from collections.abc import Iterable
from dataclasses import dataclass

from aigaq_verify.note import Note, NoteError, VerifierKey, parse_decimal, to_base64, unbase64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, its size and its root hash. Extension lines are opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text.

        Raises:
            NoteError: not a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or "" in lines[:-1] or lines[-1]:
            raise NoteError("not a checkpoint: origin, size, root, no empty line")
        origin, size, root, *extensions = lines[:-1]
        return cls(origin, parse_decimal(size), unbase64(root, 32), tuple(extensions))

    @classmethod
    def open(cls, note: bytes, keys: Iterable[VerifierKey]) -> tuple["Checkpoint", VerifierKey]:
        """The checkpoint of a note, and the trusted key that signed it. The key's name must be the log's origin.

        Raises:
            UnknownKeyError: signed by none of the keys.
            NoteError: not a note, a false signature, not a checkpoint, or a key of another log.
        """
        parsed = Note.parse(note)
        key = parsed.verify(keys)
        checkpoint = cls.parse(parsed.text)
        if key.name != checkpoint.origin:
            raise NoteError(f"a checkpoint of {checkpoint.origin} signed by the key of {key.name}")
        return checkpoint, key

    def text(self) -> str:
        """The text to sign."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)
