"""Clips and packages: what the report says of honest ones, and that no single bit can change unseen.

Which verdict each kind of wrong deserves is in `tests/proof_cases.py`.
"""

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_cases import absent
from tests.proof_lab import (
    INIT,
    T0,
    Box,
    Lab,
    Signer,
    bag,
    box,
    fragment,
    judged,
    relisted,
    stored_zip,
    story,
    tagged,
)

from aigaq_verify import (
    ML_DSA_44,
    GapCause,
    Note,
    NoteSignature,
    NotEvidenceError,
    PolicyError,
    Proof,
    Report,
    SegmentRecord,
    Stretch,
    Verdict,
    init_file,
    parse_policy,
    record_file,
    verify,
)
from aigaq_verify.report import CHECKS

PASSES = {Verdict.VERIFIED, Verdict.GAP}


@pytest.fixture
def minute() -> Box:
    """Three segments, 6 s, nothing missing."""
    return new().segment().segment().segment().seal()


def new() -> Box:
    return Box(Lab()).enrol()


def bad_lines(report: Report) -> set[str]:
    return {line.check for line in report.lines if line.verdict is not Verdict.VERIFIED}


def said(report: Report, check: str) -> str:
    return next(line.text for line in report.lines if line.check == check)


def test_every_line_says_what_it_rests_on():
    report = judged(story())
    assert tuple(line.check for line in report.lines) == CHECKS
    assert bad_lines(report) == set()
    assert "15 segments" in said(report, "bytes")
    assert "15 rows" in said(report, "records")
    assert "3 checkpoints in log.example/vote-26" in said(report, "log")
    assert "16 s" in said(report, "time")
    assert said(report, "key") == "sealed by leaf 3, enrolled in leaf 1 in the name of chair/district-1 and it/centre"


def test_the_interval_is_what_honest_witnesses_say():
    """Nine cosign, two may lie: the third latest second of the beacon, the end of the third earliest of the seal."""
    lab = Lab()
    box = Box(lab)
    box.delegation(box.enrolment())
    second = T0 // 1000
    lab.publish(T0, times=[*(second - n for n in range(3, 10)), 9**11, 9])
    box.beacon = lab.newest
    box.segment().seal(times=[second + n for n in (9, 8, 7, 6, 5, 4, 3, 2, 1)])
    report = judged(box)
    assert report.not_before_ms == T0 - 4_000
    assert report.not_after_ms == T0 + 3_999
    assert report.verdict is Verdict.VERIFIED


def test_a_row_is_younger_than_every_checkpoint_that_its_forerunners_hold():
    box = new().segment().seal()
    box.beacon = None
    box.segment().seal()
    assert judged(box).verdict is Verdict.VERIFIED
    box.beacon = box.lab.published[0]
    box.segment().seal()
    report = judged(box, box.files(start=T0 + 4_000))
    assert report.not_before_ms == T0 - 4_000


@pytest.mark.parametrize("cause", GapCause)
def test_a_signed_gap_is_a_gap_with_its_cause(cause):
    report = judged(new().segment().gap(T0 + 5_000, cause).segment().seal())
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(T0 + 2_000, T0 + 5_000, str(cause)),)
    assert f"3.000 s; {cause}: " in report.as_text()
    assert bad_lines(report) == {"interval"}


def test_a_gap_outside_the_interval_is_a_neighbour():
    box = new().segment().gap(T0 + 5_000).segment().seal()
    assert judged(box, box.files(end=T0 + 2_000)).verdict is Verdict.VERIFIED
    assert judged(box, box.files(end=T0 + 2_001)).verdict is Verdict.GAP
    assert judged(box, box.files(start=T0 + 5_000)).verdict is Verdict.VERIFIED


def test_an_open_gap_reaches_to_the_end_and_says_what_it_does_not_show():
    box = new().segment().gap(None).seal()
    report = judged(box, box.files(end=T0 + 60_000))
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(T0 + 2_000, None, "no_rtp"),)
    assert "since 2026-11-18 11:06:42.000 UTC, not over yet" in report.as_text()


def test_another_cause_does_not_close_an_open_gap():
    box = new().segment().gap(None).gap(T0 + 9_000, GapCause.OPERATOR, start=T0 + 2_000, opened=False).seal()
    assert judged(box).verdict is Verdict.FAILED


@pytest.mark.parametrize(("step", "verdict"), [(500, Verdict.VERIFIED), (501, Verdict.SILENT_HOLE)])
def test_the_hole_rule(step, verdict):
    forward = new().segment().segment(start=T0 + 2_000 + step).seal()
    back = new().segment().segment(start=T0 + 2_000 - step).seal()
    assert judged(forward).verdict is verdict
    assert judged(back).verdict is verdict


