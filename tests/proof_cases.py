"""What a verifier must accept and refuse: clips, packages and trust files with the one verdict that each deserves.

Every verifier of ours, in whatever language, gives these verdicts. More must fail than must pass.
"""

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from tests.proof_lab import (
    DAY,
    INIT,
    LOG,
    T0,
    Box,
    Files,
    Identity,
    Lab,
    Signer,
    bag,
    beside,
    flipped,
    hashes,
    relisted,
    stored_zip,
    story,
    tagged,
    two_parts,
)

from aigaq_verify import (
    COSIGNATURE_ED25519,
    ML_DSA_44,
    Checkpoint,
    Flag,
    GapCause,
    Kind,
    Leaf,
    Note,
    NoteSignature,
    Proof,
    SegmentRecord,
    VerifierKey,
    checkpoint_file,
    encode_leaf,
    leaf_file,
    leaf_hash,
    leaf_proof_file,
    proof_file,
    record_file,
    segment_file,
)

Made = tuple[Files | bytes, str | None]
"""The file, and the trust file."""
_MAKERS: list[tuple[str, str, str, Callable[[], Made]]] = []


@dataclass(frozen=True)
class Case:
    """One file with its verdict, as in `cases.json`."""

    name: str
    verdict: str
    why: str
    data: bytes
    trust: str | None


def case(verdict: str, why: str) -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    """Register a maker under its own name."""

    def register(make: Callable[[], Made]) -> Callable[[], Made]:
        _MAKERS.append((make.__name__, verdict, why, make))
        return make

    return register


def cases() -> Iterator[Case]:
    """All of them, freshly made."""
    for name, verdict, why, make in _MAKERS:
        made, trust = make()
        yield Case(name, verdict, why, made if isinstance(made, bytes) else stored_zip(made), trust)


def clip(box: Box, start: int | None = None, end: int | None = None) -> Made:
    """The clip of all that the box recorded, with the right trust file."""
    return box.files(start, end), box.lab.trust()


def changed(files: Files, name: str, change: Callable[[bytes], bytes]) -> Files:
    """One file changed."""
    return {**files, name: change(files[name])}


def without(files: Files, *names: str) -> Files:
    """Files left out, and not listed either."""
    return relisted({name: data for name, data in files.items() if name not in names})


def first(files: Files, folder: str, ending: str = "") -> str:
    """The first file of a folder."""
    return next(name for name in files if name.startswith(folder) and name.endswith(ending))


# Must pass


@case("VERIFIED", "half a minute without fault")
def whole() -> Made:
    return clip(story())


@case("VERIFIED", "one witness is a quorum of one")
def one_witness() -> Made:
    return clip(story(witnesses=1))


@case("VERIFIED", "two of three witnesses are a quorum, and none may lie")
def two_of_three() -> Made:
    box = Box(Lab(witnesses=3)).enrol()
    for _ in range(2):
        box.segment().seal(cosigners=[0, 2])
    return clip(box)


@case("VERIFIED", "six of nine cosigned, three are out of reach")
def six_of_nine() -> Made:
    box = Box(Lab()).enrol()
    for _ in range(2):
        box.segment().seal(cosigners=[0, 2, 4, 5, 7, 8])
    return clip(box)


@case("VERIFIED", "two liars of nine say that it was a year earlier, and cannot move the time")
def two_liars_back() -> Made:
    box = Box(Lab()).enrol()
    late = (T0 + 4_000) // 1000
    box.segment().seal(times=[late - 31_536_000] * 2 + [late] * 7)
    return clip(box)


@case("VERIFIED", "two liars of nine say that it was a year later, and cannot move the time")
def two_liars_ahead() -> Made:
    box = Box(Lab()).enrol()
    late = (T0 + 4_000) // 1000
    box.segment().seal(times=[late] * 7 + [late + 31_536_000] * 2)
    box.segment().seal()
    return clip(box)


@case("VERIFIED", "signatures of strangers stand among the known ones and mean nothing")
def strangers_sign_too() -> Made:
    box = Box(Lab()).enrol()
    stranger = Signer(90, "stranger.example", COSIGNATURE_ED25519)
    box.lab.witnesses.append(stranger)
    box.segment().seal()
    box.lab.witnesses.pop()
    return clip(box)


