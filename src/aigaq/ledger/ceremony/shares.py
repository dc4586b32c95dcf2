"""The root key in shares (SLIP-39): so many of so many give it back, one fewer give nothing.

A share is a line of words that a person can read, write and type. No error, log line or transcript ever holds one.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from aigaq.base import N_
from aigaq.ledger.ceremony.errors import BadNumbersError, BadShareError, TooFewSharesError

MAX_SHARES: Final = 16
"""SLIP-39 has four bits for a share's number."""
_WORDS: Final = frozenset(WORDLIST)
_MAX_TEXT: Final = 16 << 10


@dataclass(frozen=True, slots=True)
class Scheme:
    """How many shares are needed, of how many that are made."""

    needed: int
    made: int

    def __post_init__(self) -> None:
        if not 2 <= self.needed <= self.made <= MAX_SHARES or 2 * self.needed <= self.made:
            raise BadNumbersError(shares=self.needed, of=self.made)


def split(secret: bytes, scheme: Scheme) -> list[str]:
    """The shares of a secret of 32 bytes, each 33 words."""
    return generate_mnemonics(1, [(scheme.needed, scheme.made)], secret)[0]


def combine(shares: Sequence[str]) -> bytes:
    """The secret. All shares given must belong together; when there are more than needed, each is used at least once.

    Raises:
        BadShareError: words that are not a share, or of another ceremony.
        TooFewSharesError: fewer different shares than needed.
    """
    read = {share.index: share for share in map(_read, shares)}
    parameters = {share.group_parameters() for share in map(_read, shares)}
    if len(parameters) > 1:
        raise BadShareError(problem=N_("it is of another ceremony than the ones before"))
    needed = next(iter(parameters)).member_threshold if parameters else 2
    if len(read) < needed:
        raise TooFewSharesError(given=len(read), needed=needed)
    lines = [share.mnemonic() for _, share in sorted(read.items())]
    secrets = {_combine(lines[:needed]), _combine(lines[-needed:])}
    secrets |= {_combine([*lines[: needed - 1], line]) for line in lines[needed:]}
    if len(secrets) > 1:
        raise BadShareError(problem=N_("the shares do not fit together"))
    return secrets.pop()


def read_words(text: str) -> str:
    """The words of a share from a sheet or from what a person typed: numbers, remarks and line breaks do not matter.

    Raises:
        BadShareError: a word that no share has, or not 33 words.
    """
    lines = [line for line in text[:_MAX_TEXT].splitlines() if not line.startswith("#")]
    words = re.findall(r"[^\W\d_]+", "\n".join(lines).lower())
    unknown = [place for place, word in enumerate(words, 1) if word not in _WORDS]
    if unknown:
        raise BadShareError(f"{unknown[0]}", problem=N_("the word at this place is in no share"))
    line = " ".join(words)
    _read(line)
    return line


def commitment(share: str) -> str:
    """What the transcript says of a share: SHA-256 over its words. It does not help to guess them."""
    return hashlib.sha256(share.encode()).hexdigest()


def _read(line: str) -> Share:
    # The library's own messages hold words of the share: they must not reach anyone, not even as a cause.
    try:
        share = Share.from_mnemonic(line)
    except MnemonicError:
        raise BadShareError(problem=N_("a word is wrong or missing, or two changed places")) from None
    if len(share.value) != 32 or share.group_count != 1:
        raise BadShareError(problem=N_("it is no share of a root key"))
    return share


def _combine(lines: Sequence[str]) -> bytes:
    try:
        return combine_mnemonics(lines)
    except MnemonicError:
        raise BadShareError(problem=N_("the shares do not fit together")) from None
