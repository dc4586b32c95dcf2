"""The reference pages: their examples are the frozen vectors, and their commands do what they say."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from aigaq_verify import Flag, GapCause, Verdict
from aigaq_verify.report import CAUSES

REPO = Path(__file__).parents[2]
FORMATS = (REPO / "docs/reference/formats.md").read_text()
VERIFY = (REPO / "docs/reference/verify.md").read_text()


def vectors(path: str) -> dict:
    return json.loads((REPO / path).read_text())


def test_the_examples_are_frozen_vectors():
    hexes = {block.replace("\n", "") for block in re.findall(r"```\n([0-9a-f\n]+)```", FORMATS)}
    records = {v["name"]: v for v in vectors("tests/verify/vectors/records.json")["valid"]}
    receipt = vectors("tests/ledger/vectors/receipts.json")["receipts"][0]
    assert hexes == {records["first segment"]["record"], records["closed gap"]["record"], receipt["receipt"]}
    for fact in (records["first segment"]["leaf_hash"], records["first segment"]["object_name"], receipt["vkey"]):
        assert f"`{fact}`" in FORMATS
    notes = vectors("tests/verify/vectors/notes.json")
    assert f"```\n{notes['notes'][0]['note']}```" in FORMATS
    assert f"`{notes['notes'][0]['vkey']}`" in FORMATS
    assert f"```\n{notes['proofs'][1]['proof']}```" in FORMATS


def test_every_cause_flag_and_verdict_is_described():
    for cause in GapCause:
        assert f"| `{cause}` | {CAUSES[cause]} |" in FORMATS
    for flag in Flag:
        assert flag.name
        if flag:
            assert f"| {flag.name.lower()} | {int(flag)} |" in FORMATS
    for verdict in Verdict:
        assert f"| {int(verdict)} | `{verdict.name.replace('_', ' ')}` |" in VERIFY


@pytest.fixture
def by_hand(tmp_path, kit):
    """Runs the page's own commands on an unpacked clip; returns what they print."""
    (script,) = re.findall(r"```sh\n(.*?)```", VERIFY, re.DOTALL)
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment().segment()
    for name, data in maker.files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    _, places = maker.log()
    row = maker.rows[3]
    facts = {"INDEX": str(places[row.seq]), "SEGMENT": f"segments/{row.file_name}", "VKEY": str(maker.signer.vkey)}

    def run(**changes: str) -> str:
        words = ["sh", "-c", script]
        done = subprocess.run(
            words, cwd=tmp_path, env={**os.environ, **facts, **changes}, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return run


GOOD = ("segment is in the row", "row is in the log", "Signature Verified Successfully")


def test_a_clip_is_verified_by_hand(by_hand):
    said = by_hand()
    assert all(word in said for word in GOOD), said


def test_by_hand_the_wrong_one_is_noticed(by_hand, kit, tmp_path):
    assert "Signature Verified Successfully" not in by_hand(VKEY=str(kit.Signer(2).vkey))
    assert "segment is in the row" not in by_hand(SEGMENT="clip.json")
    row = next((tmp_path / "records").glob("7.cbor"))
    row.write_bytes(row.read_bytes()[:-1] + b"\1")
    assert "row is in the log" not in by_hand()