@case("VERIFIED", "a group of groups is the quorum")
def nested_groups() -> Made:
    box = story(witnesses=6)
    lines = [line for line in box.lab.trust().split("\n") if line.startswith(("log", "witness"))]
    groups = ["group A 2 W0 W1 W2", "group B 2 W3 W4 W5", "group C all A B", "quorum C", ""]
    return box.files(), "\n".join(lines + groups)


@case("VERIFIED", "the trust file asks for the post-quantum cosignature beside the other one")
def post_quantum_beside() -> Made:
    lab = Lab(witnesses=1)
    lab.witnesses.append(Signer(200, lab.witnesses[0].name, ML_DSA_44))
    return clip(Box(lab).enrol().segment().seal())


@case("VERIFIED", "a post-quantum key of the log is the one that the trust file knows")
def post_quantum_log() -> Made:
    box = Box(Lab(witnesses=1))
    box.lab.key = Signer(201, LOG, ML_DSA_44)
    signer, line = box.lab.key, box.lab.key.line
    box.lab.key.line = lambda text, time=7: line(text, time)  # type: ignore[method-assign]
    assert signer.vkey.kind == ML_DSA_44
    return clip(box.enrol().segment().seal())


@case("VERIFIED", "a neighbour outside the interval comes as a row, without its bytes")
def neighbour_without_bytes() -> Made:
    box = story(rounds=1)
    files = box.files(start=T0 + 2_000)
    first_row = box.rows[0]
    assert isinstance(first_row, SegmentRecord)
    return without(files, segment_file(first_row)), box.lab.trust()


@case("VERIFIED", "a gap outside the interval is not the clip's")
def gap_outside() -> Made:
    box = Box(Lab()).enrol().segment().gap(T0 + 5_000).segment().seal()
    return clip(box, end=T0 + 2_000)


@case("VERIFIED", "the box's clock is four seconds ahead, within what clocks may differ")
def clock_a_little_ahead() -> Made:
    box = Box(Lab(), skew_ms=4_000).enrol()
    return clip(box.segment().seal().segment().seal())


@case("VERIFIED", "the session key is renewed in the middle")
def key_renewed() -> Made:
    box = Box(Lab()).enrol().segment().seal()
    box.session = Signer(51)
    box.delegation(box.lab.leaves[box.leaves[0]])
    return clip(box.segment().seal())


@case("VERIFIED", "another key of the station was revoked")
def other_key_revoked() -> Made:
    box = story(rounds=1)
    approvals = [["chair/a", bytes(64)], ["it/b", bytes(64)]]
    box.leaf(Kind.REVOCATION, revoked=bytes(32), at_ms=T0, reason="lost", approvals=approvals)
    box.lab.publish(T0 + 20_000)
    return clip(box)


