"""The beacon: the newest checkpoint of the national log that witnesses cosigned, as far as this box can tell by itself.

Its hash stands in every record, so that whoever trusts the witnesses knows that the record is younger than their
cosignatures. The centre only hands it over: it is believed by the trust file alone, never goes back, and two notes that
contradict each other are kept as proof of a fork. Pure but for the files at the end.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.base import N_, SettingsError
from aigaq.ledger import hash16
from aigaq.station.errors import NoBeaconError
from aigaq.station.settings import StationSettings
from aigaq.station.spool import write_synced
from aigaq_verify import Checkpoint, NoteError, Policy, PolicyError, parse_policy

OLD_MS: Final = 60_000
"""The log is witnessed every 10 s; an older beacon is an alarm, and is used all the same."""
FORKS: Final = "forks"


@dataclass(frozen=True, slots=True)
class Beacon:
    """A witnessed note, checked."""

    note: bytes
    checkpoint: Checkpoint
    witnessed_ms: int
    """Whoever holds the note holds it since then."""

    @property
    def size(self) -> int:
        """Entries of the national log."""
        return self.checkpoint.size

    @property
    def hash16(self) -> bytes:
        """What records name it by."""
        return hash16(self.note)

    @property
    def digest(self) -> bytes:
        """What the blinking patch is made from."""
        return hashlib.sha256(self.note).digest()


class ForkSeenError(Exception):
    """Two witnessed notes of one size with two roots."""

    def __init__(self, held: Beacon, other: bytes) -> None:
        super().__init__(f"two histories of {held.size} entries")
        self.held = held
        self.other = other


class Beacons:
    """Judges notes by a trust file; `held` only ever grows younger."""

    def __init__(self, policy: Policy, origin: str) -> None:
        """Follow the log of that name."""
        self.held: Beacon | None = None
        self.policy = policy
        self._origin = origin

    def offer(self, note: bytes) -> Beacon | None:
        """Take a note if it is good and newer than the one that is held; None if it is not newer.

        Raises:
            NoBeaconError: not a checkpoint of our log with a quorum of our witnesses.
            ForkSeenError: it and the held one are two histories of one size.
        """
        offered, held = self._open(note), self.held
        if offered.size == 0:
            return None  # in a record, 0 entries mean that there is no beacon
        if held is not None:
            same = offered.size == held.size
            if same and offered.checkpoint.root != held.checkpoint.root:
                raise ForkSeenError(held, note)
            if offered.size < held.size or (same and offered.witnessed_ms <= held.witnessed_ms):
                return None
        self.held = offered
        return offered

    def _open(self, note: bytes) -> Beacon:
        try:
            witnessed = self.policy.witnessed(note)
        except NoteError as error:
            raise NoBeaconError(self._origin, problem=str(error)) from error
        if witnessed is None:
            raise NoBeaconError(self._origin, problem=N_("no quorum of the trusted witnesses has cosigned"))
        if witnessed.checkpoint.origin != self._origin:
            raise NoBeaconError(self._origin, problem=N_("it is the checkpoint of another log"))
        return Beacon(note, witnessed.checkpoint, witnessed.not_before_ms)


def load_beacons(settings: StationSettings, kept: bytes | None) -> Beacons | None:
    """Who judges beacons for this box, holding the one it kept if that still counts; None without a trust file.

    Raises:
        SettingsError: the trust file cannot be used.
    """
    section = settings.center
    if section is None or section.trust is None:
        return None
    beacons = Beacons(read_trust(section.trust), settings.log_origin)
    if kept is not None:
        with contextlib.suppress(NoBeaconError):  # the trust file was changed since
            beacons.offer(kept)
    return beacons


def read_trust(path: Path) -> Policy:
    """Read a trust file.

    Raises:
        SettingsError: it is missing or wrong.
    """
    try:
        return parse_policy(path.read_bytes())
    except (OSError, PolicyError) as error:
        raise SettingsError(str(path), problem=str(error)) from error


def keep_fork(data: Path, policy: Policy, held: Beacon, other: bytes) -> Path:
    """Keep the proof that the log has two histories, as `aigaq monitor check-fork` reads it; it is never deleted."""
    from aigaq.ledger.monitor import make_fork_proof  # noqa: PLC0415 - a box without a fork needs no monitor

    proof = make_fork_proof(policy.keys_of(held.checkpoint.origin), held.note, other, _no_node)
    assert proof is not None  # noqa: S101 - the roots differ
    path = data / FORKS / proof.file_name
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        write_synced(path, proof.encode())
    return path


def kept_forks(data: Path) -> list[Path]:
    """Proofs of forks that this box came upon."""
    return sorted((data / FORKS).glob("fork-*.json"))


def _no_node(level: int, index: int) -> bytes:
    raise AssertionError(f"equal sizes need no hash, not {level}/{index}")
