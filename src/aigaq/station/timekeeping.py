"""Whether the machine's clock follows a time source, as the kernel knows it (adjtimex(2))."""

import ctypes
from typing import Final

_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 256
"""More than `struct timex` has on any Linux; all zero asks without setting."""


def clock_synced() -> bool:
    """False if the kernel says that the clock is not synchronised; True where it cannot be asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return True
    state: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return state not in {_TIME_ERROR, -1}