@case("VERIFIED", "the key was revoked after the last row had been witnessed")
def revoked_afterwards() -> Made:
    return clip(revoked(story(rounds=1), at_ms=T0 + DAY // 2))


@case("VERIFIED", "an absence before the interval is not the clip's")
def absence_outside() -> Made:
    box = story(rounds=1)
    absent(box, T0 - 60_000, T0 - 1_000)
    return clip(box)


@case("VERIFIED", "an evidence package of two streams")
def package() -> Made:
    return two_streams()


@case("VERIFIED", "a package whose rows reach beyond the interval, with a gap and a hole there")
def package_with_surroundings() -> Made:
    box = Box(Lab()).enrol().segment().gap(T0 + 8_000).segment(start=T0 + 8_000).segment().segment().seal()
    box.segment(start=T0 + 30_000).seal()
    files = box.files(T0 + 8_000, T0 + 14_000)
    inside = {f"segments/{r.file_name}" for r in box.rows if isinstance(r, SegmentRecord) and r.start_ms > T0 + 7_000}
    return bag(
        {"box-main": without(files, *(n for n in files if n.startswith("seg") and n not in inside))}
    ), box.lab.trust()


# Known to be not perfect


@case("GAP", "the station signed that it had no footage for three seconds")
def gap() -> Made:
    return clip(Box(Lab()).enrol().segment().gap(T0 + 5_000).segment().seal())


@case("GAP", "a gap was still open when the clip was made")
def open_gap() -> Made:
    box = Box(Lab()).enrol().segment().gap(None)
    return clip(box.seal(), end=T0 + 60_000)


@case("GAP", "a gap was opened before the station held a checkpoint, and closed when it held one")
def open_gap_told_again() -> Made:
    box = Box(Lab()).enrol()
    box.beacon, newest = None, box.beacon
    box.gap(None)
    box.beacon = newest
    return clip(box.gap(T0 + 5_000, start=T0, opened=False).segment().seal())


@case("GAP", "the clock was set back, and the station said so")
def clock_set_back() -> Made:
    box = Box(Lab()).enrol().segment().segment()
    box.gap(T0 + 1_000, GapCause.CLOCK_STEP, opened=False).segment().segment().seal()
    return clip(box, end=T0 + 4_000)


@case("GAP", "the log holds an absence inside the interval, though the footage came later")
def absence() -> Made:
    box = story()
    absent(box, T0 + 10_000, T0 + 12_000)
    return clip(box)


@case("GAP", "an absence was still open when the clip was made")
def open_absence() -> Made:
    box = story()
    absent(box, T0 + 10_000, None)
    return clip(box)


@case("GAP", "a segment saved from a crash holds a checkpoint from after the crash")
def recovered_after_crash() -> Made:
    box = Box(Lab()).enrol().segment().seal()
    box.lab.publish(T0 + 32_000)
    box.beacon = box.lab.newest
    box.segment(flags=Flag.RECOVERED).gap(T0 + 34_000, GapCause.RESTART, opened=False).segment().seal()
    return clip(box)


@case("LATE", "the uplink was down for five minutes; the rows reached the witnesses then")
def late() -> Made:
    box = Box(Lab()).enrol()
    for _ in range(5):
        box.segment()
    return clip(box.seal(publish=300_000))


@case("LATE", "late and with a gap: the worse one counts")
def late_with_gap() -> Made:
    return clip(Box(Lab()).enrol().segment().gap(T0 + 5_000).segment().seal(publish=300_000))


@case("UNWITNESSED", "five of nine are no quorum")
def five_of_nine() -> Made:
    return clip(Box(Lab()).enrol().segment().seal(cosigners=range(5)))


@case("UNWITNESSED", "the trust file asks for no witness, so nothing proves a time")
def quorum_none() -> Made:
    box = story(rounds=1)
    return box.files(), f"log {box.lab.key.vkey}\nquorum none\n"


@case("UNWITNESSED", "the trust file knows other witnesses than those that cosigned")
def other_witnesses() -> Made:
    box = story(rounds=1)
    other = Lab()
    other.witnesses = [Signer(300 + i, f"other-{i}.example", COSIGNATURE_ED25519) for i in range(9)]
    return box.files(), other.trust()


@case("UNWITNESSED", "the last ten seconds are sealed, but no witness has come by yet")
def not_witnessed_yet() -> Made:
    return clip(story(rounds=1).segment().seal(cosigners=[]))


@case("UNWITNESSED", "the rows hold no checkpoint: they may have been made long before")
def no_beacon() -> Made:
    box = Box(Lab()).enrol()
    box.beacon = None
    return clip(box.segment().seal())


@case("UNWITNESSED", "the witnesses of the checkpoint inside the rows are no quorum")
def beacon_without_quorum() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment())
    box.lab.publish(T0 - 5_000, cosigners=range(5))
    box.beacon = box.lab.published[-1]
    return clip(box.segment().seal())


@case("SILENT HOLE", "thirty seconds are missing between two rows")
def silent_hole() -> Made:
    return clip(Box(Lab()).enrol().segment().seal().segment(start=T0 + 30_000).seal())


@case("SILENT HOLE", "the rows end before the interval that the clip claims")
def ends_early() -> Made:
    return clip(story(rounds=1), end=T0 + 20_000)


@case("SILENT HOLE", "the rows begin after the interval that the clip claims")
def begins_late() -> Made:
    return clip(story(rounds=1), start=T0 - 20_000)


# Not in the log


@case("NOT IN LOG", "a row has no proof")
def row_without_proof() -> Made:
    box = story()
    return without(box.files(), proof_file(3)), box.lab.trust()


@case("NOT IN LOG", "a row has the proof of its neighbour")
def proof_of_neighbour() -> Made:
    box = story()
    files = box.files()
    return {**files, proof_file(3): files[proof_file(5)]}, box.lab.trust()


@case("NOT IN LOG", "the station's checkpoint has no proof in the national log")
def checkpoint_without_proof() -> Made:
    box = story()
    return without(box.files(), checkpoint_file(10)), box.lab.trust()


@case("NOT IN LOG", "the station's checkpoint has the proof of another one")
def checkpoint_of_neighbour() -> Made:
    box = story()
    files = box.files()
    return {**files, checkpoint_file(10): files[checkpoint_file(20)]}, box.lab.trust()


@case("NOT IN LOG", "the operator made a row afterwards and has no place for it")
def row_added() -> Made:
    box = story(rounds=1)
    files = box.files()
    box.beacon = box.lab.published[0]
    box.segment()
    last = box.rows[-1]
    assert isinstance(last, SegmentRecord)
    new = {segment_file(last): box.media[segment_file(last)], record_file(11): last.encode()}
    return relisted({**files, **new}, to_ms=box.end), box.lab.trust()


@case("UNKNOWN KEY", "the enrolment has no proof")
def enrolment_without_proof() -> Made:
    box = story()
    return without(box.files(), leaf_proof_file(box.leaves[0])), box.lab.trust()


@case("NOT IN LOG", "an absence has no proof")
def absence_without_proof() -> Made:
    box = story()
    absent(box, T0 + 10_000, None)
    return without(box.files(), leaf_proof_file(box.leaves[2])), box.lab.trust()


@case("NOT IN LOG", "one bit of a hash in a row's proof is different")
def bit_in_proof() -> Made:
    return bit_in_hashes(proof_file(1))


@case("NOT IN LOG", "one bit of a hash in a checkpoint's proof is different")
def bit_in_checkpoint_proof() -> Made:
    return bit_in_hashes(checkpoint_file(10))


@case("NOT IN LOG", "a proof with a hash too many")
def hash_too_many() -> Made:
    box = story()
    files = box.files()
    proof = Proof.parse(files[proof_file(1)])
    long = dataclasses.replace(proof, hashes=(*proof.hashes, bytes(32)))
    return {**files, proof_file(1): long.encode()}, box.lab.trust()


@case("NOT IN LOG", "a clip of nothing: no row at all")
def no_rows() -> Made:
    box = story(rounds=1)
    kept = [name for name in box.files() if name.startswith(("leaves/", "README"))]
    return relisted({name: data for name, data in box.files().items() if name in {*kept, "clip.json"}}), box.lab.trust()


# Nobody that the reader trusts


@case("UNKNOWN KEY", "a clip of nothing, and no trust file")
def no_rows_and_no_trust_file() -> Made:
    return no_rows()[0], None


@case("UNKNOWN KEY", "no trust file is given")
def no_trust_file() -> Made:
    return story().files(), None


@case("UNKNOWN KEY", "the trust file knows another key of the log")
def other_log_key() -> Made:
    box = story()
    return box.files(), box.lab.trust(log=Signer(2, LOG).vkey)


@case("UNKNOWN KEY", "a whole false election, true in itself, with keys of its own")
def false_election() -> Made:
    false = Lab(seed=3)
    false.witnesses = [Signer(400 + i, f"witness-{i}.example", COSIGNATURE_ED25519) for i in range(9)]
    return Box(false).enrol().rounds(1).files(), Lab().trust()


@case("UNKNOWN KEY", "no delegation is shown")
def no_delegation() -> Made:
    box = story()
    return without(box.files(), leaf_file(box.leaves[1]), leaf_proof_file(box.leaves[1])), box.lab.trust()


@case("UNKNOWN KEY", "no enrolment is shown")
def no_enrolment() -> Made:
    box = story()
    return without(box.files(), leaf_file(box.leaves[0]), leaf_proof_file(box.leaves[0])), box.lab.trust()


@case("UNKNOWN KEY", "the checkpoint is signed by a key that nobody delegated")
def key_not_delegated() -> Made:
    return clip(Box(Lab()).enrol().segment().seal(signer=Signer(51)))


@case("UNKNOWN KEY", "the key was delegated after its first use")
def delegated_afterwards() -> Made:
    box = Box(Lab())
    enrolment = box.enrolment()
    box.lab.publish(T0 - 5_000)
    box.beacon = box.lab.newest
    box.segment().seal()
    box.delegation(enrolment)
    box.lab.publish(T0 + 9_000)
    return clip(box)


@case("UNKNOWN KEY", "the session key is used an hour after it ran out")
def delegation_ran_out() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment(), not_before_ms=T0 - DAY, not_after_ms=T0 - 3_600_000)
    box.lab.publish(T0 - 5_000)
    box.beacon = box.lab.newest
    return clip(box.segment().seal())


