"""Looking: what the log and its witnesses show, whether it is signed, whether it is late, whether it goes back."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.monitor.alarms import Alarm
from aigaq.ledger.monitor.board import Board
from aigaq.ledger.monitor.errors import BadAnswerError, MonitorError, UnreachableError
from aigaq.ledger.monitor.remote import MAX_REFUSED, Fetch, parse_refused
from aigaq.ledger.monitor.state import Said
from aigaq.ledger.witness import origin_hash
from aigaq_verify import NO_QUORUM, Checkpoint, Note, NoteError, Policy, VerifierKey
from aigaq_verify.note import MAX_NOTE

LOG: Final = "checkpoint"
WITNESSED: Final = "witnessed"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Target:
    """The log that is followed, where it is, and whom one trusts about it."""

    origin: str
    url: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that the log signed, and who showed it."""

    source: str
    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class _Witness:
    url: str
    keys: Sequence[VerifierKey]

    @property
    def name(self) -> str:
        return self.keys[0].name


class _BadNoteError(Exception):
    """A note that must not be shown; the problem in words."""


class Sources:
    """The log and its witnesses. `said` is the largest checkpoint that each has shown."""

    def __init__(
        self, target: Target, said: dict[str, Said], board: Board, fetch: Fetch, clock: Clock, *,
        patience_ms: int, began_ms: int,
    ) -> None:  # fmt: skip
        """Go on from what they said; nobody is late before `began_ms` plus the patience."""
        self.said = said
        self._target = target
        self._board = board
        self._fetch = fetch
        self._clock = clock
        self._patience_ms = patience_ms
        self._began_ms = began_ms
        self._keys = target.policy.keys_of(target.origin)
        self._witnesses = _witnesses(target.policy)

    def look(self) -> list[Seen]:
        """Ask everyone once."""
        seen = [*self._look_at_log(), *self._look_at_witnesses()]
        self._judge_progress()
        return seen

    # ---- the log

    def _look_at_log(self) -> Iterator[Seen]:
        for source in (LOG, WITNESSED):
            url = f"{self._target.url}/{source}"
            try:
                note = self._fetch(url, MAX_NOTE)
            except UnreachableError as error:
                self._silent(Alarm.SILENT, self._target.origin, self.said.get(LOG), error)
                return
            except BadAnswerError:
                self._raise(Alarm.BAD_NOTE, url, problem=N_("the address answers something else"))
                continue
            self._clear(Alarm.SILENT, self._target.origin)
            if note is not None and (one := self._open(source, url, note)):
                self._remember(Alarm.ROLLBACK, url, one)
                yield one

    def _open(self, source: str, where: str, note: bytes, witness: _Witness | None = None) -> Seen | None:
        try:
            one = self._signed(source, note)
            if witness:
                _check_cosigned(note, witness)
            elif source == WITNESSED:
                self._check_quorum(note)
        except _BadNoteError as error:
            self._raise(Alarm.BAD_NOTE, where, problem=str(error))
            return None
        self._clear(Alarm.BAD_NOTE, where)
        return one

    def _signed(self, source: str, note: bytes) -> Seen:
        try:
            checkpoint, _ = Checkpoint.open(note, self._keys)
        except NoteError as error:
            raise _BadNoteError(N_("a signature of the log is missing or false")) from error
        return Seen(source, checkpoint, note)

    def _check_quorum(self, note: bytes) -> None:
        try:
            if self._counts() and self._target.policy.witnessed(note) is None:
                raise _BadNoteError(N_("it has no quorum of witnesses"))
        except NoteError as error:
            raise _BadNoteError(N_("a signature of a witness is false")) from error

    def _remember(self, back: Alarm, subject: str, one: Seen) -> None:
        now, before, size = utc_ms(self._clock), self.said.get(one.source), one.checkpoint.size
        if before and size < before.size:
            self._raise(back, subject, before=before.size, after=size)
        else:
            changed_ms = before.changed_ms if before and size == before.size else now
            self.said[one.source] = Said(size, one.note, now, changed_ms)

    # ---- the witnesses

    def _look_at_witnesses(self) -> Iterator[Seen]:
        """The notes that they hold and the ones that they refused; all asked at once, for some may be slow."""
        if not self._witnesses:
            return
        with ThreadPoolExecutor(len(self._witnesses)) as pool:
            answers = list(pool.map(self._ask, self._witnesses))
        for witness, answer in zip(self._witnesses, answers, strict=True):
            if isinstance(answer, MonitorError):
                self._silent(Alarm.WITNESS_SILENT, witness.name, self.said.get(witness.name), answer)
                continue
            self._clear(Alarm.WITNESS_SILENT, witness.name)
            note, refused = answer
            if note is not None and (one := self._open(witness.name, witness.name, note, witness)):
                self._judge_clock(witness, note)
                self._remember(Alarm.WITNESS_ROLLBACK, witness.name, one)
                yield one
            yield from self._evidence(refused)

    def _ask(self, witness: _Witness) -> tuple[bytes | None, list[bytes]] | MonitorError:
        base = f"{witness.url}/{origin_hash(self._target.origin)}"
        try:
            note = self._fetch(f"{base}/checkpoint", MAX_NOTE)
        except MonitorError as error:
            return error
        try:
            refused = self._fetch(f"{base}/refused", MAX_REFUSED)
            return note, parse_refused(base, refused) if refused else []
        except MonitorError:
            return note, []  # other programs that speak the protocol keep no such list

    def _evidence(self, refused: Sequence[bytes]) -> Iterator[Seen]:
        for note in refused:
            try:
                yield self._signed(REFUSED, note)
            except _BadNoteError:
                continue  # a witness may say anything; what the log did not sign proves nothing

    def _judge_clock(self, witness: _Witness, note: bytes) -> None:
        """Its newest signature cannot be later than now, nor much earlier if the note is new since the last look."""
        now, before = utc_ms(self._clock), self.said.get(witness.name)
        ahead = max(Note.parse(note).signers(witness.keys).values()) * 1000 - now
        fresh = before is not None and before.note != note and now - before.seen_ms <= self._patience_ms
        if ahead > self._patience_ms or (fresh and -ahead > 2 * self._patience_ms):
            self._raise(Alarm.WITNESS_CLOCK, witness.name, seconds=ahead // 1000)
        elif fresh:
            self._clear(Alarm.WITNESS_CLOCK, witness.name)

    # ---- time

    def _judge_progress(self) -> None:
        origin, log = self._target.origin, self.said.get(LOG)
        size = log.size if log else 0
        self._judge_late(Alarm.STALLED, origin, log, owed=True)
        if self._counts():
            witnessed = self.said.get(WITNESSED)
            self._judge_late(Alarm.QUORUM_LOST, origin, witnessed, owed=size > _size(witnessed))
        for witness in self._witnesses:
            said = self.said.get(witness.name)
            self._judge_late(Alarm.WITNESS_BEHIND, witness.name, said, owed=size > _size(said))

    def _judge_late(self, code: Alarm, subject: str, said: Said | None, *, owed: bool) -> None:
        waited = utc_ms(self._clock) - max(said.changed_ms if said else 0, self._began_ms)
        if owed and waited > self._patience_ms:
            self._raise(code, subject, seconds=waited // 1000)
        else:
            self._clear(code, subject)

    def _silent(self, code: Alarm, subject: str, said: Said | None, error: MonitorError) -> None:
        if utc_ms(self._clock) - max(said.seen_ms if said else 0, self._began_ms) > self._patience_ms:
            self._raise(code, subject, reason=error.facts["reason"])

    def _counts(self) -> bool:
        return self._target.policy.quorum != NO_QUORUM

    def _raise(self, code: Alarm, subject: str, **facts: object) -> None:
        self._board.raise_(code, subject, utc_ms(self._clock), **facts)

    def _clear(self, code: Alarm, subject: str) -> None:
        self._board.clear(code, subject, utc_ms(self._clock))


def _check_cosigned(note: bytes, witness: _Witness) -> None:
    try:
        signed = Note.parse(note).signers(witness.keys)
    except NoteError as error:
        raise _BadNoteError(N_("a signature of a witness is false")) from error
    if not any(signed.values()):
        raise _BadNoteError(N_("the witness has not signed it"))


def _witnesses(policy: Policy) -> list[_Witness]:
    """The witnesses that have an address; two keys at one address are one witness."""
    found: dict[str, list[VerifierKey]] = {}
    for key in policy.witnesses.values():
        if key in policy.urls:
            found.setdefault(policy.urls[key].rstrip("/"), []).append(key)
    return [_Witness(url, keys) for url, keys in found.items()]


def _size(said: Said | None) -> int:
    return said.size if said else 0
