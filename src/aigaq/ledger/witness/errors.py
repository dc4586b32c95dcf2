"""What can go wrong at a witness: its own state, and requests that it refuses.

```
WitnessError
├── WitnessExistsError      init where a witness lives already
├── WitnessBusyError        a second program on the same folder
├── WitnessLostError        the database is gone, damaged or another one
├── WitnessRolledBackError  the database is older than what this witness has signed
├── WitnessDiskError        the disk does not keep what must be remembered before signing
├── ListenError             the address to listen on cannot be had
└── RefusedError            an add-checkpoint request, with the status of c2sp.org/tlog-witness:
        MalformedError 400 · UnknownLogError 404 · NotSignedError 403 · StaleError 409 ·
        ContradictionError 409 · InconsistentError 422 · TooLargeError 413
```
"""

from typing import ClassVar

from aigaq.base import N_, AigaqError


class WitnessError(AigaqError):
    """Root of the witness's errors."""

    code = "witness.error"
    why = N_("The witness could not do this.")
    hint = N_("Look at the log of the program for the cause.")


class WitnessExistsError(WitnessError):
    """The folder holds a witness already."""

    code = "witness.exists"
    why = N_("A witness lives in this folder already.")
    hint = N_("Choose an empty folder; a witness's key and memory are never made anew in place.")


class WitnessBusyError(WitnessError):
    """Another program holds the witness's folder."""

    code = "witness.busy"
    why = N_("Another program runs this witness.")
    hint = N_("Stop the other program first; one witness runs in one place only.")


class WitnessLostError(WitnessError):
    """What the witness remembers is gone; signing without it could approve a second history."""

    code = "witness.lost"
    why = N_("This witness has lost its memory: {problem}.")
    hint = N_(
        "Do not run it again and do not put back a copy. Make a new witness with a new name and key, "
        "and tell everyone who trusts the old one."
    )


class WitnessRolledBackError(WitnessError):
    """The database is an older copy: it knows fewer signatures than the mark beside the key."""

    code = "witness.rolled_back"
    why = N_("The witness's database knows {found} signatures, but it has made {marked}: an older copy was put back.")
    hint = N_("Put the newest database back if it still exists; else make a new witness with a new name and key.")


class WitnessDiskError(WitnessError):
    """What must be remembered before signing cannot be written; nothing was signed."""

    code = "witness.disk"
    why = N_("The disk does not take what the witness must remember, so it signs nothing.")
    hint = N_("Make room on the disk or replace it; the log sends its next checkpoint by itself.")
    http_status: ClassVar[int] = 503


class ListenError(WitnessError):
    """The address to listen on cannot be had."""

    code = "witness.listen"
    why = N_("Nothing can listen at this address: {reason}.")
    hint = N_("Choose another address or port with --listen; another program may hold this one.")


class RefusedError(WitnessError):
    """A checkpoint that the witness does not cosign."""

    code = "witness.refused"
    why = N_("The witness does not sign this checkpoint.")
    http_status: ClassVar[int] = 400


class MalformedError(RefusedError):
    """Not a request of the protocol, or the old size is larger than the new one."""

    code = "witness.malformed"
    why = N_("This is not an add-checkpoint request: {problem}.")
    hint = N_("Send what c2sp.org/tlog-witness describes: old size, proof lines, an empty line, the checkpoint.")


class TooLargeError(RefusedError):
    """More bytes than any request of the protocol has."""

    code = "witness.too_large"
    why = N_("The request is longer than {limit} bytes.")
    hint = N_("Send what c2sp.org/tlog-witness describes: old size, proof lines, an empty line, the checkpoint.")
    http_status = 413


class UnknownLogError(RefusedError):
    """A log that this witness does not follow."""

    code = "witness.unknown_log"
    why = N_("This witness does not follow the log {origin}.")
    hint = N_("Ask the owner of the witness to add the log's key to witness.toml.")
    http_status = 404


class NotSignedError(RefusedError):
    """No signature by the log, or a false one in its name."""

    code = "witness.not_signed"
    why = N_("The checkpoint is not signed by the log {origin}.")
    hint = N_("Compare the key in witness.toml with the one that the log publishes.")
    http_status = 403


class StaleError(RefusedError):
    """The old size is not the one held; `held` is, and goes into the answer."""

    code = "witness.stale"
    why = N_("The last checkpoint signed here has {held} entries.")
    hint = N_("Send the request again with a proof that begins at that size.")
    http_status = 409

    def __init__(self, where: str = "", *, held: int) -> None:
        super().__init__(where, held=held)
        self.held = held


class ContradictionError(RefusedError):
    """The log signed another root for a size that this witness has cosigned: proof of a fork, and kept."""

    code = "witness.contradiction"
    why = N_("The log has signed two different histories of {size} entries. The note is kept as evidence.")
    hint = N_("Nobody should trust this log any more. Fetch the evidence and publish it.")
    http_status = 409


class InconsistentError(RefusedError):
    """The proof does not show that this tree extends the one held; the signed note is kept."""

    code = "witness.inconsistent"
    why = N_("The proof does not show that {size} entries extend the {held} signed before. The note is kept.")
    hint = N_("Send the Merkle consistency proof of RFC 6962 between these two sizes; if there is none, the log forks.")
    http_status = 422
