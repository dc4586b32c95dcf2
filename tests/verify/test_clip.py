"""Clips: the right verdict for honest ones, and no way to make a changed one look whole."""

import hashlib
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq_verify import (
    Checkpoint,
    GapCause,
    NotAClipError,
    PolicyError,
    Proof,
    SegmentRecord,
    Stretch,
    Verdict,
    VerifierKey,
    init_file,
    leaf_hash,
    parse_policy,
    proof_file,
    record_file,
    root_of,
    segment_file,
    verify_clip,
)

BAD = {Verdict.FAILED, Verdict.NOT_IN_LOG, Verdict.UNKNOWN_KEY}


@pytest.fixture
def minute(kit):
    """Three segments, 6 s, nothing missing."""
    return kit.Maker().segment().segment().segment()


def bad_lines(report) -> set[str]:
    return {line.check for line in report.lines if line.verdict is not Verdict.VERIFIED}


def test_a_whole_clip_is_verified(minute):
    report = minute.judge()
    assert report.verdict is Verdict.VERIFIED
    assert report.as_text().startswith("VERIFIED: ")
    assert [line.check for line in report.lines] == ["bytes", "records", "log", "key", "interval", "files"]
    assert report.stretches == ()
    assert report.as_json()["exit_code"] == 0


@pytest.mark.parametrize("cause", GapCause)
def test_a_signed_gap_is_a_gap_with_its_cause(kit, cause):
    report = kit.Maker().segment().gap(kit.T0 + 5_000, cause).segment().judge()
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(kit.T0 + 2_000, kit.T0 + 5_000, str(cause)),)
    assert f"3.000 s; {cause}: " in report.as_text()
    assert bad_lines(report) == {"interval"}


def test_a_gap_outside_the_interval_is_a_neighbour(kit):
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment()
    assert maker.judge(maker.files(end=kit.T0 + 2_000)).verdict is Verdict.VERIFIED
    assert maker.judge(maker.files(end=kit.T0 + 2_001)).verdict is Verdict.GAP
    assert maker.judge(maker.files(start=kit.T0 + 5_000)).verdict is Verdict.VERIFIED


def test_a_clip_of_nothing_but_a_gap_is_a_gap(kit):
    report = kit.Maker().gap(kit.T0 + 60_000, GapCause.OFF_DUTY).judge()
    assert report.verdict is Verdict.GAP


def test_an_open_gap_reaches_to_the_end_and_says_what_it_does_not_show(kit):
    maker = kit.Maker().segment().gap(None)
    report = maker.judge(maker.files(end=kit.T0 + 60_000))
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(kit.T0 + 2_000, None, "no_rtp"),)
    assert "since 2026-11-18 11:06:42.000 UTC, not closed when the clip was made" in report.as_text()


def test_an_open_gap_that_the_next_row_does_not_close_fails(kit):
    maker = kit.Maker().segment().gap(None).segment(start=kit.T0 + 2_000)
    report = maker.judge()
    assert report.verdict is Verdict.FAILED
    assert "records" in bad_lines(report)
    other = kit.Maker().segment().gap(None).gap(kit.T0 + 9_000, GapCause.OPERATOR, start=kit.T0 + 2_000, opened=False)
    assert other.judge().verdict is Verdict.FAILED


@pytest.mark.parametrize(("step", "verdict"), [(500, Verdict.VERIFIED), (501, Verdict.SILENT_HOLE)])
def test_the_hole_rule(kit, step, verdict):
    forward = kit.Maker().segment().segment(start=kit.T0 + 2_000 + step)
    back = kit.Maker().segment().segment(start=kit.T0 + 2_000 - step)
    assert forward.judge().verdict is verdict
    assert back.judge().verdict is verdict


def test_a_silent_hole_is_shown_with_its_times(kit):
    report = kit.Maker().segment().segment(start=kit.T0 + 30_000).judge()
    assert report.stretches == (Stretch(kit.T0 + 2_000, kit.T0 + 30_000, None),)
    assert "28.000 s; SILENT" in report.as_text()


