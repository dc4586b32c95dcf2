"""The witness: cosigns a checkpoint that extends the one before, once that is on disk; keeps what it refused."""

from collections.abc import Mapping, Sequence
from typing import Self

from aigaq.base import Clock, utc_ms
from aigaq.ledger.witness.errors import InconsistentError, RefusedError
from aigaq.ledger.witness.keys import WitnessKeys
from aigaq.ledger.witness.protocol import Request, check_extends, check_signed, contradicts
from aigaq.ledger.witness.settings import WitnessSettings
from aigaq.ledger.witness.store import CONTRADICTION, INCONSISTENT, Held, Refused, WitnessStore
from aigaq_verify import Note, VerifierKey


class Witness:
    """One witness with its keys and its memory. Calls are synchronous, so one at a time."""

    def __init__(
        self, keys: WitnessKeys, logs: Mapping[str, Sequence[VerifierKey]], store: WitnessStore, clock: Clock
    ) -> None:
        self.keys = keys
        self.logs = logs
        self._store = store
        self._clock = clock

    @classmethod
    def open(cls, settings: WitnessSettings, clock: Clock) -> Self:
        """Open the witness that the settings describe.

        Raises:
            KeyFileError: a key is missing or open to others.
            WitnessError: its memory is gone, older than its mark, or in use.
        """
        keys = WitnessKeys.load(settings.folder, settings.witness.name)
        return cls(keys, settings.keys_of_logs(), WitnessStore.open(settings.database, settings.mark), clock)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def add_checkpoint(self, body: bytes) -> bytes:
        """Cosign the checkpoint of a request: the signature lines to answer with. On disk before this returns.

        Raises:
            RefusedError: why not; a checkpoint that the log signed and should not have is kept.
            WitnessDiskError: it cannot be remembered, so it is not signed.
        """
        request = Request.parse(body)
        origin = request.checkpoint.origin
        note = check_signed(request.note, origin, self.logs)
        held = self._store.held(origin)
        try:
            check_extends(request, held)
        except RefusedError as refusal:
            self._keep(note, request, held, refusal)
            raise
        return self._cosign(note, request, held)

    def held(self, origin: str) -> Held:
        """The last checkpoint cosigned of that log."""
        return self._store.held(origin)

    def refused(self, origin: str) -> list[Refused]:
        """The log's notes that were kept as evidence."""
        return self._store.refused(origin)

    def last_time(self) -> int:
        """The latest time signed, POSIX seconds."""
        return self._store.last_time()

    def _cosign(self, note: Note, request: Request, held: Held) -> bytes:
        time = max(utc_ms(self._clock) // 1000, self._store.last_time())  # a clock set back must not back-date
        before = Note.parse(held.note) if held.note else None
        if before and before.text == note.text and time == self._store.last_time():
            return _lines(before, self.keys.name)  # a replay within the second costs no signature and no disk
        cosigned = Note(note.text, (*note.signatures, *self.keys.cosign(note.text, time)))
        new = Held(request.checkpoint.size, request.checkpoint.root, cosigned.encode())
        self._store.swap(request.checkpoint.origin, held, new, time=time)
        return _lines(cosigned, self.keys.name)

    def _keep(self, note: Note, request: Request, held: Held, refusal: RefusedError) -> None:
        if contradicts(request.checkpoint, held):
            kind = CONTRADICTION
        elif isinstance(refusal, InconsistentError):
            kind = INCONSISTENT
        else:
            return
        self._store.keep(request.checkpoint.origin, Refused(kind, utc_ms(self._clock), note.encode()))


def _lines(note: Note, name: str) -> bytes:
    return "".join(str(s) for s in note.signatures if s.name == name).encode()
