"""Run the benchmarks by name, or all of them, and print their tables."""

import argparse
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks import crowd, freeze, kill, live, national, optical, rate_lie, reader, recording, recount, seek, verify
from benchmarks.lab import LOG, Scale, Table, machine

ALL: Final[dict[str, Callable[[Scale], Table]]] = {
    "recording": recording.run,
    "kill": kill.run,
    "rate-lie": rate_lie.run,
    "freeze": freeze.run,
    "live": live.run,
    "seek": seek.run,
    "national": national.run,
    "optical": optical.run,
    "verify": verify.run,
    "recount": recount.run,
    "crowd": crowd.run,
    "reader": reader.run,
}
out = Console(width=140, highlight=False)
err = Console(stderr=True)


def show(table: Table) -> None:
    """Print one result."""
    drawn = RichTable(title=table.title, caption=table.note, title_justify="left", caption_justify="left")
    for n, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if n == 0 else "right")
    for row in table.rows:
        drawn.add_row(*row)
    out.print(drawn)
    out.print()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(ALL)}; all of them without a name")
    parser.add_argument("--quick", action="store_true", help="short windows: to see that it works, not to quote")
    words = parser.parse_args()
    unknown = sorted(set(words.names) - set(ALL))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(ALL)}")
    out.print(machine())
    scale = Scale(quick=words.quick)
    if words.quick:
        out.print("Short windows: these numbers are not to be quoted.")
    out.print()
    for name in words.names or ALL:
        start = time.monotonic()
        LOG.unlink(missing_ok=True)
        with err.status(f"{name} …"):
            table = ALL[name](scale)
        show(table)
        err.print(f"{name}: {time.monotonic() - start:.0f} s", style="dim")


if __name__ == "__main__":
    main()
