"""The words of people's recount on the pages, and numbers as its languages write them. It decides nothing."""

from collections.abc import Mapping
from typing import Final

from aigaq.base import N_, Language
from aigaq.recount.people.model import Invalid, Kind, Standing

GROUNDS: Final[Mapping[Invalid, str]] = {
    Invalid.NONE: N_("no box is marked"),
    Invalid.SEVERAL: N_("more than one box is marked"),
    Invalid.UNCLEAR: N_("it is not clear which box is meant"),
    Invalid.FORM: N_("it is not of the established form"),
    Invalid.ENDORSEMENT: N_("the signature of a commission member is missing"),
}
ANSWERS: Final[Mapping[Kind, str]] = {
    Kind.INVALID: N_("The ballot is invalid"),
    Kind.UNREADABLE: N_("It cannot be read here"),
    Kind.REPEAT: N_("The same sheet as shown before"),
}
STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.UNPROVEN: N_("not counted yet: too few test ballots"),
    Standing.PROVEN: N_("counted"),
    Standing.GOLD_FAILED: N_("set aside: wrong on test ballots"),
    Standing.DISAGREES: N_("set aside: at odds with the others"),
}


def number_text(number: int, language: Language) -> str:
    """Thousands set apart: `1,204` in English, a narrow space in Kazakh and Russian."""
    return f"{number:,}" if language == "en" else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def decimal_text(number: float | None, language: Language, digits: int = 1) -> str:
    """With the language's own decimal sign; a dash of nothing."""
    if number is None:
        return "—"
    return f"{number:.{digits}f}" if language == "en" else f"{number:.{digits}f}".replace(".", ",")


def share_text(hits: float, of: float, language: Language) -> str:
    """A share as a percentage with one digit, two where it is near nought or one and not quite; a dash of nothing."""
    if not of:
        return "—"
    share = hits / of
    digits = 2 if 0 < share < 0.01 or 0.99 < share < 1 else 1
    text = f"{100 * share:.{digits}f} %"
    return text if language == "en" else text.replace(".", ",")
