"""The clock in the picture: seconds and tenths of the wall minute, as digits for people and as a strip for machines.

The strip is a row of 16 square cells in the upper right corner: white, black, ten bits of the tenth (0-599, highest
first), four bits of the tenth modulo 13. Cells lie on the encoder's 16-pixel grid at 720 lines, and scale with the
picture. It says when a frame was shown, so delay and errors of time can be measured behind any player.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.lettering import write
from aigaq.simulator.paint import Placed, Sheet, Sprite

WIDTH: Final = 1280
HEIGHT: Final = 720
CELL: Final = 16
CELLS: Final = 16
LEFT: Final = WIDTH - CELL * (CELLS + 1)
TOP: Final = CELL
TENTHS: Final = 600
"""Tenths of a second in the minute that the clock counts."""
_DIGIT: Final = 44
_INK: Final = 0xFFFFFF
_PLATE: Final = 0x16232E


def strip_bits(tenth: int) -> list[int]:
    """The cells of a tenth of the minute, 1 is white."""
    value = [tenth >> n & 1 for n in reversed(range(10))]
    return [1, 0, *value, *(tenth % 13 >> n & 1 for n in reversed(range(4)))]


def read_clock(luma: NDArray[np.uint8]) -> float | None:
    """Seconds of the wall minute in a frame's luma (or grey) plane of any size; None where no strip can be read."""
    height, width = luma.shape
    rows = np.array([TOP + CELL * 0.3, TOP + CELL * 0.5, TOP + CELL * 0.7]) * height / HEIGHT
    columns = (LEFT + CELL * (np.arange(CELLS) + 0.5)) * width / WIDTH
    cells = luma[rows.astype(int)][:, columns.astype(int)].mean(axis=0)
    bits = [int(b) for b in cells > 128]
    tenth = int("".join(map(str, bits[2:12])), 2)
    return tenth / 10 if tenth < TENTHS and bits == strip_bits(tenth) else None


class ClockFace:
    """Draws the clock of any tenth from ready-made pieces."""

    def __init__(self) -> None:
        self._digits = [_digit(str(n)) for n in range(10)]
        self._plate = _plate()
        self._cells = [_cell(0x000000), _cell(0xFFFFFF)]

    def at(self, tenth: int) -> list[Placed]:
        """The pieces for one frame."""
        cells = [Placed(self._cells[bit], LEFT + n * CELL, TOP) for n, bit in enumerate(strip_bits(tenth))]
        y = TOP + CELL + 12
        seconds, rest = divmod(tenth, 10)
        places = ((LEFT + 94, seconds // 10), (LEFT + 136, seconds % 10), (LEFT + 202, rest))
        return [Placed(self._plate, LEFT, TOP + CELL), *cells, *(Placed(self._digits[d], x, y) for x, d in places)]


def _digit(text: str) -> Sprite:
    sheet = Sheet(44, 56)
    write(sheet, text, (6, 6), _DIGIT, _INK)
    return sheet.sprite()


def _cell(colour: int) -> Sprite:
    return Sheet(CELL, CELL, colour).sprite()


def _plate() -> Sprite:
    sheet = Sheet(CELL * CELLS, 80)
    sheet.box(0, -20, CELL * CELLS, 98, _PLATE, r=8, alpha=0.86)
    sheet.disc(48, 40, 17, 17, 0xE8EEF2)
    sheet.disc(48, 40, 13.5, 13.5, _PLATE)
    sheet.limb([(48, 31), (48, 40), (54, 44)], 1.9, 0xE8EEF2)
    write(sheet, ".", (172, 18), _DIGIT, _INK)
    return sheet.sprite()
