"""A small election in memory: station, national log, witnesses, clips and packages; right by default, wrong on demand.

Makes everything with its own few lines of RFC 6962 and with `cryptography`, so that it shares only the formats with
what it tests. `python -m tests.proof_lab OUT` writes the cases of `tests/proof_cases.py` for other verifiers.
"""

import hashlib
import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aigaq_verify import (
    COSIGNATURE_ED25519,
    ED25519,
    ML_DSA_44,
    NO_BEACON,
    NO_HASH,
    Checkpoint,
    Flag,
    GapCause,
    GapRecord,
    Kind,
    Leaf,
    Manifest,
    Note,
    NoteError,
    NoteSignature,
    Proof,
    Record,
    Report,
    SegmentRecord,
    Verdict,
    VerifierKey,
    beacon_file,
    checkpoint_file,
    cosign_message,
    encode_leaf,
    encode_manifest,
    init_file,
    leaf_file,
    leaf_hash,
    leaf_proof_file,
    parse_policy,
    proof_file,
    record_file,
    segment_file,
    signed_part,
    verify,
)

T0 = 1_795_000_000_000
"""2026-11-18T11:06:40Z."""
LOG = "log.example/vote-26"
ORIGIN = f"{LOG}/s/s-101"
INIT = b"\0\0\0\x08ftyp" + b"i" * 40
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DAY = 86_400_000
EXIT_CODES = {verdict.words: int(verdict) for verdict in Verdict} | {"NOT A CLIP": 8, "USAGE": 2}
Files = dict[str, bytes]


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box of ISO/IEC 14496-12."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def fragment(start_ms: int, payload: bytes = b"video") -> bytes:
    """One `moof` and `mdat` with a 64-bit decode time, the smallest that a segment may be."""
    tfdt = box(b"tfdt", b"\1\0\0\0", (start_ms * 90).to_bytes(8, "big"))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfhd", bytes(8)), tfdt)) + box(b"mdat", payload)


