"""Digest and Basic answers against the vectors of the RFCs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.capture.auth import Authenticator, Challenge, parse_challenge, strongest

EXAMPLE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def answer(challenge: Challenge, username="Mufasa", password="Circle of Life") -> str:
    return Authenticator(username, password, challenge, CNONCE).header("GET", "/dir/index.html")


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_section_3_9_1(algorithm, response):
    header = answer(parse_challenge(EXAMPLE.format(algorithm)))
    assert f'response="{response}"' in header
    assert "qop=auth, nc=00000001" in header
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in header


def test_rfc_2617_without_qop_is_rfc_2069():
    challenge = parse_challenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    header = answer(challenge, "Mufasa", "CircleOfLife")
    # the corrected value of RFC 2069 §2.4, erratum 749
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header
    assert "cnonce" not in header
    assert "algorithm" not in header


def test_basic():
    # RFC 7617 §2
    assert answer(parse_challenge('Basic realm="WallyWorld"'), "Aladdin", "open sesame") == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )


def test_the_count_rises_with_each_use():
    authenticator = Authenticator("u", "p", parse_challenge(EXAMPLE.format("MD5")), "c")
    counts = [authenticator.header("PLAY", "rtsp://x").rpartition("nc=")[2] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_session_variant_hashes_the_secret_again():
    plain = parse_challenge(EXAMPLE.format("SHA-256"))
    session = replace(plain, algorithm="SHA-256-SESS")
    assert answer(plain) != answer(session)
    assert "algorithm=SHA-256-SESS" in answer(session)


def test_quotes_in_a_name_are_escaped():
    assert 'username="a\\"b"' in answer(parse_challenge(EXAMPLE.format("MD5")), 'a"b')


def test_the_strongest_challenge_wins_and_unknown_ones_are_skipped():
    offers = ['Basic realm="r"', EXAMPLE.format("MD5"), EXAMPLE.format("SHA-256"), EXAMPLE.format("ROT13"), "NTLM"]
    assert strongest(offers).algorithm == "SHA-256"
    assert strongest(offers[:2]).algorithm == "MD5"
    assert strongest(offers[:1]).algorithm == "BASIC"
    assert strongest(["NTLM", EXAMPLE.format("ROT13")]) is None


def test_stale():
    assert parse_challenge('Digest realm="r", nonce="n", stale=TRUE').stale
    assert not parse_challenge('Digest realm="r", nonce="n", stale="false"').stale


@given(st.text())
def test_any_header_is_read_or_refused(text):
    for scheme in ("", "Digest ", "Basic "):
        challenge = parse_challenge(scheme + text)
        if challenge:
            assert answer(challenge)
