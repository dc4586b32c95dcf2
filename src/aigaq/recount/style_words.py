"""What the editor calls the parts of a ballot style, in the reader's language."""

import re
from typing import Final

from aigaq.base import N_, Language, translate

_PARTS: Final = {
    "contest": N_("Contest"),
    "colour": N_("Colour of the paper"),
    "endorsements": N_("Signatures that make a ballot valid"),
    "endorsement_area_mm": N_("Place of the signature"),
    "choices": N_("Choices"),
    "names": N_("Name"),
    "box_mm": N_("Box"),
    "row_mm": N_("Row"),
    "id": N_("Identifier"),
}
_CHOICE: Final = re.compile(r"choices\[(\d+)\]\.(.+)")
_ROW: Final = N_("Row {n}")


def part_of(key: str, language: Language) -> str:
    """A key of `style.toml` as the editor calls it: `choices[2].names.kk` is “Row 2, name, kk”."""
    choice = _CHOICE.fullmatch(key)
    first, *rest = (choice[2] if choice else key).split(".")
    words = [translate(_PARTS.get(first, first), language), *rest]
    if choice:
        words = [translate(_ROW, language).format(n=choice[1]), *words]
    return ", ".join(words)