def test_a_clock_set_back_is_signed_and_no_hole(kit):
    maker = kit.Maker().segment().segment()
    maker.gap(kit.T0 + 1_000, GapCause.CLOCK_STEP, opened=False).segment().segment()
    report = maker.judge(maker.files(end=kit.T0 + 4_000))
    assert report.verdict is Verdict.GAP
    assert report.stretches == (Stretch(kit.T0 + 4_000, kit.T0 + 1_000, "clock_step"),)
    assert "-3.000 s" in report.as_text()


@pytest.mark.parametrize(("start", "end"), [(-501, 0), (0, 501), (-5_000, 5_000), (10_000, 20_000), (-9_000, -6_000)])
def test_rows_must_cover_what_the_clip_claims(kit, minute, start, end):
    report = minute.judge(minute.files(start=kit.T0 + start, end=minute.end + end))
    assert report.verdict is Verdict.SILENT_HOLE
    assert all(kit.T0 + start <= s.from_ms < s.to_ms <= minute.end + end for s in report.stretches)


def test_the_ends_may_be_as_far_off_as_neighbours(kit, minute):
    files = minute.files(start=kit.T0 - 500, end=minute.end + 500)
    assert minute.judge(files).verdict is Verdict.VERIFIED


def test_a_neighbour_may_come_without_its_bytes(kit, minute):
    files = minute.files(start=kit.T0 + 2_000)
    del files[segment_file(minute.rows[0])]
    assert minute.judge(kit.relisted(files)).verdict is Verdict.VERIFIED
    inside = minute.files(start=kit.T0 + 1_999)
    del inside[segment_file(minute.rows[0])]
    assert minute.judge(kit.relisted(inside)).verdict is Verdict.FAILED


def test_an_unknown_key_is_neither_verified_nor_forged(kit, minute):
    other = kit.Signer(2).vkey
    assert minute.judge(None, other).verdict is Verdict.UNKNOWN_KEY
    nobody = verify_clip(io.BytesIO(kit.stored_zip(minute.files())))
    assert nobody.verdict is Verdict.UNKNOWN_KEY
    assert bad_lines(nobody) == {"key"}


def test_a_false_signature_of_a_known_key_fails(kit, minute):
    files = minute.files()
    name = proof_file(1)
    note = Proof.parse(files[name]).checkpoint
    false = note.replace(note[-20:-10], note[-19:-9] + b"A")
    for proof in (n for n in files if n.startswith("proofs/")):
        files[proof] = files[proof].replace(note, false)
    report = minute.judge(files)
    assert report.verdict is Verdict.FAILED
    assert bad_lines(report) & {"key", "log"}


def test_a_key_of_another_station_cannot_vouch(kit):
    """A station with a known key seals rows that name another station, in its own log."""
    thief = kit.Signer(3, "log.example/vote-26/s/s-999")
    maker = kit.Maker().segment()
    leaves, _ = maker.log()
    note = thief.note(Checkpoint(thief.vkey.name, len(leaves), root_of(leaves)).text())
    files = maker.files()
    said = json.loads(files["clip.json"])
    for name in [n for n in files if n.startswith("proofs/")]:
        proof = Proof.parse(files[name])
        files[name] = Proof(proof.index, proof.hashes, note).encode()
    for origin in (kit.ORIGIN, thief.vkey.name):
        forged = {**files, "clip.json": json.dumps({**said, "origin": origin}).encode()}
        assert maker.judge(forged, thief.vkey, maker.signer.vkey).verdict is Verdict.FAILED


def test_a_row_of_another_stream_fails(kit, minute):
    files = minute.files()
    said = json.loads(files["clip.json"])
    for field, value in (("camera", "desk"), ("stream", "sub"), ("station", "s-102"), ("election", "vote-27")):
        assert (
            minute.judge({**files, "clip.json": json.dumps({**said, field: value}).encode()}).verdict is Verdict.FAILED
        )


