"""The last root of a station's log on the paper protocol: a QR code and words, signed by hand by who was there.

Who copies a protocol copies the root too; from then on no one can exchange the recording below it. The words are those
of SLIP-39, chosen so that none is mistaken for another; three words at the end (RS1024) notice any three wrong ones.
"""

import re
from dataclasses import dataclass
from typing import Final

from shamir_mnemonic.rs1024 import create_checksum, verify_checksum
from shamir_mnemonic.wordlist import WORDLIST

from aigaq.base import N_, Language
from aigaq.ledger.anchors.errors import BadWordsError
from aigaq.ledger.paper import qr_code, sheet
from aigaq_verify import Checkpoint, Kind, Leaf, encode_leaf

ROOT_WORDS: Final = 26
CHECK_WORDS: Final = 3
LANGUAGES: Final[tuple[Language, ...]] = ("kk", "ru")
"""The languages of a protocol by law."""
_PADDING: Final = ROOT_WORDS * 10 - 256
_PLACES: Final = {word: place for place, word in enumerate(WORDLIST)}
_CODE: Final = re.compile(r"aigaq:close:1:([^\s:]{1,200}):(0|[1-9][0-9]{0,15}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ClosingRoot:
    """The last checkpoint of a station's log."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "ClosingRoot":
        """From a checkpoint."""
        return cls(checkpoint.origin, checkpoint.size, checkpoint.root)

    @property
    def words(self) -> list[str]:
        """26 words for the root, 3 to check them; the check covers origin and size too."""
        value = int.from_bytes(self.root, "big") << _PADDING
        data = [value >> 10 * place & 1023 for place in reversed(range(ROOT_WORDS))]
        return [WORDLIST[place] for place in [*data, *create_checksum(data, self._bound)]]

    @property
    def code(self) -> str:
        """The text of the QR code."""
        return f"aigaq:close:1:{self.origin}:{self.size}:{self.root.hex()}"

    def check(self, typed: str) -> None:
        """Hold words that a person typed from the paper against this root.

        Raises:
            BadWordsError: they differ; the places are named.
        """
        words, wanted = re.findall(r"[^\W\d_]+", typed.lower()), self.words
        if len(words) != len(wanted):
            raise BadWordsError(problem=N_("their number is wrong"), places=f"1–{len(wanted)}")
        places = [str(n) for n, pair in enumerate(zip(words, wanted, strict=True), 1) if pair[0] != pair[1]]
        if places:
            intact = all(word in _PLACES for word in words) and self._intact(words)
            problem = N_("the paper names another root") if intact else N_("some words are wrong")
            raise BadWordsError(problem=problem, places=", ".join(places))

    def _intact(self, words: list[str]) -> bool:
        return verify_checksum([_PLACES[word] for word in words], self._bound)

    @property
    def _bound(self) -> bytes:
        return f"aigaq/close/v1\n{self.origin}\n{self.size}\n".encode()


def read_words(typed: str, origin: str, size: int) -> ClosingRoot:
    """The root that the words on a paper say, where nothing else is left of it.

    Raises:
        BadWordsError: a word that is not in the list, too few or too many, or a wrong one among them.
    """
    words = re.findall(r"[^\W\d_]+", typed.lower())
    if len(words) != ROOT_WORDS + CHECK_WORDS:
        raise BadWordsError(problem=N_("their number is wrong"), places=f"1–{ROOT_WORDS + CHECK_WORDS}")
    unknown = [str(n) for n, word in enumerate(words, 1) if word not in _PLACES]
    if unknown:
        raise BadWordsError(problem=N_("some words are not in the list"), places=", ".join(unknown))
    value = 0
    for word in words[:ROOT_WORDS]:
        value = value << 10 | _PLACES[word]
    found = ClosingRoot(origin, size, (value >> _PADDING).to_bytes(32, "big"))
    if found.words != words:
        raise BadWordsError(problem=N_("some words are wrong"), places=f"1–{len(words)}")
    return found


def read_code(text: str) -> ClosingRoot:
    """What a scanned QR code says.

    Raises:
        BadWordsError: it is not a code of ours.
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        raise BadWordsError(problem=N_("this is not the code of a closing sheet"), places="—")
    return ClosingRoot(found[1], int(found[2]), bytes.fromhex(found[3]))


def closing_sheet(closing: ClosingRoot, at: str, languages: tuple[Language, ...] = LANGUAGES) -> bytes:
    """The sheet to print, sign and add to the protocol; `at` is the time of the checkpoint as people there write it."""
    station = closing.origin.rpartition("/s/")[2]
    return sheet("closing.html", languages, closing=closing, station=station, at=at, code_picture=qr_code(closing.code))


def close_leaf(closing: ClosingRoot, at_ms: int) -> bytes:
    """Leaf 12: the station's log is closed with this root."""
    log, _, station = closing.origin.rpartition("/s/")
    values = {"election": log.rpartition("/")[2], "station": station, "at_ms": at_ms}
    return encode_leaf(Leaf(Kind.CLOSE, {**values, "size": closing.size, "root": closing.root}))
