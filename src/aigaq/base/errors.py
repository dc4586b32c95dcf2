"""The one root of errors, and how an error explains itself to a person.

An error carries a stable code, where it happened, why, and what to do. The English texts in the class are the message
ids of the catalogues, so the same error speaks Kazakh, Russian and English.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from aigaq.base.i18n import N_, Language, fill


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person, or a program reading `--json`, is told about an error."""

    code: str
    where: str
    why: str
    hint: str

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.why}{place}\n{self.hint}\n[{self.code}]"


class AigaqError(Exception):
    """Root of every error that a caller or a person can act on.

    Subclasses set `code` (stable, `room.what`), `why` and `hint`: English templates marked with `N_`, filled from
    the facts given at the raise. A fact called `problem` is a text too and is translated. `where` names the file, row,
    camera or byte. `http_status` is what the error means where a request met it.
    """

    code: ClassVar[str] = "base.error"
    why: ClassVar[str] = N_("Something went wrong.")
    hint: ClassVar[str] = N_("Look at the log for the cause.")
    http_status: ClassVar[int] = 400

    def __init__(self, where: str = "", **facts: object) -> None:
        super().__init__(where, facts)
        self.where = where
        self.facts = facts

    def explain(self, language: Language = "en") -> Explanation:
        """The error in the reader's language."""
        return Explanation(
            code=self.code,
            where=self.where,
            why=fill(self.why, language, self.facts),
            hint=fill(self.hint, language, self.facts),
        )

    def __str__(self) -> str:
        return str(self.explain())


def error_classes(root: type[AigaqError] = AigaqError) -> Iterator[type[AigaqError]]:
    """Every error class loaded so far, the root's subclasses first."""
    for cls in root.__subclasses__():
        yield cls
        yield from error_classes(cls)