def test_rows_that_were_never_logged_are_not_in_the_log(kit, minute):
    """A forger adds a well-chained segment behind the last row, with the proof of another row."""
    files = minute.files()
    minute.segment()
    last = minute.rows[-1]
    files[segment_file(last)] = minute.media[segment_file(last)]
    files[record_file(99)] = last.encode()
    assert minute.judge(kit.relisted(files)).verdict is Verdict.NOT_IN_LOG
    files[proof_file(99)] = files[proof_file(5)]
    assert minute.judge(kit.relisted(files)).verdict is Verdict.NOT_IN_LOG


def test_two_checkpoints_are_not_one(kit, minute):
    files = minute.files()
    minute.segment()
    later = minute.files()
    files[proof_file(1)] = later[proof_file(1)]
    assert minute.judge(files).verdict is Verdict.FAILED


def test_proofs_may_not_be_missing(kit, minute):
    files = {n: d for n, d in minute.files().items() if not n.startswith("proofs/")}
    assert minute.judge(kit.relisted(files)).verdict is Verdict.NOT_IN_LOG
    some = minute.files()
    del some[proof_file(3)]
    assert minute.judge(kit.relisted(some)).verdict is Verdict.NOT_IN_LOG


@settings(max_examples=200)
@given(data=st.data())
def test_no_bit_of_any_sealed_file_can_change(kit, data):
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment()
    files = maker.files()
    name = data.draw(st.sampled_from(sorted(files.keys() - {"clip.json", "README.txt"})))
    changed = bytearray(files[name])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert maker.judge({**files, name: bytes(changed)}).verdict in BAD


@settings(max_examples=60)
@given(data=st.data())
def test_no_file_can_go_come_or_move_unseen(kit, data):
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment().segment()
    files = maker.files()
    sealed = sorted(files.keys() - {"clip.json", "README.txt"})
    gone, other = data.draw(st.sampled_from(sealed)), data.draw(st.sampled_from(sealed))
    without = {n: d for n, d in files.items() if n != gone}
    swapped = {**files, gone: files[other], other: files[gone]}
    assert maker.judge(without).verdict in BAD
    assert maker.judge(kit.relisted(without)).verdict in BAD
    if files[gone] != files[other]:
        assert maker.judge(swapped).verdict in BAD
    for added in ("extra", "segments/1.m4s", "records/100000.cbor", "records/01.cbor", "init/x.mp4", "../up", "/etc/x"):
        assert maker.judge({**files, added: b""}).verdict is Verdict.FAILED
        assert maker.judge(kit.relisted({**files, added: b""})).verdict is Verdict.FAILED


