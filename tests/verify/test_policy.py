"""Trust files: every rule of c2sp.org/tlog-policy, and a line number for every mistake."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_lab import Signer

from aigaq_verify import PolicyError, parse_policy
from aigaq_verify.note import ML_DSA_44, VerifierKey
from aigaq_verify.policy import Group


@pytest.fixture(scope="module")
def keys():
    return [Signer(seed, f"log.example/vote/s/s-{seed}").vkey for seed in range(1, 6)]


@pytest.fixture(scope="module")
def cosigners(keys):
    return [VerifierKey(f"witness-{i}.example", key.public, 4) for i, key in enumerate(keys)]


def test_a_trust_file_without_witnesses(keys):
    text = f"# the election's boxes\n\nlog {keys[0]}\n\t log  {keys[1]}\thttps://x.example/ \nquorum none\n"
    policy = parse_policy(text.encode())
    assert policy.logs == keys[:2]
    assert policy.quorum == "none"
    assert policy.keys_of(keys[1].name) == [keys[1]]
    assert policy.keys_of("log.example/vote/s/s-9") == []


def test_two_levels_of_groups(keys, cosigners):
    lines = [
        f"log {keys[0]}", *(f"witness W{i} {key}" for i, key in enumerate(cosigners)), "group X 2 W0 W1 W2",
        "group Y any W3 W4", "group X-and-Y all X Y", "quorum X-and-Y",
    ]  # fmt: skip
    policy = parse_policy("\n".join(lines).encode())
    assert policy.groups == {
        "X": Group(2, ("W0", "W1", "W2")),
        "Y": Group(1, ("W3", "W4")),
        "X-and-Y": Group(2, ("X", "Y")),
    }
    assert policy.quorum == "X-and-Y"
    assert policy.witnesses["W3"] == cosigners[3]


def test_a_post_quantum_witness_is_read():
    key = VerifierKey("pq.example", b"\1" * 1312, ML_DSA_44)
    assert parse_policy(f"witness W {key}\nquorum W\n".encode()).witnesses["W"] == key


def test_names_are_octets(cosigners):
    data = b"witness \xff\xfe " + str(cosigners[0]).encode() + b"\n# \x80\nquorum \xff\xfe\n"
    assert parse_policy(data).quorum.encode("utf-8", "surrogateescape") == b"\xff\xfe"


@pytest.mark.parametrize(
    ("line", "lines", "reason"),
    [
        (1, ["log"], "not a line"), (1, ["logs {k}"], "not a line"), (1, ["log {k} url more"], "not a line"),
        (1, ["log {w}"], "type 4"), (1, ["witness A {k}"], "type 1"), (2, ["log {k}", "log {k}"], "twice"),
        (1, ["log {k}\r"], "0x0d"), (1, ["log x+00000000+AAAA"], "key"), (2, ["witness A {w}", "witness A {v}"],
        "taken"),
        (1, ["witness none {w}"], "taken"), (2, ["witness A {w}", "witness B {w}"], "twice"), (1, ["quorum A"],
        "earlier line"),
        (2, ["quorum none", "quorum none"], "second"), (1, ["group G any A"], "earlier line"),
        (1, ["group G any"], "not a line"),
        (2, ["witness A {w}", "group G 2 A"], "threshold"), (2, ["witness A {w}", "group G 0 A"], "threshold"),
        (2, ["witness A {w}", "group G one A"], "threshold"), (2, ["witness A {w}", "group G any A A"], "twice"),
        (3, ["witness A {w}", "group G any A", "group H any A"], "twice"), (2, ["witness A {w}", "group A any A"],
        "taken"),
        (3, ["witness A {w}", "group G all A", "quorum g"], "earlier line"), (1, ["\x0bquorum none"], "0x0b"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line(line, lines, reason, keys, cosigners):
    text = (
        "\n".join(lines)
        .replace("{k}", str(keys[0]))
        .replace("{w}", str(cosigners[0]))
        .replace("{v}", str(cosigners[1]))
    )
    with pytest.raises(PolicyError, match=f"^line {line}: .*{reason}"):
        parse_policy(text.encode())


def test_a_quorum_must_be_said(keys):
    for text in ("", "# nothing\n", f"log {keys[0]}\n"):
        with pytest.raises(PolicyError, match="quorum none"):
            parse_policy(text.encode())


def test_keys_that_must_not_be_trusted_are_refused():
    identity = base64.b64encode(b"\1" + (1).to_bytes(32, "little")).decode()
    with pytest.raises(PolicyError, match="line 1: not a sound"):
        parse_policy(f"log x+00000000+{identity}\nquorum none\n".encode())


@given(st.binary(max_size=200))
def test_any_bytes_give_a_policy_or_a_reason(data):
    with suppress(PolicyError):
        assert parse_policy(data).quorum


def test_a_key_name_that_is_no_text_is_refused(keys):
    _, _, rest = str(keys[0]).partition("+")
    with pytest.raises(PolicyError, match="line 1: not a key name"):
        parse_policy(b"log \xff+" + rest.encode() + b"\nquorum none\n")


def test_a_huge_file_is_refused():
    with pytest.raises(PolicyError, match="more than"):
        parse_policy(b"#" * ((16 << 20) + 1))
