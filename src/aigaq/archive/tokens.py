"""Time-stamps that outsiders gave national checkpoints, picked for a package: the first of each kind after its proofs.

Tokens are files that `aigaq anchor` keeps verbatim, named `<size>-<who>.<ending>`, beside `<size>.note` which they are
about. None is judged here.
"""

import asyncio
import re
from pathlib import Path
from typing import Final

from aigaq.ledger import PublicLog

_TOKEN: Final = re.compile(r"(\d{1,15})-([A-Za-z0-9._-]{1,64})\.(tsr|ots)")
MAX_TOKEN: Final = 1 << 20


async def tokens_for(folder: Path, log: PublicLog, size: int) -> dict[str, bytes]:
    """For each authority its first token over a checkpoint of at least that size, with the note that it is about."""
    found = await asyncio.to_thread(_first_of_each, folder, size)
    chosen: dict[str, bytes] = {}
    for stamped, path in found:
        note = path.with_name(f"{stamped}.note")
        about = note.read_bytes() if note.is_file() else (await log.file(f"witnessed/{stamped}") or (None,))[0]
        if about is not None and path.stat().st_size <= MAX_TOKEN:
            chosen[f"tokens/{path.name}"] = path.read_bytes()
            chosen[f"tokens/{stamped}.note"] = about
    return chosen


def _first_of_each(folder: Path, size: int) -> list[tuple[int, Path]]:
    first: dict[tuple[str, str], tuple[int, Path]] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        named = _TOKEN.fullmatch(path.name)
        if named and int(named[1]) >= size:
            who = (named[2], named[3])
            first[who] = min(first.get(who, (int(named[1]), path)), (int(named[1]), path))
    return sorted(first.values())
