"""Signed notes, verifier keys, checkpoints and proofs: the text forms of C2SP, and everything that is nearly one."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_lab import ORIGIN, Signer, proven

from aigaq.ledger.merkle import CompactRange, inclusion_proof, root_of
from aigaq_verify import Checkpoint, Note, NoteError, NoteSignature, Proof, UnknownKeyError, VerifierKey, leaf_hash

VECTORS = json.loads((Path(__file__).parent / "vectors/notes.json").read_text())
LEAVES = [leaf_hash(b"row %d" % i) for i in range(9)]
names = st.text(st.characters(min_codepoint=0x21, exclude_characters="+", exclude_categories=["Z", "C"]), min_size=1)


def node(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


@pytest.fixture(scope="module")
def signer():
    return Signer(1)


@pytest.fixture(scope="module")
def note(signer) -> bytes:
    return signer.note(Checkpoint(ORIGIN, 9, root_of(LEAVES)).text())


@pytest.fixture(scope="module")
def proof(note) -> bytes:
    return Proof(4, tuple(inclusion_proof(4, 9, node)), note).encode()


@pytest.mark.parametrize("vector", VECTORS["notes"], ids=lambda v: v["name"])
def test_frozen_notes(vector):
    key = VerifierKey.parse(vector["vkey"])
    note = vector["note"].encode()
    assert Note.parse(note).encode() == note
    checkpoint, signed_by = Checkpoint.open(note, [key])
    assert signed_by == key
    assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) == (
        vector["origin"],
        vector["size"],
        vector["root"],
    )


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda v: v["name"])
def test_frozen_proofs(vector):
    key, leaf = VerifierKey.parse(vector["vkey"]), leaf_hash(bytes.fromhex(vector["record"]))
    proof = Proof.parse(vector["proof"].encode())
    assert proof.encode() == vector["proof"].encode()
    assert proof.index == vector["index"]
    if vector["valid"]:
        assert proven(proof, leaf, [key]).size == vector["size"]
    else:
        with pytest.raises(NoteError):
            proven(proof, leaf, [key])


@pytest.mark.parametrize("vector", VECTORS["malformed"], ids=lambda v: v["name"])
def test_frozen_malformed(vector):
    with pytest.raises(NoteError):
        {"note": Note.parse, "proof": Proof.parse}[vector["kind"]](vector["text"].encode())


def test_the_note_of_the_specification():
    """The example of c2sp.org/signed-note v1.0.0 is read and written back; its key is not published."""
    text = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaq"
        "P3ZekRwNtIc=\n"
    )
    note = Note.parse(text.encode())
    assert note.encode() == text.encode()
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert note.signatures[0].name == "quasimodo.example/salvatore"


def test_keys_are_written_and_read(signer):
    text = str(signer.vkey)
    assert VerifierKey.parse(text) == signer.vkey
    name, key_id, encoded = text.split("+", 2)
    other = VerifierKey(name + "x", signer.vkey.public)
    for wrong in (
        "", "+", "++", name, f"{name}+{key_id}", f"{name}+{key_id.upper()}+{encoded}", f"{name}+00000000+{encoded}",
        f"{name}x+{key_id}+{encoded}", f"{name}+{key_id}+{encoded}\n", f"{name}+{key_id}+{encoded[:-1]}",
        f" {text}", f"na me+{other.key_id.hex()}+{encoded}",
        f"{name}+{key_id}+" + base64.b64encode(b"\2" + bytes(32)).decode(),
    ):  # fmt: skip
        with pytest.raises(NoteError):
            VerifierKey.parse(wrong)


@given(names)
def test_any_name_without_space_or_plus_is_a_name(name):
    public = VerifierKey.parse(VECTORS["notes"][0]["vkey"]).public
    assert VerifierKey.parse(str(VerifierKey(name, public))).name == name


def test_signatures_of_strangers_are_ignored_and_false_ones_are_not(signer, note):
    parsed = Note.parse(note)
    stranger = NoteSignature("someone", b"\0\0\0\1", b"anything")
    both = Note(parsed.text, (stranger, *parsed.signatures))
    assert Checkpoint.open(both.encode(), [signer.vkey])[1] == signer.vkey
    with pytest.raises(UnknownKeyError):
        Checkpoint.open(Note(parsed.text, (stranger,)).encode(), [signer.vkey])
    with pytest.raises(UnknownKeyError):
        Checkpoint.open(note, [Signer(2).vkey])
    false = NoteSignature(signer.vkey.name, signer.vkey.key_id, bytes(64))
    with pytest.raises(NoteError, match="does not belong"):
        Checkpoint.open(Note(parsed.text, (false,)).encode(), [signer.vkey])
    for second in (false, *parsed.signatures):
        with pytest.raises(NoteError, match="two signatures"):
            Checkpoint.open(Note(parsed.text, (*parsed.signatures, second)).encode(), [signer.vkey])


def test_a_cosigner_s_key_signs_no_log(signer, note):
    witness = VerifierKey(signer.vkey.name, signer.vkey.public, 4)
    with pytest.raises(UnknownKeyError):
        Checkpoint.open(note, [witness])


def test_a_key_speaks_for_its_own_log_only(signer):
    other = Checkpoint("log.example/vote-26/s/s-102", 9, root_of(LEAVES))
    with pytest.raises(NoteError, match="signed by the key of"):
        Checkpoint.open(signer.note(other.text()), [signer.vkey])


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "a\n", "a\n1\n", "a\n1\n\n", "\n1\n{r}\n", "a\n01\n{r}\n", "a\n-1\n{r}\n", "a\n+1\n{r}\n",
        "a\n1 \n{r}\n",
        "a\n9223372036854775808\n{r}\n", "a\n١\n{r}\n", "a\n1\n{r}", "a\n1\n{r}\n\nx\n", "a\n1\nAAAA\n",
        "a\n1\n{r}x\n",
    ],
)  # fmt: skip
def test_texts_that_are_no_checkpoints(text):
    with pytest.raises(NoteError):
        Checkpoint.parse(text.replace("{r}", base64.b64encode(bytes(32)).decode()))


def test_extension_lines_are_kept():
    checkpoint = Checkpoint("a", 2**63 - 1, bytes(32), ("more", "and more"))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b"\n\n", b"\n"), lambda d: d[:-1], lambda d: d + b"\n",
        lambda d: d.replace(b"\n", b"\r\n"),
        lambda d: d.replace("\u2014".encode(), b"-"), lambda d: d.replace("\u2014 ".encode(), "\u2014  ".encode()),
        lambda d: d + b"\xff", lambda d: d.replace(b"=\n", b"\n"), lambda d: b"\0" + d,
        lambda d: d[: d.index(b"\n\n") + 2],
        lambda d: d + d[d.index(b"\n\n") + 2 :] * 64, lambda d: b"x" * (128 << 10) + d,
    ],
)  # fmt: skip
def test_bytes_that_are_no_notes(change, note):
    with pytest.raises(NoteError):
        Note.parse(change(note))


def test_sixteen_post_quantum_signatures_fit(note, signer):
    parsed = Note.parse(note)
    many = tuple(NoteSignature(f"w{i}", bytes(4), bytes(4_900)) for i in range(16))
    assert Checkpoint.open(Note(parsed.text, (*many, *parsed.signatures)).encode(), [signer.vkey])


@given(data=st.data())
def test_no_bit_of_a_note_can_change(data, note, signer):
    with pytest.raises(NoteError):
        Checkpoint.open(flipped(note, data), [signer.vkey])


@given(data=st.data())
def test_no_bit_of_a_proof_can_change(data, proof, signer):
    changed = flipped(proof, data)
    with pytest.raises(NoteError):
        proven(Proof.parse(changed), LEAVES[4], [signer.vkey])


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_reason(data):
    for parse in (Note.parse, Proof.parse, lambda d: Checkpoint.parse(d.decode("latin-1"))):
        with pytest.raises(NoteError):
            parse(data)


def test_extra_data_that_nobody_signed_is_refused(proof):
    with pytest.raises(NoteError):
        Proof.parse(proof.replace(b"@v1\n", b"@v1\nextra b3BhcXVl\n"))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b"@v1", b"@v2"), lambda d: d.replace(b"index 4", b"index 04"), lambda d: d[1:],
        lambda d: d.replace(b"index 4", b"index 4\nextra AA=="), lambda d: d.replace(b"index 4", b"index -4"),
        lambda d: d.replace(b"index 4\n", b""), lambda d: d.replace(b"=\n", b"=\r\n", 1),
        lambda d: d.replace(b"@v1\n", b"@v1\nextra \n"),
        lambda d: d.replace(b"index 4\n", b"index 4\n" + b"A" * 43 + b"=\n" * 64), lambda d: d + b"x" * (160 << 10),
    ],
)  # fmt: skip
def test_bytes_that_are_no_proofs(change, proof):
    with pytest.raises(NoteError):
        Proof.parse(change(proof))


def test_a_log_of_one_needs_no_hashes(signer):
    tree = CompactRange()
    tree.append(LEAVES[0])
    note = signer.note(Checkpoint(ORIGIN, 1, tree.root()).text())
    assert proven(Proof.parse(Proof(0, (), note).encode()), LEAVES[0], [signer.vkey]).size == 1


def flipped(value: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(value)
    changed[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(changed)
