"""What outcomes, reasons and gaps are called on pages and in reports. Texts only."""

from collections.abc import Mapping
from typing import Final

from aigaq.base import N_, Language, translate
from aigaq.recount.model import GapKind, Outcome, Why
from aigaq.recount.people.model import Answer, Invalid, Kind

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.AUTOMATIC: N_("read by machine"),
    Outcome.FLAGGED: N_("flagged"),
    Outcome.HUMAN: N_("for people"),
}
WHY: Final[Mapping[Why, str]] = {
    Why.UNKNOWN_SHEET: N_("unknown sheet"),
    Why.BACK_ONLY: N_("only the back was shown"),
    Why.SECOND_SHEET: N_("two sheets held as one"),
    Why.FORM: N_("not of the established form"),
    Why.ENDORSEMENT: N_("no signature of the commission"),
    Why.NONE: N_("no mark"),
    Why.SEVERAL: N_("several marks"),
    Why.OUTSIDE: N_("a mark outside the squares"),
    Why.HIDDEN: N_("a square is covered"),
    Why.FEW_FRAMES: N_("shown too briefly"),
    Why.SMALL: N_("too far from the camera"),
    Why.BLURRED: N_("blurred"),
    Why.UNREGISTERED: N_("the sheet could not be laid straight"),
    Why.FAINT: N_("a faint mark"),
    Why.READERS_DISAGREE: N_("the two readers disagree"),
    Why.NEAR_GAP: N_("footage is missing or repeated here"),
}
GAPS: Final[Mapping[GapKind, str]] = {
    GapKind.ACTIVITY: N_("hands or paper move, no ballot was found"),
    GapKind.MISSING: N_("no footage"),
    GapKind.DAMAGED: N_("damaged footage"),
    GapKind.LOOPED: N_("footage that repeats earlier footage"),
}
INVALID: Final[Mapping[Invalid, str]] = {
    Invalid.NONE: N_("invalid: no mark"),
    Invalid.SEVERAL: N_("invalid: several marks"),
    Invalid.UNCLEAR: N_("invalid: the will is not clear"),
    Invalid.FORM: N_("invalid: not of the established form"),
    Invalid.ENDORSEMENT: N_("invalid: no signature"),
}
INVALID_BALLOTS: Final = N_("Invalid ballots")
_PLAIN: Final[Mapping[Kind, str]] = {Kind.UNREADABLE: N_("not readable"), Kind.REPEAT: N_("shown before")}


def answer_text(answer: Answer, names: Mapping[tuple[str, str], str], language: Language) -> str:
    """What somebody says of a ballot; `names` gives a choice's name by style and choice."""
    if answer.kind is Kind.CHOICE:
        return names.get((answer.style, answer.choice), answer.choice)
    return translate(INVALID[answer.invalid] if answer.invalid else _PLAIN[answer.kind], language)


def film_time(seconds: float) -> str:
    """A moment of a film: `1:02:03.4`."""
    minutes, rest = divmod(round(seconds * 10) / 10, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}"