def two_parts(start_ms: int, duration_ms: int) -> bytes:
    """A segment of two half parts."""
    return box(b"styp", b"msdh") + fragment(start_ms) + fragment(start_ms + duration_ms // 2)


def flipped(data: bytes, place: int = -1) -> bytes:
    """One bit flipped in one byte."""
    new = bytearray(data)
    new[place] ^= 1
    return bytes(new)


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, over leaf hashes, by its definition."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256().digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1 by its definition."""
    if len(leaves) <= 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def proven(proof: Proof, leaf: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint, signed by one of the keys, under which the leaf hash is logged; NoteError where it is not."""
    checkpoint, _ = Checkpoint.open(proof.checkpoint, keys)
    if not proof.includes(leaf, checkpoint):
        raise NoteError("not in that tree")
    return checkpoint


@dataclass
class Signer:
    """An Ed25519 key under a name: of a log, or of a witness."""

    seed: int
    name: str = ORIGIN
    kind: int = ED25519

    def __post_init__(self) -> None:
        seed = self.seed.to_bytes(32, "big")
        pq = self.kind == ML_DSA_44
        self.private = MLDSA44PrivateKey.from_seed_bytes(seed) if pq else Ed25519PrivateKey.from_private_bytes(seed)
        self.vkey = VerifierKey(self.name, self.private.public_key().public_bytes_raw(), self.kind)

    def line(self, text: str, time: int = 0) -> NoteSignature:
        """This key's signature line under a text."""
        stamp = b"" if self.kind == ED25519 else time.to_bytes(8, "big")
        message = text.encode() if self.kind == ED25519 else cosign_message(self.vkey, text, time)
        return NoteSignature(self.name, self.vkey.key_id, stamp + self.private.sign(message))

    def note(self, text: str) -> bytes:
        """A note with this signature alone."""
        return Note(text, (self.line(text),)).encode()


class Identity:
    """The P-256 key of a box."""

    def __init__(self, secret: int) -> None:
        self.private: EllipticCurvePrivateKey = derive_private_key(secret, SECP256R1())
        self.point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes, *, high: bool = False) -> bytes:
        """Signature r ‖ s, with the low s unless asked for the other."""
        r, s = decode_dss_signature(self.private.sign(message, ECDSA(SHA256())))
        s = max(s, P256_ORDER - s) if high else min(s, P256_ORDER - s)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class Published:
    """A national checkpoint."""

    size: int
    note: bytes
    witnessed: bool


class Lab:
    """The national log with its witnesses. Times are true ones, in UTC milliseconds."""

    def __init__(self, *, witnesses: int = 9, origin: str = LOG, seed: int = 1) -> None:
        self.key = Signer(seed, origin)
        self.witnesses = [Signer(100 + i, f"witness-{i}.example", COSIGNATURE_ED25519) for i in range(witnesses)]
        self.leaves: list[bytes] = []
        self.published: list[Published] = []

    def append(self, leaf: bytes) -> int:
        """Put a leaf in, behind one of somebody else."""
        self.leaves += [b"somebody else's leaf %d" % len(self.leaves), leaf]
        return len(self.leaves) - 1

    @property
    def text(self) -> str:
        """The checkpoint of the log as it is now."""
        return Checkpoint(self.key.name, len(self.leaves), root([leaf_hash(leaf) for leaf in self.leaves])).text()

    def publish(
        self, at_ms: int, *, cosigners: Sequence[int] | None = None, times: Sequence[int] | None = None
    ) -> bytes:
        """A checkpoint; the witnesses cosign one after the other, beginning at that time."""
        chosen = range(len(self.witnesses)) if cosigners is None else cosigners
        text = self.text
        stamps = times or [at_ms // 1000 + (n > len(chosen) // 2) for n in range(len(chosen))]
        cosigned = [self.witnesses[i].line(text, time) for i, time in zip(chosen, stamps, strict=True)]
        note = Note(text, (self.key.line(text), *cosigned)).encode()
        self.published.append(Published(len(self.leaves), note, 3 * len(cosigned) >= 2 * len(self.witnesses)))
        return note

    @property
    def newest(self) -> Published | None:
        """The newest witnessed checkpoint: the beacon."""
        return next((one for one in reversed(self.published) if one.witnessed), None)

    def proof(self, index: int) -> bytes:
        """A leaf under the first witnessed checkpoint that covers it, else under the newest one."""
        covering = [one for one in self.published if one.size > index]
        under = next((one for one in covering if one.witnessed), self.published[-1])
        hashes = path(index, [leaf_hash(leaf) for leaf in self.leaves[: under.size]])
        return Proof(index, tuple(hashes), under.note).encode()

    def trust(self, *, quorum: int | None = None, log: VerifierKey | None = None) -> str:
        """The trust file: this log, these witnesses, two thirds of them as quorum."""
        n = len(self.witnesses)
        lines = [f"log {log or self.key.vkey}"]
        lines += [f"witness W{i} {witness.vkey}" for i, witness in enumerate(self.witnesses)]
        if not n:
            return "\n".join([*lines, "quorum none\n"])
        names = " ".join(f"W{i}" for i in range(n))
        return "\n".join([*lines, f"group W {quorum or (2 * n + 2) // 3} {names}", "quorum W\n"])


@dataclass(frozen=True)
class Sealed:
    """A checkpoint of the station and where it stands in the national log."""

    size: int
    note: bytes
    index: int


@dataclass
class Box:
    """One stream of a station; `rows` are its records, `media` the bytes of its segments. Call `enrol` first."""

    lab: Lab
    station: str = "s-101"
    camera: str = "box"
    stream: str = "main"
    session: Signer = field(default_factory=lambda: Signer(50))
    identity: Identity = field(default_factory=lambda: Identity(7))
    init: bytes = INIT
    begin: int = T0
    skew_ms: int = 0
    """How far the box's clock is ahead of the true time."""
    beacon: Published | None = None
    """What the next rows hold; `seal` renews it."""
    rows: list[Record] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Each row's index in the station's log."""
    log: list[bytes] = field(default_factory=list)
    media: Files = field(default_factory=dict)
    seals: list[Sealed] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)
    """Indices in the national log of what the station's clips carry."""

    @property
    def origin(self) -> str:
        return f"{self.lab.key.name}/s/{self.station}"

    @property
    def end(self) -> int:
        """Where the rows end, by the box's clock."""
        last = self.rows[-1] if self.rows else None
        start = self.begin + self.skew_ms
        return start if last is None else last.end_ms if isinstance(last, SegmentRecord) else last.to_ms or last.from_ms

    def leaf(self, kind: Kind, **values: Any) -> bytes:
        """Put a leaf about this station into the national log."""
        data = encode_leaf(Leaf(kind, {"election": "vote-26", "station": self.station, **values}))
        self.leaves.append(self.lab.append(data))
        return data

    def enrolment(self, **changes: Any) -> bytes:
        """The enrolment leaf."""
        approvals = [["chair/district-1", bytes(64)], ["it/centre", bytes(64)]]
        valid = {"not_before_ms": max(0, self.begin - DAY), "not_after_ms": self.begin + 6 * DAY}
        facts = {"facts_hash": bytes(32), "approvals": approvals, "certificate": b"0"}
        return self.leaf(Kind.ENROLMENT, **{"identity": self.identity.point, **valid, **facts, **changes})

    def delegation(self, enrolment: bytes, *, by: Identity | None = None, high: bool = False, **changes: Any) -> bytes:
        """The delegation leaf of the session key."""
        values: dict[str, Any] = {
            "election": "vote-26", "station": self.station, "session_key": self.session.vkey.public,
            "not_before_ms": max(0, self.begin - DAY // 4), "not_after_ms": self.begin + DAY,
            "enrolment": leaf_hash(enrolment), **changes,
        }  # fmt: skip
        signature = (by or self.identity).sign(signed_part(Kind.DELEGATION, values), high=high)
        return self.leaf(Kind.DELEGATION, **{**values, "signature": signature, **changes})

    def enrol(self) -> "Box":
        """Enrolled, delegated, and the first beacon is there, five seconds before the box begins."""
        self.delegation(self.enrolment())
        self.lab.publish(self.begin - 5_000)
        self.beacon = self.lab.newest
        return self

    def _chain(self) -> dict[str, Any]:
        prev = leaf_hash(self.rows[-1].encode()) if self.rows else NO_HASH
        beacon = self.beacon
        return {
            "election": "vote-26", "station": self.station, "camera": self.camera, "stream": self.stream,
            "seq": len(self.rows), "prev": prev, "beacon_size": beacon.size if beacon else 0,
            "beacon_hash16": hashlib.sha256(beacon.note).digest()[:16] if beacon else NO_BEACON,
        }  # fmt: skip

    def add(self, record: Record) -> "Box":
        """Write a row, behind one of another stream."""
        self.rows.append(record)
        self.log += [leaf_hash(b"another stream %d" % len(self.log)), leaf_hash(record.encode())]
        self.places.append(len(self.log) - 1)
        return self

    def segment(
        self, duration: int = 2_000, *, start: int | None = None, data: bytes | None = None, flags: Flag = Flag.NONE
    ) -> "Box":
        """One more segment, where the rows end unless told otherwise."""
        start = self.end if start is None else start
        data = two_parts(start, duration) if data is None else data
        record = SegmentRecord(
            **self._chain(), start_ms=start, duration_ms=duration, size=len(data), flags=flags,
            sha256=hashlib.sha256(data).digest(), init_sha256=hashlib.sha256(self.init).digest(),
        )  # fmt: skip
        self.media[segment_file(record)] = data
        return self.add(record)

    def gap(
        self, to: int | None, cause: GapCause = GapCause.NO_RTP, *, start: int | None = None, opened: bool = True
    ) -> "Box":
        """A gap up to `to`, told open first as a station does."""
        start = self.end if start is None else start
        if opened and to is not None:
            self.add(GapRecord(**self._chain(), from_ms=start, to_ms=None, cause=cause))
        return self.add(GapRecord(**self._chain(), from_ms=start, to_ms=to, cause=cause))

    def seal(
        self, *, after: int = 1_000, publish: int | None = 1_000, signer: Signer | None = None, **how: Any
    ) -> "Box":
        """A checkpoint over all rows, `after` their end; it is witnessed `publish` later, and so the next beacon."""
        at = self.end - self.skew_ms + after
        signer = signer or self.session
        key = Signer(signer.seed, self.origin)
        note = key.note(Checkpoint(self.origin, len(self.log), root(self.log)).text())
        leaf = Leaf(Kind.STATION_CHECKPOINT, {"election": "vote-26", "station": self.station, "note": note})
        self.seals.append(Sealed(len(self.log), note, self.lab.append(encode_leaf(leaf))))
        if publish is not None:
            self.lab.publish(at + publish, **how)
            self.beacon = self.lab.newest or self.beacon
        return self

    def rounds(self, count: int = 3, *, segments: int = 5) -> "Box":
        """Ten seconds of footage, sealed and witnessed; so many times."""
        for _ in range(count):
            for _ in range(segments):
                self.segment()
            self.seal()
        return self

    def files(self, start: int | None = None, end: int | None = None, *, manifest: bool = True) -> Files:
        """The files of a clip."""
        files = {init_file(hashlib.sha256(self.init).digest()): self.init, **self.media} if self.media else {}
        used: set[Sealed] = set()
        for row, index in zip(self.rows, self.places, strict=True):
            files[record_file(index)] = row.encode()
            seal = next((seal for seal in self.seals if seal.size > index), None)
            if seal is not None:
                hashes = path(index, self.log[: seal.size])
                files[proof_file(index)] = Proof(index, tuple(hashes), seal.note).encode()
                used.add(seal)
            if row.beacon_size:
                note = next(
                    p.note for p in self.lab.published if hashlib.sha256(p.note).digest()[:16] == row.beacon_hash16
                )
                files[beacon_file(row.beacon_size, row.beacon_hash16)] = note
        files |= {checkpoint_file(seal.size): self.lab.proof(seal.index) for seal in used}
        for index in self.leaves:
            files[leaf_file(index)] = self.lab.leaves[index]
            files[leaf_proof_file(index)] = self.lab.proof(index)
        files["README.txt"] = b"how to check this"
        span = (self.begin + self.skew_ms if start is None else start, self.end if end is None else end)
        return {"clip.json": encode_manifest(self.manifest(span, files)), **files} if manifest else files

    def manifest(self, span: tuple[int, int], files: Files) -> Manifest:
        """`clip.json`, true."""
        return Manifest(
            "vote-26", self.station, self.camera, self.stream, *span, self.origin, tuple(sorted(files)),
            log=self.lab.key.name,
        )  # fmt: skip


def beside(box: Box, **how: Any) -> Box:
    """Another stream of the same station: one log, one seal for both."""
    return Box(box.lab, session=box.session, beacon=box.beacon, log=box.log, seals=box.seals, leaves=box.leaves, **how)


def story(*, rounds: int = 3, witnesses: int = 9) -> Box:
    """A box that recorded without fault, half a minute by default."""
    return Box(Lab(witnesses=witnesses)).enrol().rounds(rounds)


def judged(box: Box, files: Files | None = None, trust: str | None = "") -> Report:
    """The verifier's report on a clip; with the right trust file unless told otherwise."""
    policy = None if trust is None else parse_policy((trust or box.lab.trust()).encode())
    return verify(io.BytesIO(stored_zip(box.files() if files is None else files)), policy)


def stored_zip(files: Files) -> bytes:
    """As the archive packs."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


def relisted(files: Files, **changes: Any) -> Files:
    """The files with a `clip.json` that lists them truly, as a forger would."""
    said = json.loads(files["clip.json"])
    said["files"] = sorted(files.keys() - {"clip.json"})
    return {**files, "clip.json": json.dumps({**said, **changes}).encode()}


def bag(clips: dict[str, Files], more: Files | None = None) -> Files:
    """An evidence package of these clips by folder name."""
    payload = {f"data/clips/{folder}/{name}": data for folder, files in clips.items() for name, data in files.items()}
    return tagged({**payload, "data/README.txt": b"read me", "data/policy.txt": b"not believed", **(more or {})})


def tagged(payload: Files) -> Files:
    """The BagIt files around a payload."""
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": b"Bagging-Date: 2026-11-18\n",
        "manifest-sha256.txt": hashes(payload),
    }
    return {**tags, "tagmanifest-sha256.txt": hashes(tags), **payload}


def hashes(files: Files) -> bytes:
    """Lines of a BagIt manifest."""
    return b"".join(b"%s  %s\n" % (hashlib.sha256(d).hexdigest().encode(), n.encode()) for n, d in files.items())


def main(out: Path, cases: Callable[[], Any]) -> None:
    """Write each case's file and trust file, and `cases.json`."""
    out.mkdir(parents=True, exist_ok=True)
    listed: list[dict[str, object]] = []
    trusts: dict[str | None, str | None] = {None: None}
    for case in cases():
        if case.trust not in trusts:
            trusts[case.trust] = f"trust-{len(trusts)}.txt"
            (out / str(trusts[case.trust])).write_text(str(case.trust))
        name = f"{case.name}.zip"
        (out / name).write_bytes(case.data)
        said = {"verdict": case.verdict, "exit_code": EXIT_CODES[case.verdict], "why": case.why}
        listed.append({"file": name, "trust": trusts[case.trust], **said})
    (out / "cases.json").write_text(json.dumps(listed, indent=1))


if __name__ == "__main__":
    from tests.proof_cases import cases

    main(Path(sys.argv[1]), cases)
