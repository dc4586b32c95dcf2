"""What can go wrong with keys, logs and receipts.

```
LedgerError
├── KeyFileError       a key file is missing, broken or open to others
├── BadKeyError        a public key that must not be trusted
├── BadReceiptError    a receipt that the centre did not sign for this record
├── LogDamagedError    tiles or checkpoint on disk do not hold together
├── ForkError          signing would contradict what was signed before
├── NotKeptError       the centre's disk does not take what came
├── BusyError          more came at once than the centre takes
├── BadLeafError       not a leaf that others may bring to the national log
├── WitnessConflictError  a witness has seen another history of the log
├── MirrorError        the log cannot be copied to another place
└── CheckpointError    the centre refuses a station's checkpoint:
        BadNoteError WrongKeyError WrongSizeError RootMismatchError OversizedError
```
"""

from aigaq.base import N_, AigaqError


class LedgerError(AigaqError):
    """Root of the ledger's errors."""

    code = "ledger.error"
    why = N_("The log could not do this.")
    hint = N_("Look at the log of the program for the cause.")
    http_status = 422


class KeyFileError(LedgerError):
    """A private key cannot be made or read."""

    code = "ledger.key_file"
    why = N_("The key file cannot be used: {problem}.")
    hint = N_(
        "Keep the key readable by its owner alone (mode 600); make a new one only if this station never recorded."
    )


class BadKeyError(LedgerError):
    """A public key is not in the form of a verifier key, or is not sound."""

    code = "ledger.bad_key"
    why = N_("This public key cannot be trusted: {problem}.")
    hint = N_("Copy the whole line that the key's owner printed, and compare it with them by another channel.")
    http_status = 503


class BadReceiptError(LedgerError):
    """A receipt is malformed, of another record, or not signed by the centre."""

    code = "ledger.bad_receipt"
    why = N_("The receipt does not hold: {problem}.")
    hint = N_("Keep the footage, and check the address and the pinned key of the centre.")


class LogDamagedError(LedgerError):
    """The files of a log do not agree with its last checkpoint."""

    code = "ledger.damaged"
    why = N_("The log on disk is damaged: {problem}.")
    hint = N_(
        "At the station, rebuild the tiles from the journal. "
        "At the centre, put the folder aside: the station sends it again."
    )
    http_status = 503


class ForkError(LedgerError):
    """Signing this tree would contradict the checkpoint signed last."""

    code = "ledger.fork"
    why = N_("Signing would contradict the checkpoint signed last: {problem}.")
    hint = N_("Stop any second program that uses this folder, and never put back an older copy of it.")
    http_status = 503


class NotKeptError(LedgerError):
    """The disk did not take a commit: nothing of it was acknowledged."""

    code = "ledger.not_kept"
    why = N_("The centre could not keep this: {problem}.")
    hint = N_("Free space on the centre's disk or replace it; what came is sent again by those who hold it.")
    http_status = 503


class BusyError(LedgerError):
    """Too much is waiting for the next commit."""

    code = "ledger.busy"
    why = N_("More than {limit} bytes wait to be written to the log.")
    hint = N_("Send it again in a few seconds.")
    http_status = 503


class BadLeafError(LedgerError):
    """Bytes that are no leaf of this election's national log, or one that only the centre itself writes."""

    code = "ledger.bad_leaf"
    why = N_("This is no leaf for the national log: {problem}.")
    hint = N_("Compare program versions, and the election that the leaf names.")


class WitnessConflictError(LedgerError):
    """A witness holds a tree of this log that the log does not extend."""

    code = "ledger.witness_conflict"
    why = N_("The witness {witness} has seen another history of this log: {problem}.")
    hint = N_("Stop, and find out whether the log was put back or someone else signs with its key. Keep everything.")


class MirrorError(LedgerError):
    """The object store that the log is copied to does not take it; the log itself goes on."""

    code = "ledger.mirror"
    why = N_("The log cannot be copied: {problem}.")
    hint = N_("Check the address of the mirror, its keys and its free space; copying goes on by itself.")


class CheckpointError(LedgerError):
    """A checkpoint of a station is refused."""


class BadNoteError(CheckpointError):
    """Not a checkpoint of this log, or a false signature."""

    code = "ledger.bad_note"
    why = N_("The checkpoint cannot be read: {problem}.")
    hint = N_("Send it again; if that fails too, compare program versions at the station and the centre.")


class WrongKeyError(CheckpointError):
    """Signed by no key that is enrolled for this log."""

    code = "ledger.wrong_key"
    why = N_("The checkpoint is signed by a key that is not enrolled for {origin}.")
    hint = N_("Enrol the station's key at the centre, or find out who else signs in its name.")
    http_status = 403


class WrongSizeError(CheckpointError):
    """The leaf hashes do not start where the centre's copy ends; `held` is its size."""

    code = "ledger.wrong_size"
    why = N_("The centre holds {held} rows of this log; the checkpoint of {size} came with {sent} hashes.")
    hint = N_("The station sends the hashes again, from the size that the centre holds.")
    http_status = 409

    def __init__(self, where: str = "", *, held: int, size: int, sent: int) -> None:
        super().__init__(where, held=held, size=size, sent=sent)
        self.held = held


class RootMismatchError(CheckpointError):
    """The station signed a tree that does not extend the one it signed before; the note is kept as evidence."""

    code = "ledger.root_mismatch"
    why = N_(
        "The station signed another history of {size} rows than the one that the centre holds; kept as {evidence}."
    )
    hint = N_("Stop uploads of this station and find out whether its box was copied or its disk was put back.")
    http_status = 409


class OversizedError(CheckpointError):
    """More bytes than a checkpoint may have."""

    code = "ledger.oversized"
    why = N_("The checkpoint has {size} bytes; at most {limit} are accepted.")
    hint = N_("Check that the box runs the program that its version names.")
    http_status = 413
