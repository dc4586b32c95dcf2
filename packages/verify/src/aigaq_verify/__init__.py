"""Aigaq's formats and proofs, readable by an auditor without the platform. Imports nothing of `aigaq`."""

from aigaq_verify.records import (
    HOLE_MS,
    NO_BEACON,
    NO_HASH,
    Flag,
    GapCause,
    GapRecord,
    Record,
    RecordError,
    SegmentRecord,
    leaf_hash,
)

__all__ = [
    "HOLE_MS",
    "NO_BEACON",
    "NO_HASH",
    "Flag",
    "GapCause",
    "GapRecord",
    "Record",
    "RecordError",
    "SegmentRecord",
    "leaf_hash",
]