def test_a_clock_set_back_is_signed_and_no_hole():
    box = new().segment().segment()
    box.gap(T0 + 1_000, GapCause.CLOCK_STEP, opened=False).segment().segment().seal()
    report = judged(box, box.files(end=T0 + 4_000))
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(T0 + 4_000, T0 + 1_000, "clock_step"),)
    assert "-3.000 s" in report.as_text()


@pytest.mark.parametrize(("start", "end"), [(-501, 0), (0, 501), (-5_000, 5_000), (10_000, 20_000), (-9_000, -6_000)])
def test_rows_must_cover_what_the_clip_claims(minute, start, end):
    report = judged(minute, minute.files(start=T0 + start, end=minute.end + end))
    assert report.verdict is Verdict.SILENT_HOLE
    assert all(T0 + start <= s.from_ms < s.to_ms <= minute.end + end for s in report.stretches)


def test_the_ends_may_be_as_far_off_as_neighbours(minute):
    assert judged(minute, minute.files(start=T0 - 500, end=minute.end + 500)).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(("seconds", "verdict"), [(60, Verdict.VERIFIED), (61, Verdict.LATE)])
def test_a_minute_after_its_end_is_late(seconds, verdict):
    second = (T0 + 2_000) // 1000 + seconds
    box = new().segment().seal(times=[second - 1] * 9 if seconds == 60 else [second] * 9)
    assert judged(box).verdict is verdict


@pytest.mark.parametrize(("ahead", "verdict"), [(5_000, Verdict.VERIFIED), (7_000, Verdict.FAILED)])
def test_the_clock_may_be_five_seconds_off(ahead, verdict):
    lab = Lab()
    box = Box(lab, skew_ms=ahead).enrol().segment()
    box.seal(after=0, publish=0)
    assert judged(box).verdict is verdict


def test_absences_are_told_once_and_only_where_they_touch():
    box = story()
    absent(box, T0 + 10_000, T0 + 12_000)
    assert judged(box).stretches == (Stretch(T0 + 10_000, T0 + 12_000, "absence"),)
    assert "the centre heard nothing" in judged(box).as_text()
    assert judged(box, box.files(start=T0 + 12_000)).stretches == ()


def test_the_worst_finding_is_the_verdict_and_comes_first():
    box = new().segment().segment(start=T0 + 9_000).seal(publish=300_000)
    files = box.files()
    assert judged(box, files).verdict is Verdict.SILENT_HOLE
    assert judged(box, files, None).verdict is Verdict.UNKNOWN_KEY
    files = {name: data for name, data in files.items() if name != "proofs/1.tlog-proof"}
    assert judged(box, relisted(files)).verdict is Verdict.NOT_IN_LOG
    files["records/1.cbor"] = b"?"
    assert judged(box, relisted(files)).verdict is Verdict.FAILED
    order = [v.words for v in Verdict]
    assert order == "VERIFIED GAP LATE UNWITNESSED,SILENT HOLE,NOT IN LOG,UNKNOWN KEY,FAILED".replace(
        "VERIFIED GAP LATE UNWITNESSED", "VERIFIED,GAP,LATE,UNWITNESSED"
    ).split(",")


def test_a_thousand_faults_are_told_in_a_line(minute):
    files = {**minute.files(), **{record_file(i): b"?" for i in range(1_000, 2_000)}}
    text = said(judged(minute, relisted(files)), "records")
    assert "and 990 more" in text
    assert len(text) < 1_000


@pytest.mark.parametrize("size", [0, 1])
def test_init_segments_are_found_by_their_whole_hash(minute, size):
    name = init_file(hashlib.sha256(INIT).digest())
    for data in (b"", INIT[:-1], INIT + b"\0", bytes(2 << 20)):
        assert judged(minute, {**minute.files(), name: data}).verdict is Verdict.FAILED


def test_two_init_segments_may_not_share_one_file():
    """A file is found by a part of its hash: a row whose init begins alike and ends otherwise is not served."""
    box = new()
    twin = hashlib.sha256(INIT).digest()[:8] + bytes(24)
    box.segment().segment()
    record = box.rows.pop()
    assert isinstance(record, SegmentRecord)
    del box.log[-2:], box.places[-1:]
    report = judged(box.add(dataclasses.replace(record, init_sha256=twin)).seal())
    assert bad_lines(report) == {"bytes"}


