"""The reference pages: their examples are the frozen vectors, and their commands do what they say."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.proof_lab import LOG, T0, Box, Lab, Signer

from aigaq_verify import Flag, GapCause, Kind, Verdict
from aigaq_verify.records import CAUSES, RECOVERED, RULES
from aigaq_verify.report import CHECKS

REPO = Path(__file__).parents[2]
FORMATS = (REPO / "docs/reference/formats.md").read_text()
VERIFY = (REPO / "docs/reference/verify.md").read_text()


def vectors(path: str) -> dict:
    return json.loads((REPO / path).read_text())


def test_the_examples_are_frozen_vectors():
    hexes = {block.replace("\n", "") for block in re.findall(r"```\n([0-9a-f\n]+)```", FORMATS)}
    records = {v["name"]: v for v in vectors("tests/verify/vectors/records.json")["valid"]}
    leaves = vectors("tests/verify/vectors/leaves.json")["valid"]
    receipt = vectors("tests/ledger/vectors/receipts.json")["receipts"][0]
    shown = {records["first segment"]["record"], records["closed gap"]["record"], receipt["receipt"]}
    assert hexes == shown | {leaves[1]["leaf"], leaves[3]["leaf"]}
    facts = (records["first segment"]["leaf_hash"], records["first segment"]["object_name"], receipt["vkey"])
    assert all(f"`{fact}`" in FORMATS for fact in (*facts, leaves[3]["leaf_hash"]))
    notes = vectors("tests/verify/vectors/notes.json")
    cosigned = vectors("tests/verify/vectors/cosignatures.json")["cosignatures"][0]
    blocks = [notes["notes"][0]["note"], notes["proofs"][1]["proof"], cosigned["line"]]
    blocks.append(bytes.fromhex(cosigned["message"]).decode())
    assert all(f"```\n{block}```" in FORMATS for block in blocks)
    assert all(f"`{vkey}`" in FORMATS for vkey in (notes["notes"][0]["vkey"], cosigned["vkey"]))


def test_every_kind_of_leaf_is_described():
    for kind in set(Kind) - {Kind.SEGMENT, Kind.GAP}:
        name = {"challenge": "challenge and response"}.get(kind.name.lower(), kind.name.lower().replace("_", " "))
        assert f"| {int(kind)} {name} | `[{int(kind)}, election, " in FORMATS


def test_every_cause_flag_and_verdict_is_described():
    for cause in GapCause:
        assert f"| `{cause}` | {CAUSES[cause]} |" in FORMATS
    assert set(GapCause) == CAUSES.keys()
    for flag in Flag:
        assert flag.name
        if flag:
            assert f"| {flag.name.lower()} | {int(flag)} |" in FORMATS
    assert (Flag.RECOVERED, f"an integer from 0 to {int(sum(Flag))}") == (RECOVERED, RULES[Kind.SEGMENT]["flags"][0])
    for verdict in Verdict:
        assert f"| {int(verdict)} | `{verdict.words}` |" in VERIFY
    for check in CHECKS:
        assert f"| `{check}` | " in VERIFY


@pytest.fixture
def by_hand(tmp_path):
    """Runs the page's own commands on an unpacked clip; returns what they print."""
    (script,) = re.findall(r"```sh\n(.*?)```", VERIFY, re.DOTALL)
    box = Box(Lab()).enrol().segment().gap(T0 + 5_000).segment().segment().seal()
    for name, data in box.files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    facts = {
        "INDEX": str(box.places[3]), "SEGMENT": f"segments/{box.rows[3].file_name}", "ELECTION": "vote-26",
        "STATION": "s-101", "LOG": str(box.lab.key.vkey), "WITNESS": str(box.lab.witnesses[4].vkey),
    }  # fmt: skip

    def run(**changes: str) -> str:
        words = ["sh", "-c", script]
        done = subprocess.run(
            words, cwd=tmp_path, env={**os.environ, **facts, **changes}, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return run


SEGMENT, ROW, SEAL = "segment is in the row", "row is in the station's log", "its checkpoint is in the national log"
SIGNED, TIME = "Signature Verified Successfully", "witnessed at 2026-11-18 11:06:51 UTC"


def test_a_clip_is_verified_by_hand(by_hand):
    said = by_hand()
    assert all(word in said for word in (SEGMENT, ROW, SEAL, TIME)), said
    assert said.count(SIGNED) == 2


def test_by_hand_the_wrong_one_is_noticed(by_hand, tmp_path):
    assert by_hand(LOG=str(Signer(2, LOG).vkey)).count(SIGNED) == 1
    assert TIME not in by_hand(WITNESS=str(Signer(2, "witness-4.example", 4).vkey))
    assert SEGMENT not in by_hand(SEGMENT="clip.json")
    assert SEAL not in by_hand(STATION="s-102")
    row = tmp_path / "records/7.cbor"
    row.write_bytes(row.read_bytes()[:-1] + b"\1")
    said = by_hand()
    assert ROW not in said
    assert SEAL in said
