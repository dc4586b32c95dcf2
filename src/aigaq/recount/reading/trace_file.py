"""The traces of a part's sheets on the disk, until the parts are joined and repeats are looked for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.errors import FolderNotWrittenError, FolderWrongError
from aigaq.recount.reading.repeats import Trace


def write_traces(path: Path, traces: Mapping[int, Trace]) -> None:
    """Keep traces by the numbers of their presentations.

    Raises:
        FolderNotWrittenError: the disk did not take them.
    """
    names = {n: (trace.style, trace.boxes) for n, trace in traces.items()}
    arrays: dict[str, NDArray[np.uint8]] = {"names": np.frombuffer(json.dumps(names).encode(), np.uint8)}
    for n, trace in traces.items():
        arrays[f"marks-{n}"] = trace.marks
        if trace.sign is not None:
            arrays[f"sign-{n}"] = trace.sign
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise FolderNotWrittenError(str(path), problem=error.strerror or type(error).__name__) from error


def read_traces(path: Path) -> dict[int, Trace]:
    """The traces that `write_traces` kept.

    Raises:
        FolderWrongError: they are not there or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            names: dict[str, Any] = json.loads(kept["names"].tobytes())
            return {
                int(n): Trace(style, tuple(boxes), kept[f"marks-{n}"], kept.get(f"sign-{n}"))
                for n, (style, boxes) in names.items()
            }
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise FolderWrongError(str(path), problem=str(error)) from error
