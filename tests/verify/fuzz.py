"""Coverage-guided fuzzing of each parser: `python -m tests.verify.fuzz note [libFuzzer options]`.

A parser may refuse with its own error and nothing else, and what it accepts it must write back as the same bytes.
"""

import io
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["aigaq_verify"]):
    from aigaq_verify.container import NotEvidenceError, StoredZip
    from aigaq_verify.manifest import Manifest
    from aigaq_verify.mp4 import fragment_times
    from aigaq_verify.note import Checkpoint, Note, NoteError, Proof, VerifierKey
    from aigaq_verify.policy import PolicyError, parse_policy
    from aigaq_verify.records import RecordError, decode_leaf
    from aigaq_verify.writing import decode_record, encode_leaf, encode_manifest


def note(data: bytes) -> None:
    parsed = Note.parse(data)
    assert parsed.encode() == data
    checkpoint = Checkpoint.parse(parsed.text)
    assert checkpoint.text() == parsed.text


def key(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert str(VerifierKey.parse(text)) == text


def proof(data: bytes) -> None:
    assert Proof.parse(data).encode() == data


def policy(data: bytes) -> None:
    assert parse_policy(data).quorum


def record(data: bytes) -> None:
    assert decode_record(data).encode() == data


def leaf(data: bytes) -> None:
    assert encode_leaf(decode_leaf(data)) == data


def zipped(data: bytes) -> None:
    package = StoredZip(io.BytesIO(data))
    assert sum(len(package.read(name)) for name in package.sizes) <= len(data)


def manifest(data: bytes) -> None:
    parsed = Manifest.parse(data)
    assert Manifest.parse(encode_manifest(parsed)) == parsed


def mp4(data: bytes) -> None:
    assert all(time >= 0 for time in fragment_times(data))


TARGETS: dict[str, tuple[Callable[[bytes], None], type[Exception]]] = {
    "note": (note, NoteError), "key": (key, NoteError), "proof": (proof, NoteError), "policy": (policy, PolicyError),
    "record": (record, RecordError), "leaf": (leaf, RecordError), "zip": (zipped, NotEvidenceError),
    "manifest": (manifest, NotEvidenceError), "mp4": (mp4, ValueError),
}  # fmt: skip


if __name__ == "__main__":
    target, refusal = TARGETS[sys.argv[1]]

    def one(data: bytes) -> None:
        try:
            target(data)
        except refusal:
            return

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()
