"""A P-256 key that never leaves a TPM 2.0. The key file only says which key of the TPM it is; tpm2-tools ask for it.

Made in the TPM, bound to it, for signing alone. A signature is believed only after it was held against the public key
in the file: another TPM, or another key at that handle, is an error and not an invalid leaf.
"""

import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, NoReturn, Self, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicKey,
    EllipticCurveSignatureAlgorithm,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from aigaq.base import N_
from aigaq.ledger.enrolment.errors import TpmError
from aigaq.ledger.key_files import write_secret

HANDLE: Final = 0x81016169
"""Where the key is kept; the range 0x8101… is the owner's (TCG, Registry of Reserved TPM 2.0 Handles)."""
MAX_FILE: Final = 4096
_TIMEOUT_S: Final = 60
_HANDLE: Final = re.compile(r"0x81[0-9a-f]{6}")
_KIND: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda"


class TpmKey(EllipticCurvePrivateKey):
    """What stands for the key in this process."""

    def __init__(self, handle: str, public: EllipticCurvePublicKey) -> None:
        self.handle = handle
        self._public = public

    @classmethod
    def create(cls, path: Path, *, handle: int = HANDLE) -> Self:
        """Make a key in the TPM, and a file that names it. What is at the handle already stays, and so does a file.

        Raises:
            KeyFileError: the file exists, or cannot be written.
            TpmError: no TPM answers, or the handle is taken.
        """
        name = f"{handle:#010x}"
        if not _HANDLE.fullmatch(name):
            raise TpmError(name, problem=N_("a key is kept at a handle from 0x81000000 to 0x81ffffff"))
        with tempfile.TemporaryDirectory() as scratch:
            at = Path(scratch)
            _tool("tpm2_createprimary", "-C", "o", "-g", "sha256", "-G", "ecc", "-c", at / "parent")
            _tool("tpm2_flushcontext", "-t")  # a TPM has room for three, and without the kernel nobody makes room
            kind = ("-G", "ecc:ecdsa-sha256", "-g", "sha256", "-a", _KIND)
            _tool(
                "tpm2_create", "-C", at / "parent", *kind, "-u", at / "public", "-r", at / "private", "-c", at / "key"
            )
            _tool("tpm2_flushcontext", "-t")
            _tool("tpm2_evictcontrol", "-C", "o", "-c", at / "key", name)
            _tool("tpm2_flushcontext", "-t")
            _tool("tpm2_readpublic", "-c", name, "-f", "pem", "-o", at / "pem")
            made = cls(name, cast("EllipticCurvePublicKey", load_pem_public_key((at / "pem").read_bytes())))
        public = made.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        write_secret(path, json.dumps({"tpm2": name, "public": public.hex()}).encode() + b"\n")
        return made

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """The key that a file names; None where it is no such file. The TPM is asked only when it has to sign."""
        try:
            said: Any = json.loads(data)
            handle, public = said["tpm2"], bytes.fromhex(said["public"])
            if len(data) > MAX_FILE or len(said) != 2 or not _HANDLE.fullmatch(handle):
                return None
            return cls(handle, EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def sign(self, data: Any, signature_algorithm: EllipticCurveSignatureAlgorithm) -> bytes:  # noqa: ANN401 - buffers
        """ECDSA with SHA-256, in DER.

        Raises:
            TpmError: no TPM answers, or it holds another key.
        """
        if not isinstance(signature_algorithm, ECDSA) or not isinstance(signature_algorithm.algorithm, SHA256):
            raise TypeError("this key signs with ECDSA and SHA-256 alone")
        with tempfile.TemporaryDirectory() as scratch:
            at = Path(scratch)
            (at / "digest").write_bytes(hashlib.sha256(data).digest())
            how = ("-g", "sha256", "-s", "ecdsa", "-f", "plain", "-d")
            _tool("tpm2_sign", "-c", self.handle, *how, "-o", at / "signature", at / "digest")
            signature = (at / "signature").read_bytes()
        try:
            self._public.verify(signature, data, ECDSA(SHA256()))
        except InvalidSignature as error:
            raise TpmError(self.handle, problem=N_("it holds another key there than the one in the file")) from error
        return signature

    def public_key(self) -> EllipticCurvePublicKey:
        """The public key, as the file has it."""
        return self._public

    @property
    def curve(self) -> EllipticCurve:
        """P-256."""
        return SECP256R1()

    @property
    def key_size(self) -> int:
        """256 bits."""
        return 256

    def exchange(self, algorithm: ECDH, peer_public_key: EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002 - refused
        """Refused: the key signs, and nothing else."""
        raise TypeError("a key in a TPM makes signatures alone")

    def private_numbers(self) -> EllipticCurvePrivateNumbers:
        """Refused: they never leave the TPM."""
        raise TypeError("a key in a TPM cannot be read")

    def private_bytes(self, encoding: object, format: object, encryption_algorithm: object) -> NoReturn:  # noqa: A002, ARG002
        """Refused, as the numbers are."""
        raise TypeError("a key in a TPM cannot be read")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _tool(program: str, *words: str | Path) -> None:
    """Run one of tpm2-tools; TPM2TOOLS_TCTI says how to reach the TPM, else /dev/tpmrm0."""
    try:
        command = [program, "-Q", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - ours
    except OSError as error:
        raise TpmError(program, problem=N_("tpm2-tools are not installed")) from error
    except subprocess.TimeoutExpired as error:
        raise TpmError(program, problem=N_("it does not answer")) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise TpmError(f"{program}: {' '.join(said)[-300:]}", problem=N_("it refuses"))
