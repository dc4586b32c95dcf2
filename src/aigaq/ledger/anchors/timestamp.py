"""RFC 3161: a time-stamping authority says that a note existed at its time. Tokens are kept byte for byte as they came.

Two readers judge a token: `rfc3161-client`, strict about DER, and OpenSSL, which real authorities are tested with. Some
authorities sort a SET as OpenSSL allows and DER does not; then OpenSSL's word counts.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from aigaq.base import N_
from aigaq.ledger.anchors.errors import BadTokenError, NoAnswerError

MAX_TOKEN: Final = 64 << 10
_HEADERS: Final = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
_TIMEOUT: Final = 20.0
_GRANTED: Final = frozenset({PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS})


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token proves: the note existed at that time, by the clock of that authority."""

    time: datetime
    policy: str
    serial: int
    checked_by: str
    """`rfc3161-client`, or `openssl` where the token is not strict DER."""


def request_token(url: str, data: bytes) -> bytes:
    """Ask an authority for a token over these bytes; its answer, as it came.

    The answer is looked at for status and nonce only: whether it proves anything is `verify_token`'s to say.

    Raises:
        NoAnswerError: no answer, or a refusal.
        BadTokenError: an answer to something else.
    """
    query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
    request = query.nonce(nonce=True).build()
    try:
        response = httpx2.post(url, content=request.as_bytes(), headers=_HEADERS, timeout=_TIMEOUT)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoAnswerError(url, problem=N_("the authority does not answer")) from error
    if not response.is_success or len(response.content) > MAX_TOKEN:
        raise NoAnswerError(f"{url}: {response.status_code}", problem=N_("the authority does not answer as it should"))
    token = response.content
    reply = _decode(token)
    if reply is not None and PKIStatus(reply.status) not in _GRANTED:
        raise NoAnswerError(url, problem=N_("the authority refused"))
    nonce = reply.tst_info.nonce if reply else _openssl_reply(token)[1]
    if nonce != request.nonce:
        raise BadTokenError(url, problem=N_("it answers another request"))
    return token


def verify_token(token: bytes, data: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """Judge a token over these bytes by the authorities trusted.

    Raises:
        BadTokenError: damaged, over other bytes, or by an authority that none of the roots vouches for.
    """
    if not roots:
        raise BadTokenError(problem=N_("no authority is trusted"))
    reply = _decode(token)
    if reply is not None:
        try:
            _verifier(roots).verify_message(reply, data)
        except (VerificationError, ValueError):
            # Strict DER of the signed part is refused here too; OpenSSL decides.
            reply = None
    if reply is None:
        return _openssl_verify(token, data, roots)
    info = reply.tst_info
    return Stamp(info.gen_time, info.policy.dotted_string, info.serial_number, "rfc3161-client")


def load_roots(path: Path) -> list[x509.Certificate]:
    """Certificates of authorities in PEM form.

    Raises:
        BadTokenError: none can be read.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadTokenError(str(path), problem=N_("the authority's certificate cannot be read")) from error


def _decode(token: bytes) -> TimeStampResponse | None:
    """The answer, or None where it is not strict DER."""
    try:
        reply = decode_timestamp_response(token)
        if PKIStatus(reply.status) in _GRANTED:
            _ = reply.tst_info, reply.signed_data
    except ValueError:
        return None
    return reply


def _verifier(roots: Sequence[x509.Certificate]):  # noqa: ANN202 - the library names no public type
    builder = VerifierBuilder()
    for root in dict.fromkeys(roots):
        builder = builder.add_root_certificate(root)
    return builder.build()


def _openssl_verify(token: bytes, data: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    found, _ = _openssl_reply(token)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "token").write_bytes(token)
        (place / "data").write_bytes(data)
        (place / "roots").write_bytes(b"".join(root.public_bytes(Encoding.PEM) for root in roots))
        at = str(int(found.time.timestamp()))
        words = ["-verify", "-data", "data", "-in", "token", "-CAfile", "roots", "-attime", at]
        if _openssl(words, place).returncode != 0:
            raise BadTokenError(problem=N_("its signature, its hash or its authority is wrong"))
    return found


def _openssl_reply(token: bytes) -> tuple[Stamp, int | None]:
    """What OpenSSL reads in an answer, not yet verified, and the nonce that it answers."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_bytes(token)
        done = _openssl(["-reply", "-in", "token", "-text"], Path(folder))
    text = done.stdout.decode(errors="replace")
    time = re.search(r"^Time stamp: (\w{3} +\d+ [\d:]{8})(?:\.\d+)? (\d{4}) GMT$", text, re.MULTILINE)
    serial = re.search(r"^Serial number: 0x([0-9A-F]+)$", text, re.MULTILINE)
    policy = re.search(r"^Policy OID: (\S+)$", text, re.MULTILINE)
    nonce = re.search(r"^Nonce: 0x([0-9A-F]+)$", text, re.MULTILINE)
    if done.returncode != 0 or not (time and serial and policy):
        raise BadTokenError(problem=N_("it is not an answer of a time-stamping authority"))
    moment = datetime.strptime(f"{time[1]} {time[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    return Stamp(moment, policy[1], int(serial[1], 16), "openssl"), int(nonce[1], 16) if nonce else None


def _openssl(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("openssl")
    if program is None:
        raise BadTokenError(problem=N_("it is not strict DER, and OpenSSL is not there to judge it"))
    command = [program, "ts", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=30)  # noqa: S603 - fixed words
