"""Fuzzes what strangers can send to the national log: stations' checkpoints, paths, and answers of witnesses.

Run by hand for long, or by `test_log_fuzz.py` for a moment: `python tests/ledger/fuzz_log.py -runs=100000 -seed=1`.
"""

import binascii
import sys

import atheris

with atheris.instrument_imports(include=["aigaq.ledger.station_note", "aigaq.ledger.feeder", "aigaq.ledger.log_files"]):
    from aigaq.ledger.errors import CheckpointError
    from aigaq.ledger.feeder import cosignatures
    from aigaq.ledger.log_files import parse_tile
    from aigaq.ledger.station_note import read_body
    from aigaq.ledger.tiles import tile_path
    from aigaq_verify import VerifierKey

ORIGIN = "log.example/vote-26/s/s-1"
KEY = VerifierKey(ORIGIN, binascii.unhexlify("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
"""Public key of RFC 8032 §7.1, test 1: nobody here can sign with it."""
WITNESS = VerifierKey("witness.example/w1", KEY.public, 4)
NOTE = f"log.example/vote-26\n5\n{'A' * 43}=\n\n\u2014 log.example/vote-26 AAAAAAAA\n".encode()
SEED = f"{ORIGIN}\n3\n{'A' * 43}=\n\n\u2014 {ORIGIN} ".encode() + binascii.b2a_base64(KEY.key_id + bytes(64))


def checkpoint(data: bytes) -> None:
    """Never accepted, always a typed reason."""
    try:
        read_body(data, ORIGIN, [KEY])
    except CheckpointError:
        return
    raise AssertionError("accepted without the key")


def path(data: bytes) -> None:
    """What is read as a tile has that one path."""
    text = data.decode("latin-1")
    tile = parse_tile(text)
    assert tile is None or tile_path(*tile) == text


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    kind = provider.ConsumeIntInRange(0, 3)
    rest = provider.ConsumeBytes(provider.remaining_bytes())
    if kind == 0:
        checkpoint(rest)
    elif kind == 1:
        at = len(rest) * 7 % len(SEED)
        checkpoint(SEED[:at] + rest + SEED[at + len(rest) :])
    elif kind == 2:
        path(b"tile/" + rest)
    else:
        assert cosignatures(rest, NOTE, [WITNESS]) == {}


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