schedules = st.lists(
    st.tuples(st.sampled_from(["segment", "gap", "open gap", "hole", "small step"]), st.integers(501, 20_000)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=80)
@given(schedule=schedules)
def test_the_verdict_follows_from_the_schedule(kit, schedule):
    """A station that signs what it did: the verdict is the worst thing in the schedule."""
    maker, shift = kit.Maker().segment(), 0
    worst = Verdict.VERIFIED
    for kind, ms in schedule:
        start, shift = maker.end + shift, 0
        match kind:
            case "segment":
                maker.segment(min(ms, 6_000), start=start)
            case "gap" | "open gap":
                maker.gap(start + ms, start=start, opened=kind == "open gap")
                worst = max(worst, Verdict.GAP)
            case "hole":
                shift = ms
            case _:
                shift = ms % 501
        if shift > 500:
            maker.segment(start=maker.end + shift)
            worst, shift = Verdict.SILENT_HOLE, 0
    assert maker.judge().verdict is worst


@settings(max_examples=60)
@given(schedule=schedules, data=st.data())
def test_no_row_can_be_cut_out(kit, schedule, data):
    """Whoever takes rows out of the middle, bytes, proofs and list with them, breaks the chain."""
    maker = kit.Maker().segment()
    for kind, ms in schedule:
        maker.gap(maker.end + ms) if "gap" in kind else maker.segment(min(ms, 6_000))
    maker.segment()
    files = maker.files()
    _, places = maker.log()
    cut = data.draw(st.sets(st.integers(1, len(maker.rows) - 2), min_size=1))
    for row in (maker.rows[i] for i in cut):
        del files[record_file(places[row.seq])], files[proof_file(places[row.seq])]
        if isinstance(row, SegmentRecord):
            del files[segment_file(row)]
    assert maker.judge(kit.relisted(files)).verdict is Verdict.FAILED


@settings(max_examples=150)
@given(data=st.data())
def test_any_selection_of_files_and_rubbish_gets_a_verdict(kit, data):
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment()
    files = maker.files()
    sealed = sorted(files.keys() - {"clip.json"})
    kept = data.draw(st.sets(st.sampled_from(sealed)))
    rubbish = data.draw(st.dictionaries(st.sampled_from([*sealed, "x"]), st.binary(max_size=99)))
    changed = {"clip.json": files["clip.json"], **{name: files[name] for name in kept}, **rubbish}
    whole = {n: d for n, d in changed.items() if n != "README.txt"} == {
        n: d for n, d in files.items() if n != "README.txt"
    }
    assert (maker.judge(kit.relisted(changed)).verdict is Verdict.GAP) == whole


def test_a_clip_without_rows_is_not_in_the_log(kit):
    maker = kit.Maker()
    report = maker.judge(maker.files(end=kit.T0 + 60_000))
    assert report.verdict is Verdict.NOT_IN_LOG
    assert report.stretches == (Stretch(kit.T0, kit.T0 + 60_000, None),)


def test_the_clock_in_the_bytes_must_agree(kit):
    def with_media(*starts: int):
        data = b"".join(kit.fragment(kit.T0 + start) for start in starts)
        return kit.Maker().segment(2_000, start=kit.T0, data=data).judge().verdict

    assert with_media(0, 500, 1_000, 1_500) is Verdict.VERIFIED
    assert with_media(-1_000, 3_000) is Verdict.VERIFIED
    for starts in [(1_001,), (-1_001,), (0, 3_001), (0, -1_001), (3_600_000,)]:
        assert with_media(*starts) is Verdict.FAILED


@pytest.mark.parametrize(
    "data",
    [b"", b"not boxes at all", b"\0\0\0\x08free", b"\0\0\0\x07moof", b"\0\0\0\x10moof" + bytes(8), b"\0\0\0\x20moof",
     b"\0\0\0\x08free" * 5000, b"\0\0\0\1moof\0\0\0\0\0\0\0\x10"],
)  # fmt: skip
def test_bytes_that_are_no_video_fail(kit, data):
    report = kit.Maker().segment(data=data or b"\0").judge()
    assert report.verdict is Verdict.FAILED
    assert bad_lines(report) == {"bytes"}


def test_old_and_long_boxes_are_read(kit):
    short = kit.box(b"moof", kit.box(b"traf", kit.box(b"tfdt", bytes(4), (90_000).to_bytes(4, "big"))))
    record = kit.Maker().segment(2_000, start=1_000, data=short)
    assert record.judge(record.files(start=1_000)).verdict is Verdict.VERIFIED
    long = kit.fragment(kit.T0) + b"\0\0\0\1mdat" + (16 + 5).to_bytes(8, "big") + b"video"
    assert kit.Maker().segment(data=long).judge().verdict is Verdict.VERIFIED


def test_init_segments_are_found_by_their_whole_hash(kit, minute):
    files = minute.files()
    name = init_file(hashlib.sha256(kit.INIT).digest())
    for data in (b"", kit.INIT[:-1], kit.INIT + b"\0", bytes(2 << 20)):
        assert minute.judge({**files, name: data}).verdict is Verdict.FAILED


def test_two_init_segments_may_not_share_one_file(kit):
    """A file is found by a part of its hash: a row whose init has the same beginning and another end is not served."""
    first = kit.Maker().segment().segment()
    twin = first.rows[1].init_sha256[:8] + bytes(24)
    first.rows[1] = replace(first.rows[1], init_sha256=twin)
    report = first.judge()
    assert report.verdict is Verdict.FAILED
    assert bad_lines(report) == {"bytes"}


@pytest.mark.parametrize(
    "change",
    [
        lambda m: b"", lambda m: b"{", lambda m: b"[]", lambda m: b"null", lambda m: b"[" * 100_000,
        lambda m: b"\xff",
        lambda m: m.replace(b'"format": 1', b'"format": 2'), lambda m: m.replace(b'"format": 1', b'"format": "1"'),
        lambda m: m.replace(b'"format": 1', b'"format": 1, "format": 1'), lambda m: m.replace(b"from_ms", b"from"),
        lambda m: m.replace(b'"main"', b'"third"'), lambda m: m.replace(b'"box"', b'"../box"'),
        lambda m: m.replace(b'"box"', b"7"),
        lambda m: json.dumps({**json.loads(m), "to_ms": 1}).encode(), lambda m: json.dumps({**json.loads(m),
        "to_ms": 10**30}).encode(),
        lambda m: json.dumps({**json.loads(m), "from_ms": True}).encode(), lambda m: json.dumps({**json.loads(m),
        "from_ms": 0.5}).encode(),
        lambda m: json.dumps({**json.loads(m), "files": "x"}).encode(), lambda m: json.dumps({**json.loads(m),
        "files": [1]}).encode(),
        lambda m: json.dumps({**json.loads(m), "origin": None}).encode(), lambda m: json.dumps({**json.loads(m),
        "more": 1}).encode(),
        lambda m: m + b" " * (9 << 20), lambda m: b'{"from_ms": ' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_a_file_without_a_readable_manifest_is_not_a_clip(kit, minute, change):
    files = minute.files()
    with pytest.raises(NotAClipError):
        minute.judge({**files, "clip.json": change(files["clip.json"])})


def test_not_a_zip_and_no_manifest(kit, minute):
    files = minute.files()
    del files["clip.json"]
    for data in (
        b"",
        b"hello",
        b"\x89PNG" + bytes(500),
        kit.stored_zip(files),
        kit.stored_zip({"clip.zip": kit.stored_zip(files)}),
    ):
        with pytest.raises(NotAClipError):
            verify_clip(io.BytesIO(data))


def test_a_readme_to_drown_in_fails(kit, minute):
    assert minute.judge({**minute.files(), "README.txt": bytes(1 << 20)}).verdict is Verdict.FAILED


def test_a_thousand_faults_are_told_in_a_line(kit, minute):
    files = {**minute.files(), **{f"records/{i}.cbor": b"?" for i in range(1_000, 2_000)}}
    report = minute.judge(kit.relisted(files))
    line = next(line for line in report.lines if line.check == "records")
    assert "and 990 more" in line.text
    assert len(line.text) < 1_000


def test_a_trust_file_that_asks_for_witnesses_is_not_half_obeyed(kit, minute):
    witness = VerifierKey("w.example", minute.signer.vkey.public, 4)
    policy = parse_policy(f"log {minute.signer.vkey}\nwitness W {witness}\nquorum W\n".encode())
    with pytest.raises(PolicyError, match="witnesses"):
        verify_clip(io.BytesIO(kit.stored_zip(minute.files())), policy)


def test_the_worst_finding_is_the_verdict(kit):
    holed = kit.Maker().segment().segment(start=kit.T0 + 9_000)
    assert holed.judge(None, kit.Signer(2).vkey).verdict is Verdict.UNKNOWN_KEY
    files = holed.files()
    del files[proof_file(1)]
    assert holed.judge(kit.relisted(files)).verdict is Verdict.NOT_IN_LOG
    assert holed.judge(kit.relisted(files), kit.Signer(2).vkey).verdict is Verdict.UNKNOWN_KEY
    files[segment_file(holed.rows[0])] = b"x"
    assert holed.judge(kit.relisted(files), kit.Signer(2).vkey).verdict is Verdict.FAILED


def test_the_first_row_of_a_stream_follows_none(kit):
    maker = kit.Maker().segment()
    maker.rows[0] = replace(maker.rows[0], prev=leaf_hash(b"something"))
    assert maker.judge().verdict is Verdict.FAILED
