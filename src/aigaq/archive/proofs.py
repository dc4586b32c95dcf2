"""Gathers what proves a clip: rows in the station log, its checkpoints in the national log, keys, absences, beacons.

Each row comes under the first checkpoint that covers it and each checkpoint under the first witnessed note, so that
*not after* is the time of the witnesses and not of the export. It judges nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq.archive.absences import absences_of
from aigaq.archive.clip import Clip
from aigaq.ledger import PublicLog
from aigaq_verify import (
    NO_BEACON,
    Checkpoint,
    Kind,
    Leaf,
    Note,
    Policy,
    Proof,
    VerifierKey,
    beacon_file,
    checkpoint_file,
    decode_leaf,
    decode_record,
    leaf_file,
    leaf_proof_file,
    proof_file,
)

MATTER: Final = (Kind.ENROLMENT, Kind.DELEGATION, Kind.ABSENCE, Kind.REVOCATION)


@dataclass(frozen=True, slots=True)
class Proofs:
    """Everything beside footage and records, by file name in the clip."""

    files: Mapping[str, bytes]
    witnessed: bool
    """A quorum has cosigned a national checkpoint over every row."""
    national_sizes: tuple[int, ...]
    """Of the national checkpoints under which the station's stand."""


async def gather(log: PublicLog, policy: Policy, clip: Clip, span: tuple[int, int]) -> Proofs:
    """Make the proofs of a clip whose rows are all sealed; `span` (UTC ms) is the time whose absences are told."""
    station = clip.key.station
    files: dict[str, bytes] = {}
    checkpoints: dict[int, bytes] = {}
    for index in (row.log_index for row in clip.rows if row.log_index is not None):
        size, proof = await log.row_proof(station, index)
        files[proof_file(index)] = proof
        checkpoints.setdefault(size, Proof.parse(proof).checkpoint)
    notes: set[bytes] = set()
    for size in checkpoints:
        files[checkpoint_file(size)] = proof = await log.checkpoint_proof(station, size)
        notes.add(Proof.parse(proof).checkpoint)
    files |= await _leaves(log, clip, checkpoints.values(), span)
    files |= _beacons(log, clip)
    witnessed = all(policy.witnessed(note) is not None for note in notes)
    sizes = tuple(Checkpoint.parse(Note.parse(note).text).size for note in notes)
    return Proofs(files, witnessed, sizes)


async def is_witnessed(log: PublicLog, policy: Policy, clip: Clip) -> bool:
    """Whether a quorum has cosigned already what the newest row of a clip rests on."""
    last = max(row.log_index for row in clip.rows if row.log_index is not None)
    size, _ = await log.row_proof(clip.key.station, last)
    proof = Proof.parse(await log.checkpoint_proof(clip.key.station, size))
    return policy.witnessed(proof.checkpoint) is not None


async def _leaves(log: PublicLog, clip: Clip, notes: Iterable[bytes], span: tuple[int, int]) -> dict[str, bytes]:
    """Who may sign for the station and who may no longer, and when nobody heard it."""
    found: dict[int, tuple[Leaf, bytes, bytes]] = {}
    for index in log.leaves_of(clip.key.station, MATTER):
        data, proof = await log.leaf_proof(index)
        found[index] = (decode_leaf(data), data, proof)
    wanted = set(_that_matter({index: leaf for index, (leaf, _, _) in found.items()}, notes, span))
    files: dict[str, bytes] = {}
    for index in sorted(wanted):
        _, files[leaf_file(index)], files[leaf_proof_file(index)] = found[index]
    return files


def _that_matter(leaves: Mapping[int, Leaf], notes: Iterable[bytes], span: tuple[int, int]) -> Iterable[int]:
    """Enrolments and revocations all; of delegations those whose key signed; of absences those in the span. Pure."""
    signers = {(s.name, s.key_id) for note in notes for s in Note.parse(note).signatures}
    names = {name for name, _ in signers}
    for index, leaf in leaves.items():
        if leaf.kind in {Kind.ENROLMENT, Kind.REVOCATION}:
            yield index
        elif leaf.kind is Kind.DELEGATION:
            keys = {(name, VerifierKey(name, leaf["session_key"]).key_id) for name in names}
            if keys & signers:
                yield index
    told = absences_of((index, leaf) for index, leaf in leaves.items() if leaf.kind is Kind.ABSENCE)
    for absence in told:
        if absence.touches(*span):
            yield from absence.indices


def _beacons(log: PublicLog, clip: Clip) -> dict[str, bytes]:
    """The notes that the records name; a record that names one which this log never published stays without."""
    files: dict[str, bytes] = {}
    for size, hash16 in dict.fromkeys(_named(clip)):
        note = log.beacon_note(size, hash16)
        if note is not None:
            files[beacon_file(size, hash16)] = note
    return files


def _named(clip: Clip) -> Sequence[tuple[int, bytes]]:
    records = [decode_record(row.record) for row in clip.rows]
    return [(r.beacon_size, r.beacon_hash16) for r in records if r.beacon_hash16 != NO_BEACON]