@case("UNKNOWN KEY", "the session key is used an hour before it becomes valid")
def delegation_not_yet() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment(), not_before_ms=T0 + 3_600_000, not_after_ms=T0 + DAY)
    box.lab.publish(T0 - 5_000)
    box.beacon = box.lab.newest
    return clip(box.segment().seal())


@case("UNKNOWN KEY", "the enrolment ran out a day ago")
def enrolment_ran_out() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment(not_before_ms=T0 - 8 * DAY, not_after_ms=T0 - DAY))
    box.lab.publish(T0 - 5_000)
    box.beacon = box.lab.newest
    return clip(box.segment().seal())


@case("UNKNOWN KEY", "the session key was revoked before")
def delegation_revoked() -> Made:
    return clip(revoked(story(rounds=1), at_ms=T0))


@case("UNKNOWN KEY", "the enrolment was revoked before")
def enrolment_revoked() -> Made:
    return clip(revoked(story(rounds=1), at_ms=T0, which=0))


@case("UNKNOWN KEY", "the session key was revoked in the name of an older leaf that delegates it too")
def delegation_revoked_by_another_leaf() -> Made:
    box = Box(Lab())
    enrolment = box.enrolment()
    box.delegation(enrolment, not_after_ms=T0 + DAY // 4)
    box.delegation(enrolment)
    return clip(revoked(published(box).segment().seal(), at_ms=T0))


@case("UNKNOWN KEY", "the identity was revoked in the name of an older leaf that enrols it too")
def enrolment_revoked_by_another_leaf() -> Made:
    box = Box(Lab())
    box.enrolment(not_after_ms=T0 + DAY)
    box.delegation(box.enrolment())
    return clip(revoked(published(box).segment().seal(), at_ms=T0, which=0))


@case("UNKNOWN KEY", "a revoked key, and no witness that shows an earlier use")
def revoked_and_unwitnessed() -> Made:
    box = Box(Lab()).enrol().segment().seal(cosigners=[])
    return clip(revoked(box, at_ms=T0 + DAY // 2, publish=False))


# Changed, forged, incomplete


@case("FAILED", "one bit of a segment is different")
def bit_in_segment() -> Made:
    box = story()
    files = box.files()
    return changed(files, first(files, "segments/"), flipped), box.lab.trust()


@case("FAILED", "a segment is missing")
def segment_missing() -> Made:
    box = story()
    files = box.files()
    return without(files, first(files, "segments/")), box.lab.trust()


@case("FAILED", "the init segment is another one")
def other_init() -> Made:
    box = story()
    files = box.files()
    return changed(files, first(files, "init/"), lambda _: INIT + b"\0"), box.lab.trust()


@case("FAILED", "the clock inside the bytes is an hour off the record")
def media_clock() -> Made:
    return clip(Box(Lab()).enrol().segment(data=two_parts(T0 + 3_600_000, 2_000)).seal())


@case("FAILED", "a segment that is no video")
def no_video() -> Made:
    return clip(Box(Lab()).enrol().segment(data=b"not boxes at all").seal())


@case("FAILED", "a row is cut out of the middle")
def row_cut_out() -> Made:
    box = story()
    row = box.rows[2]
    assert isinstance(row, SegmentRecord)
    return without(box.files(), record_file(5), proof_file(5), segment_file(row)), box.lab.trust()


@case("FAILED", "one bit of a record is different")
def bit_in_record() -> Made:
    box = story()
    return changed(box.files(), record_file(5), lambda data: flipped(data, 60)), box.lab.trust()


@case("FAILED", "a record in another encoding of the same values")
def other_encoding() -> Made:
    box = story()
    return changed(box.files(), record_file(1), lambda d: b"\x98" + bytes([d[0] & 31]) + d[1:]), box.lab.trust()


@case("FAILED", "the rows are of another camera than the clip says")
def other_camera() -> Made:
    box = story()
    return relisted(box.files(), camera="desk"), box.lab.trust()


@case("FAILED", "an open gap that the next row does not close")
def gap_left_open() -> Made:
    return clip(Box(Lab()).enrol().segment().gap(None).segment(start=T0 + 2_000).seal())


@case("FAILED", "one bit of the station's signature is different")
def bit_in_station_signature() -> Made:
    box = story(rounds=1)
    box.seals[0] = dataclasses.replace(box.seals[0], note=false_line(box.seals[0].note, 0))
    leaf = Leaf(Kind.STATION_CHECKPOINT, {"election": "vote-26", "station": "s-101", "note": box.seals[0].note})
    box.lab.leaves[box.seals[0].index] = encode_leaf(leaf)
    box.lab.published.pop()
    box.lab.publish(T0 + 13_000)
    return clip(box)


@case("FAILED", "one bit of the log's signature is different")
def bit_in_log_signature() -> Made:
    return false_in_note(0)


@case("FAILED", "one bit of a cosignature is different, though eight others hold")
def bit_in_cosignature() -> Made:
    return false_in_note(1)


@case("FAILED", "a cosignature that says no time")
def cosignature_without_time() -> Made:
    box = Box(Lab()).enrol()
    return clip(box.segment().seal(times=[0, *[(T0 + 4_000) // 1000] * 8]))


@case("FAILED", "a witness signed twice under one note")
def cosigned_twice() -> Made:
    box = Box(Lab()).enrol()
    return clip(box.segment().seal(cosigners=[0, 0, *range(1, 9)]))


@case("FAILED", "two histories of one size, both signed by the log and by quorums")
def forked() -> Made:
    box = story(rounds=2)
    lab = box.lab
    beacon = lab.published[1]
    text = Checkpoint(LOG, beacon.size, hashlib.sha256(b"another history").digest()).text()
    stamp = (T0 + 12_000) // 1000
    note = Note(text, (lab.key.line(text), *(w.line(text, stamp) for w in lab.witnesses))).encode()
    lab.published.append(dataclasses.replace(beacon, note=note))
    box.beacon = lab.published[-1]
    return clip(box.segment().seal())


@case("FAILED", "the beacon is not the one that the row names")
def other_beacon() -> Made:
    box = story()
    files = box.files()
    beacons = [name for name in files if name.startswith("beacons/")]
    return {**files, beacons[0]: files[beacons[1]]}, box.lab.trust()


@case("FAILED", "the beacon is missing")
def beacon_missing() -> Made:
    box = story()
    files = box.files()
    return without(files, first(files, "beacons/")), box.lab.trust()


@case("FAILED", "the row names a size that its beacon does not have")
def beacon_of_other_size() -> Made:
    box = Box(Lab()).enrol()
    assert box.beacon
    box.beacon = dataclasses.replace(box.beacon, size=box.beacon.size - 1)
    return clip(box.segment().seal())


@case("FAILED", "recorded at noon, and said to be of an hour before")
def back_dated() -> Made:
    return clip(Box(Lab(), skew_ms=-3_600_000).enrol().segment().seal())


@case("FAILED", "recorded before, and said to be of an hour later")
def forward_dated() -> Made:
    return clip(Box(Lab(), skew_ms=3_600_000).enrol().segment().seal())


@case("FAILED", "a row names a national checkpoint that is newer than its own place there")
def younger_than_itself() -> Made:
    box = Box(Lab()).enrol()
    lab, place = box.lab, box.lab.append(b"kept free")
    lab.publish(T0 - 2_000)
    box.beacon = lab.published[-1]
    box.segment().seal(publish=None)
    lab.leaves[place] = lab.leaves[box.seals[0].index]
    box.seals[0] = dataclasses.replace(box.seals[0], index=place)
    lab.published[-1] = dataclasses.replace(lab.published[-1], witnessed=False)  # so that no proof is made under it
    lab.publish(T0 + 4_000)
    return clip(box)


@case("FAILED", "the delegation is signed by another identity key than the enrolled one")
def delegation_by_another() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment(), by=Identity(8))
    return clip(published(box).segment().seal())


@case("FAILED", "the delegation's signature is the other one of the two for which ECDSA stands")
def delegation_with_high_s() -> Made:
    box = Box(Lab())
    box.delegation(box.enrolment(), high=True)
    return clip(published(box).segment().seal())


@case("FAILED", "one bit of the enrolment's identity key is different")
def bit_in_identity() -> Made:
    box = story()
    files = box.files()
    name = leaf_file(box.leaves[0])
    return changed(files, name, lambda data: flipped(data, data.index(box.identity.point) + 40)), box.lab.trust()


@case("FAILED", "the delegation's session key has small order: anybody could sign")
def small_order_session_key() -> Made:
    box = story()
    files = box.files()
    name = leaf_file(box.leaves[1])
    key, bad = box.session.vkey.public, (1).to_bytes(32, "little")
    return changed(files, name, lambda data: data.replace(key, bad)), box.lab.trust()


@case("FAILED", "the log belongs to another election than the clip")
def log_of_another_election() -> Made:
    box = story()
    return relisted(box.files(), log="log.example/vote-27"), box.lab.trust()


@case("FAILED", "the checkpoint is of another station's log")
def log_of_another_station() -> Made:
    box = story()
    return relisted(box.files(), station="s-102"), box.lab.trust()


@case("FAILED", "a leaf that is no leaf")
def no_leaf() -> Made:
    box = story()
    return changed(box.files(), leaf_file(box.leaves[0]), lambda _: b"\x80"), box.lab.trust()


@case("FAILED", "a proof in another form than the one canonical form")
def proof_not_canonical() -> Made:
    box = story()
    return changed(box.files(), proof_file(1), lambda data: data.replace(b"index ", b"index 0")), box.lab.trust()


@case("FAILED", "a file that belongs to nothing")
def file_too_many() -> Made:
    box = story()
    return relisted({**box.files(), "notes.txt": b"look here"}), box.lab.trust()


@case("FAILED", "a file that the list does not name")
def file_not_listed() -> Made:
    box = story()
    return {**box.files(), "segments/1-2-3.m4s": b"x"}, box.lab.trust()


@case("FAILED", "a file that the list names is not there")
def file_promised() -> Made:
    box = story()
    files = box.files()
    said = json.loads(files["clip.json"])
    said["files"].append("segments/1-2-3.m4s")
    return {**files, "clip.json": json.dumps(said).encode()}, box.lab.trust()


@case("FAILED", "a package in which one clip was changed and packed anew")
def package_with_changed_clip() -> Made:
    files, trust = two_streams()
    assert isinstance(files, dict)
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    name = first(payload, "data/clips/box-main/segments/")
    return tagged(changed(payload, name, flipped)), trust


@case("FAILED", "a package in which a file was changed after it was packed")
def package_changed() -> Made:
    files, trust = two_streams()
    assert isinstance(files, dict)
    return changed(files, "data/README.txt", flipped), trust


@case("FAILED", "a package with a file that its list does not name")
def package_with_more() -> Made:
    files, trust = two_streams()
    assert isinstance(files, dict)
    return {**files, "data/more.txt": b"x"}, trust


@case("FAILED", "a package that lost a file")
def package_with_less() -> Made:
    files, trust = two_streams()
    assert isinstance(files, dict)
    return {name: data for name, data in files.items() if name != "data/README.txt"}, trust


@case("FAILED", "a package whose list was changed, but not the list of the lists")
def package_with_other_list() -> Made:
    files, trust = two_streams()
    assert isinstance(files, dict)
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    more = {**payload, "data/more.txt": b"x"}
    return {**files, **more, "manifest-sha256.txt": hashes(more)}, trust


@case("FAILED", "a package without a clip")
def package_without_clip() -> Made:
    return bag({}), Lab().trust()


@case("FAILED", "a package whose clip has no readable list")
def package_with_unreadable_clip() -> Made:
    box = story(rounds=1)
    return bag({"box-main": {**box.files(), "clip.json": b"{"}}), box.lab.trust()


# No evidence at all, or no trust file


@case("NOT A CLIP", "an empty file")
def empty() -> Made:
    return b"", Lab().trust()


@case("NOT A CLIP", "a clip that is cut off")
def cut_off() -> Made:
    return stored_zip(story(rounds=1).files())[:-30], Lab().trust()


@case("NOT A CLIP", "a compressed zip file")
def compressed() -> Made:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in story(rounds=1).files().items():
            zipped.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return target.getvalue(), Lab().trust()


@case("NOT A CLIP", "a clip in a clip")
def nested() -> Made:
    return {"clip.zip": stored_zip(story(rounds=1).files())}, Lab().trust()


@case("NOT A CLIP", "a clip of format 1, which had no national log")
def format_one() -> Made:
    files = story(rounds=1).files()
    said = json.loads(files["clip.json"])
    del said["log"]
    return {**files, "clip.json": json.dumps({**said, "format": 1}).encode()}, Lab().trust()


@case("NOT A CLIP", "clip.json is written in UTF-16")
def manifest_in_utf_16() -> Made:
    return manifest_written(lambda text: text.encode("utf-16"))


@case("NOT A CLIP", "clip.json begins with a byte order mark")
def manifest_with_byte_order_mark() -> Made:
    return manifest_written(lambda text: text.encode("utf-8-sig"))


@case("NOT A CLIP", "the format of clip.json is a number with a point")
def format_with_point() -> Made:
    return manifest_written(lambda text: text.replace('"format": 2', '"format": 2.0').encode())


@case("NOT A CLIP", "clip.json holds a number that JSON does not have")
def manifest_with_no_number() -> Made:
    return manifest_written(lambda text: text.replace('"from_ms": ', '"from_ms": -Infinity, "from": ').encode())


@case("USAGE", "two of five witnesses: two histories could each have that quorum")
def split_policy() -> Made:
    box = story(rounds=1, witnesses=5)
    return box.files(), box.lab.trust(quorum=2)


@case("USAGE", "five of nine: two quorums would share one witness, and two may lie")
def weak_policy() -> Made:
    box = story(rounds=1)
    return box.files(), box.lab.trust(quorum=5)


@case("USAGE", "a witness whose key has small order")
def small_order_witness() -> Made:
    box = story(rounds=1, witnesses=1)
    key = object.__new__(VerifierKey)
    for name, value in (("name", "w.example"), ("public", (1).to_bytes(32, "little")), ("kind", 4)):
        object.__setattr__(key, name, value)
    return box.files(), f"log {box.lab.key.vkey}\nwitness W {key}\nquorum W\n"


@case("USAGE", "a trust file without a quorum")
def no_quorum_line() -> Made:
    box = story(rounds=1)
    return box.files(), f"log {box.lab.key.vkey}\n"


# How they are made


def manifest_written(write: Callable[[str], bytes]) -> Made:
    """A right clip whose `clip.json` is written in another way."""
    box = story(rounds=1)
    files = box.files()
    return {**files, "clip.json": write(files["clip.json"].decode())}, box.lab.trust()


def two_streams() -> Made:
    """A package of two streams of one station."""
    main = Box(Lab()).enrol()
    sub = beside(main, camera="desk", stream="sub")
    for _ in range(2):
        for _ in range(5):
            sub.segment()
            main.segment()
        main.seal()
        sub.beacon = main.beacon
    return bag({"box-main": main.files(), "desk-sub": sub.files()}), main.lab.trust()


def published(box: Box) -> Box:
    """The leaves so far are witnessed, and the first beacon is there."""
    box.lab.publish(T0 - 5_000)
    box.beacon = box.lab.newest
    return box


def revoked(box: Box, *, at_ms: int, which: int = 1, publish: bool = True) -> Box:
    """Enrolment (0) or delegation (1) is revoked, as of that time."""
    approvals = [["chair/a", bytes(64)], ["it/b", bytes(64)]]
    target = leaf_hash(box.lab.leaves[box.leaves[which]])
    box.leaf(Kind.REVOCATION, revoked=target, at_ms=at_ms, reason="stolen", approvals=approvals)
    box.lab.publish(T0 + 60_000, cosigners=None if publish else [])
    return box


def absent(box: Box, from_ms: int, to_ms: int | None) -> None:
    """The centre writes that it heard nothing."""
    held: dict[str, Any] = {"seq": 4, "from_ms": from_ms, "held_size": 10, "held_root": bytes(32)}
    box.leaf(Kind.ABSENCE, **held, to_ms=None)
    if to_ms is not None:
        box.leaf(Kind.ABSENCE, **held, to_ms=to_ms)
    box.lab.publish(T0 + 60_000)


def false_line(note: bytes, which: int) -> bytes:
    """One bit of one signature is different."""
    parsed = Note.parse(note)
    lines = list(parsed.signatures)
    lines[which] = NoteSignature(lines[which].name, lines[which].key_id, flipped(lines[which].value))
    return Note(parsed.text, tuple(lines)).encode()


def false_in_note(which: int) -> Made:
    """One bit of a signature under the first checkpoint's national note is different."""
    box = story()
    files = box.files()
    proof = Proof.parse(files[checkpoint_file(10)])
    false = dataclasses.replace(proof, checkpoint=false_line(proof.checkpoint, which))
    return {**files, checkpoint_file(10): false.encode()}, box.lab.trust()


def bit_in_hashes(name: str) -> Made:
    """One bit of the first hash of a proof is different."""
    box = story()
    files = box.files()
    proof = Proof.parse(files[name])
    false = dataclasses.replace(proof, hashes=(flipped(proof.hashes[0]), *proof.hashes[1:]))
    return {**files, name: false.encode()}, box.lab.trust()
