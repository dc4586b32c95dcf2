"""Private keys in files: PKCS#8 PEM that OpenSSL reads too, for the owner's eyes alone."""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from aigaq.base import N_
from aigaq.ledger.durable import fsync_folder
from aigaq.ledger.errors import KeyFileError

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def write_private_key(path: Path, private: Ed25519PrivateKey | EllipticCurvePrivateKey | MLDSA44PrivateKey) -> None:
    """Write a key into a new file, as `write_secret` does."""
    write_secret(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read, durably; an existing file is never touched.

    Raises:
        KeyFileError: the file exists, or cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(handle)
        fsync_folder(path.parent)
    except OSError as error:
        raise KeyFileError(str(path), problem=told(error)) from error


def read_private_key(path: Path) -> object:
    """The key in a file, of whatever kind.

    Raises:
        KeyFileError: missing, not an unencrypted private key, or readable by others.
    """
    try:
        return load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(str(path), problem=N_("it is not an unencrypted private key in PEM form")) from error


def read_secret(path: Path) -> bytes:
    """The bytes of a file that only its owner may read.

    Raises:
        KeyFileError: missing, or readable by others.
    """
    try:
        mode, data = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileError(str(path), problem=told(error)) from error
    if mode & _OTHERS:
        raise KeyFileError(str(path), problem=N_("others than its owner may read it"))
    return data


def told(error: OSError) -> str:
    """What the system said about a file, as a text to translate."""
    known: dict[type[OSError], str] = {
        FileExistsError: N_("the file exists already"),
        FileNotFoundError: N_("there is no such file or folder"),
        PermissionError: N_("this program may not open it"),
    }
    return known.get(type(error)) or N_("the disk refuses it")
