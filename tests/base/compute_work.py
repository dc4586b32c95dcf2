"""Functions to be mapped in the tests of `aigaq.base.compute`: workers import them by name."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from aigaq.base import N_, AigaqError

Tell = Callable[[float], None]


class NoSquareError(AigaqError):
    """An expected failure."""

    code = "base.no_square"
    why = N_("There is no square of {number}.")


def square(item: int, tell: Tell) -> int:
    tell(0.5)
    return item * item


def square_or_not(item: int, tell: Tell) -> int:
    if item < 0:
        raise NoSquareError("here", number=item)
    if item == 13:
        raise ZeroDivisionError("thirteen")
    return item * item


def die_at(item: tuple[int, int, str], tell: Tell) -> int:
    """Dies `deaths` times at this item; the folder remembers."""
    number, deaths, folder = item
    tries = Path(folder) / str(number)
    with tries.open("a") as file:
        file.write("x")
    if tries.stat().st_size <= deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleep_long(item: str, tell: Tell) -> str:
    Path(item).write_text(str(os.getpid()))
    while True:
        tell(0.1)
        time.sleep(0.05)


def give_pid(item: int, tell: Tell) -> int:
    return os.getpid()
