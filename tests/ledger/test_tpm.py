"""An identity key in a TPM, with tpm2-tools and swtpm, a whole TPM 2.0 in software."""

import copy
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.enrol_lab import Lab, signing_key
from typer.testing import CliRunner

from aigaq.ledger import KeyFileError
from aigaq.ledger.enrolment import Facts, IdentityKey, TpmError, TpmKey, make_csr, read_csr
from aigaq.ledger.enrolment.cli import enrol_app
from aigaq.ledger.enrolment.session_keys import delegate
from aigaq_verify import decode_leaf, verify_delegation
from aigaq_verify.signatures import verify_p256

pytestmark = pytest.mark.peer


def peer(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install -y swtpm tpm2-tools", pytrace=False)
    return found


@pytest.fixture
def tpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TPM of this test's own, on a socket; its state is in the folder."""
    peer("tpm2_sign")
    folder = tmp_path / "tpm"
    folder.mkdir()
    at = folder / "socket"
    command = [
        peer("swtpm"), "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear",
        "--server", f"type=unixio,path={at}", "--ctrl", f"type=unixio,path={at}.ctrl",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not (at.exists() and Path(f"{at}.ctrl").exists()):
            assert process.poll() is None
        monkeypatch.setenv("TPM2TOOLS_TCTI", f"swtpm:path={at}")
        yield folder
        process.terminate()


def test_a_box_is_enrolled_and_delegates_by_a_key_that_it_cannot_read(tpm, tmp_path):
    TpmKey.create(tmp_path / "identity.key")
    assert (tmp_path / "identity.key").stat().st_mode & 0o777 == 0o600
    identity, lab = IdentityKey.load(tmp_path / "identity.key"), Lab()
    pem = make_csr(identity, "vote-26", "s-101", Facts())
    assert read_csr(pem).identity == identity.point
    request = lab.authority.request(pem)
    _, enrolment = lab.authority.complete(request, lab.approvals(request), lab.ca)
    lab.directory().check(enrolment)
    delegation = delegate(identity, signing_key(9).public, enrolment, start_ms=decode_leaf(enrolment)["not_before_ms"])
    assert verify_delegation(decode_leaf(delegation), decode_leaf(enrolment))
    for _ in range(8):  # half of all signatures come with the high s, which no verifier takes
        assert verify_p256(identity.point, b"message", identity.sign(b"message"))
    assert not verify_p256(identity.point, b"another", identity.sign(b"message"))


def test_the_key_stays_in_the_tpm(tpm, tmp_path):
    key = TpmKey.create(tmp_path / "identity.key")
    public = key.public_key().public_numbers()
    assert (tmp_path / "identity.key").read_text() == (
        f'{{"tpm2": "0x81016169", "public": "04{public.x:064x}{public.y:064x}"}}\n'
    )
    for read in (
        key.private_numbers,
        lambda: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        lambda: key.exchange(None, key.public_key()),
        lambda: key.sign(b"", ECDSA(SHA384())),
        lambda: key.sign(b"", ECDSA(Prehashed(SHA256()))),
    ):
        with pytest.raises(TypeError):
            read()
    assert (key.curve.name, key.key_size, copy.copy(key), copy.deepcopy(key)) == ("secp256r1", 256, key, key)
    told = subprocess.run(["tpm2_readpublic", "-c", "0x81016169"], capture_output=True, text=True, check=True).stdout
    assert "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign" in told


def test_nothing_is_overwritten(tpm, tmp_path):
    first = TpmKey.create(tmp_path / "identity.key")
    with pytest.raises(TpmError, match="refuses"):
        TpmKey.create(tmp_path / "second.key")
    with pytest.raises(TpmError, match="handle"):
        TpmKey.create(tmp_path / "second.key", handle=0x40000001)
    assert not (tmp_path / "second.key").exists()
    first.public_key().verify(first.sign(b"x", ECDSA(SHA256())), b"x", ECDSA(SHA256()))
    second = TpmKey.create(tmp_path / "second.key", handle=0x81016170)
    with pytest.raises(InvalidSignature):
        first.public_key().verify(second.sign(b"x", ECDSA(SHA256())), b"x", ECDSA(SHA256()))


def test_another_key_at_the_handle_makes_no_false_leaf(tpm, tmp_path):
    TpmKey.create(tmp_path / "first.key")
    TpmKey.create(tmp_path / "second.key", handle=0x81016170)
    mixed = tmp_path / "mixed.key"
    mixed.write_text((tmp_path / "first.key").read_text().replace("0x81016169", "0x81016170"))
    mixed.chmod(0o600)
    with pytest.raises(TpmError, match="another key"):
        IdentityKey.load(mixed).sign(b"message")


def test_a_tpm_that_is_not_there_is_named(tpm, tmp_path, monkeypatch):
    TpmKey.create(tmp_path / "identity.key")
    identity = IdentityKey.load(tmp_path / "identity.key")
    monkeypatch.setenv("TPM2TOOLS_TCTI", f"swtpm:path={tpm}/nowhere")
    with pytest.raises(TpmError, match="refuses") as caught:
        identity.sign(b"message")
    assert "tpm2_sign" in caught.value.where
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(TpmError, match="not installed"):
        identity.sign(b"message")


def test_a_file_that_others_may_read_is_refused(tpm, tmp_path):
    TpmKey.create(tmp_path / "identity.key")
    (tmp_path / "identity.key").chmod(0o644)
    with pytest.raises(KeyFileError):
        IdentityKey.load(tmp_path / "identity.key")


def test_the_command(tpm, tmp_path):
    runner, file = CliRunner(), tmp_path / "identity.key"
    done = runner.invoke(enrol_app, ["tpm-key", str(file)])
    assert done.exit_code == 0, done.output
    assert len(done.stdout.strip()) == 64
    assert runner.invoke(enrol_app, ["tpm-key", str(file)]).exit_code == 1
    assert runner.invoke(enrol_app, ["tpm-key", str(tmp_path / "x"), "--handle", "key"]).exit_code == 2


@given(st.binary(max_size=300) | st.sampled_from([b"[]", b"{}", b"1", b'{"tpm2": 1, "public": ""}', b"[" * 9_999]))
def test_other_files_name_no_key(data):
    assert TpmKey.parse(data) is None
    assert TpmKey.parse(b'{"tpm2": "0x81016169", "public": "04%s"}' % (b"00" * 64)) is None, "no point of the curve"
