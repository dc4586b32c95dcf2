"""Reads the files that `make_crops.py` wrote, and says what is right to answer for each row."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aigaq.recount.reading import second

HIDDEN, SEEN = 0.68, 0.84
"""Share of a box that is visible: below the first it is unreadable, above the second it is not; between, partly."""


@dataclass(frozen=True)
class Rows:
    """Crops, blanks and columns of many seeds."""

    crops: np.ndarray
    blanks: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, which: np.ndarray) -> "Rows":
        columns = {name: column[which] for name, column in self.columns.items()}
        return Rows(self.crops[which], self.blanks[which], columns)

    @property
    def targets(self) -> np.ndarray:
        """(n, 3) shares of empty, marked, unreadable."""
        label = np.eye(3, dtype=np.float32)[self.columns["label"].astype(int)]
        hidden = np.clip((SEEN - self.columns["visible"]) / (SEEN - HIDDEN), 0, 1)[:, None]
        return (label * (1 - hidden) + np.array([0, 0, 1], np.float32) * hidden).astype(np.float32)


def read(paths: Iterable[Path]) -> Rows:
    """All rows of these files, in the order of their names."""
    held = [np.load(path) for path in sorted(paths)]
    if not held:
        raise FileNotFoundError("no crops: run training.make_crops first")
    names = sorted(set.intersection(*(set(h.files) for h in held)) - {"crops", "blanks"})
    return Rows(
        np.concatenate([h["crops"] for h in held]),
        np.concatenate([h["blanks"] for h in held]),
        {name: np.concatenate([h[name] for h in held]) for name in names},
    )


def thinned(rows: Rows, most: int) -> Rows:
    """At most so many rows, taken evenly."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))]


def whole_odds(rows: Rows, net: second.Network, batch: int = 256) -> np.ndarray:
    """Logarithms of the odds as the product computes them."""
    starts = range(0, len(rows), batch)
    parts = [second.logits(net, second.look(rows.crops[i : i + batch], rows.blanks[i : i + batch])) for i in starts]
    return np.concatenate(parts)