def test_the_clock_in_the_bytes_must_agree():
    def with_media(*starts: int) -> Verdict:
        data = b"".join(fragment(T0 + start) for start in starts)
        return judged(new().segment(2_000, start=T0, data=data).seal()).verdict

    assert with_media(0, 500, 1_000, 1_500) is Verdict.VERIFIED
    assert with_media(-1_000, 3_000) is Verdict.VERIFIED
    for starts in [(1_001,), (-1_001,), (0, 3_001), (0, -1_001), (3_600_000,)]:
        assert with_media(*starts) is Verdict.FAILED


@pytest.mark.parametrize(
    "data",
    [b"\0", b"not boxes at all", b"\0\0\0\x08free", b"\0\0\0\x07moof", b"\0\0\0\x10moof" + bytes(8), b"\0\0\0\x20moof",
     b"\0\0\0\x08free" * 5000, b"\0\0\0\1moof\0\0\0\0\0\0\0\x10"],
)  # fmt: skip
def test_bytes_that_are_no_video_fail(data):
    assert bad_lines(judged(new().segment(data=data).seal())) == {"bytes"}


def test_long_boxes_are_read():
    long = fragment(T0) + b"\0\0\0\1mdat" + (16 + 5).to_bytes(8, "big") + b"video"
    assert judged(new().segment(data=long).seal()).verdict is Verdict.VERIFIED
    short = box(b"moof", box(b"traf", box(b"tfdt", bytes(4), (2_000_000).to_bytes(4, "big"))))
    early = Box(Lab(), begin=22_222).enrol().segment(data=short).seal()
    assert judged(early).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    "change",
    [
        lambda m: b"", lambda m: b"{", lambda m: b"[]", lambda m: b"null", lambda m: b"[" * 100_000, lambda m: b"\xff",
        lambda m: m.replace(b'"format": 2', b'"format": 3'), lambda m: m.replace(b'"format": 2', b'"format": "2"'),
        lambda m: m.replace(b'"format": 2', b'"format": 2, "format": 2'), lambda m: m.replace(b"from_ms", b"from"),
        lambda m: m.replace(b'"main"', b'"third"'), lambda m: m.replace(b'"box"', b'"../box"'),
        lambda m: m.replace(b'"box"', b"7"), lambda m: edit(m, to_ms=1), lambda m: edit(m, to_ms=10**30),
        lambda m: edit(m, from_ms=True), lambda m: edit(m, from_ms=0.5), lambda m: edit(m, files="x"),
        lambda m: edit(m, files=[1]), lambda m: edit(m, origin=None), lambda m: edit(m, log=3), lambda m: edit(m, a=1),
        lambda m: m + b" " * (9 << 20), lambda m: b'{"from_ms": ' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_a_file_without_a_readable_manifest_is_no_evidence(minute, change):
    files = minute.files()
    with pytest.raises(NotEvidenceError):
        judged(minute, {**files, "clip.json": change(files["clip.json"])})


def edit(manifest: bytes, **changes: object) -> bytes:
    return json.dumps({**json.loads(manifest), **changes}).encode()


def test_a_readme_to_drown_in_fails(minute):
    assert judged(minute, {**minute.files(), "README.txt": bytes(1 << 20)}).verdict is Verdict.FAILED


# No single bit


def small() -> Box:
    return Box(Lab(witnesses=1)).enrol().segment().seal()


def flips(data: bytes) -> Iterator[bytes]:
    """The data with one bit flipped, once for each byte, all eight places in turn."""
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


SMALL = small().files()


def without_hash(name):
    """Signatures are made anew in each process, so a beacon's hash must not stand in the name of a test."""
    return re.sub(r"-[0-9a-f]{16,32}", "", name)


@pytest.mark.parametrize("name", sorted(SMALL.keys() - {"README.txt"}, key=without_hash), ids=without_hash)
def test_no_bit_of_a_clip_can_change(name):
    """`README.txt` is for people and proves nothing. What changes in `clip.json` is only what was asked for."""
    policy = parse_policy(Lab(witnesses=1).trust().encode())
    for changed in flips(SMALL[name]):
        try:
            report = verify(io.BytesIO(stored_zip({**SMALL, name: changed})), policy)
        except NotEvidenceError:
            assert name == "clip.json"
            continue
        if report.verdict in PASSES:
            assert name == "clip.json"
            assert judged_alike(changed)


def judged_alike(manifest: bytes) -> bool:
    """Spaces that became other spaces, or a part of the interval whose change the hole rule forgives."""
    one, other = json.loads(SMALL["clip.json"]), json.loads(manifest)
    near = all(abs(one[end] - other[end]) <= 500 for end in ("from_ms", "to_ms"))
    inside = other["from_ms"] < one["to_ms"] and other["to_ms"] > one["from_ms"]
    return {**one, "from_ms": 0, "to_ms": 0} == {**other, "from_ms": 0, "to_ms": 0} and (near or inside)


def test_no_bit_of_a_trust_file_can_change():
    clip, text = stored_zip(SMALL), Lab(witnesses=1).trust().encode()
    for changed in flips(text):
        try:
            policy = parse_policy(changed)
        except PolicyError:
            continue
        verdict = verify(io.BytesIO(clip), policy).verdict
        assert verdict not in PASSES or same_policy(text, changed), changed


def same_policy(one: bytes, other: bytes) -> bool:
    """A tab where a space was, or another name for the same group."""
    a, b = parse_policy(one), parse_policy(other)
    return (a.logs, list(a.witnesses.values()), len(a.groups)) == (b.logs, list(b.witnesses.values()), len(b.groups))


def test_no_bit_of_a_post_quantum_cosignature_can_change():
    lab = Lab(witnesses=1)
    lab.witnesses.append(Signer(200, "pq.example", ML_DSA_44))
    box = Box(lab).enrol().segment().seal()
    files = box.files()
    proof = Proof.parse(files["checkpoints/2.tlog-proof"])
    note = Note.parse(proof.checkpoint)
    line = note.signatures[-1]
    assert len(line.value) == 8 + 2420
    for place in range(0, len(line.value), 61):
        value = line.value[:place] + bytes([line.value[place] ^ 1]) + line.value[place + 1 :]
        false = Note(note.text, (*note.signatures[:-1], NoteSignature(line.name, line.key_id, value))).encode()
        changed = {**files, "checkpoints/2.tlog-proof": dataclasses.replace(proof, checkpoint=false).encode()}
        assert judged(box, changed).verdict is Verdict.FAILED


@given(st.data())
def test_only_the_whole_clip_is_whole(data):
    """Any subset of the sealed files, some of them replaced, is judged without surprise, and not as whole."""
    kept = data.draw(st.sets(st.sampled_from(sorted(SMALL.keys() - {"clip.json"}))))
    rubbish = data.draw(st.dictionaries(st.sampled_from([*SMALL, "x"]), st.binary(max_size=99), max_size=3))
    rubbish.pop("clip.json", None)
    changed = {"clip.json": SMALL["clip.json"], **{name: SMALL[name] for name in kept}, **rubbish}
    whole = without_readme(changed) == without_readme(SMALL)
    assert (judged(small(), relisted(changed)).verdict is Verdict.VERIFIED) == whole


def without_readme(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in {"README.txt", "clip.json"}}


# Packages


def test_no_bit_of_a_package_s_lists_can_change():
    package = bag({"box-main": SMALL})
    policy = parse_policy(Lab(witnesses=1).trust().encode())
    for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"):
        for changed in islice(flips(package[name]), 0, None, 3):
            assert verify(io.BytesIO(stored_zip({**package, name: changed})), policy).verdict is Verdict.FAILED


def test_a_package_is_as_bad_as_its_worst_clip():
    gap = Box(Lab(witnesses=1)).enrol().segment().gap(T0 + 5_000).segment().seal()
    package = bag({"box-main": SMALL, "desk-main": gap.files()})
    report = verify(io.BytesIO(stored_zip(package)), parse_policy(gap.lab.trust().encode()))
    assert [clip.verdict for clip in report.clips] == [Verdict.VERIFIED, Verdict.GAP]
    assert report.verdict is Verdict.GAP
    assert report.as_text().count("polling station s-101") == 2


def test_a_package_s_big_files_are_hashed_in_pieces():
    package = bag({"box-main": SMALL}, {"data/film.mp4": bytes(3 << 20)})
    policy = parse_policy(Lab(witnesses=1).trust().encode())
    assert verify(io.BytesIO(stored_zip(package)), policy).verdict is Verdict.VERIFIED
    package["data/film.mp4"] = bytes(3 << 20)[:-1] + b"\1"
    assert verify(io.BytesIO(stored_zip(package)), policy).verdict is Verdict.FAILED


def test_a_package_without_its_lists_fails():
    payload = {f"data/clips/box-main/{name}": data for name, data in SMALL.items()}
    policy = parse_policy(Lab(witnesses=1).trust().encode())
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        files = {n: d for n, d in tagged(payload).items() if n != name}
        assert verify(io.BytesIO(stored_zip(files)), policy).verdict is Verdict.FAILED
