"""A small station in memory: makes rows, a log, proofs and clips, right by default and wrong on demand."""

import hashlib
import io
import json
import struct
import sys
import types
import zipfile
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq_verify import (
    NO_HASH,
    Checkpoint,
    GapCause,
    GapRecord,
    Manifest,
    Note,
    NoteSignature,
    Policy,
    Proof,
    Record,
    Report,
    SegmentRecord,
    VerifierKey,
    inclusion_proof,
    init_file,
    leaf_hash,
    parse_policy,
    proof_file,
    record_file,
    root_of,
    segment_file,
    verify_clip,
)

T0 = 1_795_000_000_000
"""2026-11-18T10:26:40Z."""
ORIGIN = "log.example/vote-26/s/s-101"
INIT = b"\0\0\0\x08ftyp" + b"i" * 40


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def fragment(start_ms: int, payload: bytes = b"video") -> bytes:
    """One `moof` and `mdat` with a 64-bit decode time, the smallest that a segment may be."""
    tfdt = box(b"tfdt", b"\1\0\0\0", (start_ms * 90).to_bytes(8, "big"))
    moof = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfhd", bytes(8)), tfdt))
    return moof + box(b"mdat", payload)


def two_parts(start_ms: int, duration_ms: int) -> bytes:
    return box(b"styp", b"msdh") + fragment(start_ms) + fragment(start_ms + duration_ms // 2)


class Signer:
    def __init__(self, seed: int, name: str = ORIGIN) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.vkey = VerifierKey(name, self.private.public_key().public_bytes_raw())

    def note(self, text: str) -> bytes:
        value = self.private.sign(text.encode())
        return Note(text, (NoteSignature(self.vkey.name, self.vkey.key_id, value),)).encode()


def policy_of(*keys: VerifierKey) -> Policy:
    return parse_policy("".join(f"log {key}\n" for key in keys).encode() + b"quorum none\n")


def stored_zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


@dataclass
class Maker:
    """One stream of a station; `rows` are its records, `media` the bytes of its segments."""

    signer: Signer = field(default_factory=lambda: Signer(1))
    rows: list[Record] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    init: bytes = INIT
    stream: dict[str, str] = field(
        default_factory=lambda: {"election": "vote-26", "station": "s-101", "camera": "box", "stream": "main"}
    )

    @property
    def end(self) -> int:
        last = self.rows[-1] if self.rows else None
        return T0 if last is None else last.end_ms if isinstance(last, SegmentRecord) else last.to_ms or last.from_ms

    def _chain(self) -> dict[str, object]:
        prev = leaf_hash(self.rows[-1].encode()) if self.rows else NO_HASH
        return {**self.stream, "seq": len(self.rows), "prev": prev}

    def segment(self, duration: int = 2_000, *, start: int | None = None, data: bytes | None = None) -> "Maker":
        start = self.end if start is None else start
        data = two_parts(start, duration) if data is None else data
        record = SegmentRecord(
            **self._chain(), start_ms=start, duration_ms=duration, size=len(data),
            sha256=hashlib.sha256(data).digest(), init_sha256=hashlib.sha256(self.init).digest(),
        )  # fmt: skip
        self.media[segment_file(record)] = data
        self.rows.append(record)
        return self

    def gap(
        self, to: int | None, cause: GapCause = GapCause.NO_RTP, *, start: int | None = None, opened: bool = True
    ) -> "Maker":
        """A gap up to `to`, told open first as a station does."""
        start = self.end if start is None else start
        if opened and to is not None:
            self.rows.append(GapRecord(**self._chain(), from_ms=start, to_ms=None, cause=cause))
        self.rows.append(GapRecord(**self._chain(), from_ms=start, to_ms=to, cause=cause))
        return self

    def log(self) -> tuple[list[bytes], dict[int, int]]:
        """Leaf hashes of the station log, with rows of another stream in between, and seq to index."""
        leaves: list[bytes] = []
        places: dict[int, int] = {}
        for row in self.rows:
            leaves.append(leaf_hash(b"another stream %d" % len(leaves)))
            places[row.seq] = len(leaves)
            leaves.append(leaf_hash(row.encode()))
        return leaves, places

    def files(self, start: int | None = None, end: int | None = None) -> dict[str, bytes]:
        leaves, places = self.log()
        note = self.signer.note(Checkpoint(ORIGIN, len(leaves), root_of(leaves)).text())
        files = {init_file(hashlib.sha256(self.init).digest()): self.init, **self.media} if self.media else {}
        for row in self.rows:
            index = places[row.seq]
            files[record_file(index)] = row.encode()
            hashes = inclusion_proof(
                index, len(leaves), lambda level, i: root_of(leaves[i << level : (i + 1) << level])
            )
            files[proof_file(index)] = Proof(index, tuple(hashes), note).encode()
        files["README.txt"] = b"how to check this"
        span = (T0 if start is None else start, self.end if end is None else end)
        return {"clip.json": self.manifest(span, files).encode(), **files}

    def manifest(self, span: tuple[int, int], files: dict[str, bytes]) -> Manifest:
        return Manifest(**self.stream, from_ms=span[0], to_ms=span[1], origin=ORIGIN, files=tuple(sorted(files)))

    def judge(self, files: dict[str, bytes] | None = None, *keys: VerifierKey) -> Report:
        data = stored_zip(self.files() if files is None else files)
        return verify_clip(io.BytesIO(data), policy_of(*(keys or (self.signer.vkey,))))


def relisted(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with a `clip.json` that lists them truly, as a forger would."""
    said = json.loads(files["clip.json"])
    said["files"] = sorted(files.keys() - {"clip.json"})
    return {**files, "clip.json": json.dumps(said).encode()}


@pytest.fixture(scope="session")
def kit() -> types.ModuleType:
    """This module: `kit.Maker()`, `kit.Signer(seed)`, `kit.stored_zip(files)` and the rest."""
    return sys.modules[__name__]
