"""Capital letters, Latin and Kazakh Cyrillic, and digits, as strokes on a grid four wide and six high.

No font need be installed. A glyph is its strokes; a stroke is a row of points; a point is two signs, column and row
(0 at the top of a capital, `^` above it).
"""

from typing import Final

from aigaq.simulator.paint import Point, Sheet

_GLYPHS: Final[dict[str, str]] = {
    "0": "10 30 41 45 36 16 05 01 10",
    "1": "11 20 26,16 36",
    "2": "01 10 30 41 42 06 46",
    "3": "01 10 30 41 42 33 23,33 44 45 36 16 05",
    "4": "30 04 44,32 36",
    "5": "40 00 03 33 44 45 36 06",
    "6": "40 20 03 05 16 36 45 44 33 03",
    "7": "00 40 16",
    "8": "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33",
    "9": "43 13 02 01 10 30 41 43 26 06",
    ".": "26 26",
    ":": "22 22,25 25",
    "-": "13 33",
    "·": "23 23",
    "A": "06 20 46,14 34",
    "B": "03 33 44 45 36 06 00 30 41 42 33",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 20 42 44 26 06 00",
    "E": "40 00 06 46,03 33",
    "F": "40 00 06,03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06,40 46,03 43",
    "I": "20 26",
    "J": "40 45 36 16 05",
    "K": "00 06,40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "O": "10 30 41 45 36 16 05 01 10",
    "P": "06 00 30 41 42 33 03",
    "Q": "10 30 41 45 36 16 05 01 10,34 46",
    "R": "06 00 30 41 42 33 03,23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40,20 26",
    "U": "00 05 16 36 45 40",
    "V": "00 26 40",
    "W": "00 16 23 36 40",
    "X": "00 46,40 06",
    "Y": "00 23 40,23 26",
    "Z": "00 40 06 46",
    "Б": "40 00 06 36 45 44 33 03",
    "Г": "40 00 06",
    "Д": "07 06 46 47,16 20 30 36",
    "Ж": "20 26,00 23 40,06 23 46",
    "З": "01 10 30 41 42 33 23,33 44 45 36 16 05",
    "И": "00 06 40 46",
    "Й": "00 06 40 46,1^ 3^",
    "Л": "06 16 20 40 46",
    "П": "06 00 40 46",
    "У": "00 23,40 23 16 06",
    "Ф": "20 26,11 31 42 43 34 14 03 02 11",
    "Ц": "00 06 46 56 57,40 46",
    "Ч": "00 02 13 43,40 46",
    "Ш": "00 06 46 40,20 26",
    "Щ": "00 06 46 56 57,40 46,20 26",
    "Ъ": "00 10 16 36 45 44 33 13",
    "Ы": "00 06 26 35 34 23 03,40 46",
    "Ь": "00 06 36 45 44 33 03",
    "Э": "01 10 30 41 45 36 16 05,23 43",
    "Ю": "00 06,03 13,20 30 41 45 36 26 15 11 20",
    "Я": "46 40 10 01 02 13 43,23 06",
    "Ә": "03 43 41 30 10 01,43 45 36 16 05 03",
    "Ғ": "40 00 06,03 23",
    "Қ": "00 06,40 03 46 56 57",
    "Ң": "00 06,40 46 56 57,03 43",
    "Ө": "10 30 41 45 36 16 05 01 10,03 43",
    "Ұ": "00 23 40,23 26,14 34",
    "Ү": "00 23 40,23 26",
    "Һ": "00 06,03 33 44 46",
}
_LIKE: Final = dict(zip("АВЕЁКМНОРСТХІ", "ABEEKMHOPCTXI", strict=True))
_ROWS: Final = "^01234567"
_GAP: Final = 2.2


def text_width(text: str, height: float) -> float:
    """Pixels from the first stroke to the last."""
    return (len(text) * (4 + _GAP) - _GAP) * height / 6


def write(sheet: Sheet, text: str, at: Point, height: float, colour: int) -> None:
    """Write a line; `at` is the upper left corner of its first capital."""
    unit = height / 6
    for number, letter in enumerate(text.upper()):
        left = at[0] + number * (4 + _GAP) * unit
        for stroke in _strokes(letter):
            points = [(left + column * unit, at[1] + row * unit) for column, row in stroke]
            sheet.limb(points if len(points) > 1 else points * 2, unit * 0.48, colour)


def write_centred(sheet: Sheet, text: str, at: Point, height: float, colour: int) -> None:
    """Write a line around the middle of its upper edge."""
    write(sheet, text, (at[0] - text_width(text, height) / 2, at[1]), height, colour)


def _strokes(letter: str) -> list[list[Point]]:
    glyph = _GLYPHS.get(_LIKE.get(letter, letter), "")
    strokes = (part.split() for part in glyph.split(","))
    return [[(int(p[0]), _ROWS.index(p[1]) - 1) for p in stroke] for stroke in strokes if stroke]
