"""Aigaq's formats and proofs, readable by an auditor without the platform. Imports nothing of `aigaq`.

Read `records` and `note` for the formats, then `judge` and `national` for what a verdict rests on. `writing` is for
programs.
"""

# ruff: noqa: I001
# fmt: off
from aigaq_verify.container import NotEvidenceError, StoredZip
from aigaq_verify.judge import verify
from aigaq_verify.manifest import (
    MANIFEST, README, Manifest, beacon_file, checkpoint_file, init_file, leaf_file, leaf_proof_file, proof_file,
    record_file, segment_file,
)
from aigaq_verify.mp4 import fragment_times
from aigaq_verify.note import (
    COSIGNATURE_ED25519, ED25519, ML_DSA_44, Checkpoint, Note, NoteError, NoteSignature, Proof,
    UnknownKeyError, VerifierKey, cosign_message, verify_inclusion,
)
from aigaq_verify.policy import NO_QUORUM, Group, Policy, PolicyError, Witnessed, parse_policy
from aigaq_verify.records import (
    HOLE_MS, ID, MAX_DURATION_MS, MAX_LEAF, MAX_MS, MAX_RECORD, MAX_SEGMENT, NO_HASH, Kind, Leaf, RecordError,
    decode_leaf, leaf_hash, verify_delegation,
)
from aigaq_verify.report import Report, Stretch, Verdict
from aigaq_verify.signatures import verify_signature
from aigaq_verify.writing import (
    NO_BEACON, Flag, GapCause, GapRecord, Record, SegmentRecord, decode_record, encode_leaf, encode_manifest,
    signed_part,
)

__all__ = [
    "COSIGNATURE_ED25519", "ED25519", "HOLE_MS", "ID", "MANIFEST", "MAX_DURATION_MS", "MAX_LEAF", "MAX_MS",
    "MAX_RECORD", "MAX_SEGMENT", "ML_DSA_44", "NO_BEACON", "NO_HASH", "NO_QUORUM", "README", "Checkpoint", "Flag",
    "GapCause", "GapRecord", "Group", "Kind", "Leaf", "Manifest", "NotEvidenceError", "Note", "NoteError",
    "NoteSignature", "Policy", "PolicyError", "Proof", "Record", "RecordError", "Report", "SegmentRecord", "StoredZip",
    "Stretch", "UnknownKeyError", "Verdict", "VerifierKey", "Witnessed", "beacon_file", "checkpoint_file",
    "cosign_message", "decode_leaf", "decode_record", "encode_leaf", "encode_manifest", "fragment_times", "init_file",
    "leaf_file", "leaf_hash", "leaf_proof_file", "parse_policy", "proof_file", "record_file", "segment_file",
    "signed_part", "verify", "verify_delegation", "verify_inclusion", "verify_signature",
]
