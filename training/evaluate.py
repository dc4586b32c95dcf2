"""What a reader of boxes is worth: `python -m training.evaluate FOLDER…`. Errors with bounds, by size and kind of mark.

The figures of the documentation come from held-out seeds (`plans.HELD_OUT`), rendered with `make_crops.py --preset`.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aigaq.recount.reading import second
from training.crops import Rows, read, thinned, whole_odds
from training.make_crops import EMPTY, KINDS, MARKED

SURE = (0.9, 0.97, 0.99)
"""Least probability that counts as an answer."""
BINS = 10
SIDES = (0, 16, 22, 30, 80)
FAINT = 0.5


def upper(errors: int, count: int, level: float = 0.95) -> float:
    """One-sided upper bound of a share (Clopper and Pearson), by bisection on the binomial's tail."""
    low, high = errors / max(count, 1), 1.0
    if count == 0:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(errors, count, middle) > 1 - level else (low, middle)
    return high


def _tail(errors: int, count: int, share: float) -> float:
    """How likely at most so many errors are."""
    k = np.arange(errors + 1)
    steps = np.concatenate([[0.0], np.cumsum(np.log((count - k[:-1]) / (k[:-1] + 1)))])
    return float(np.exp(steps + k * np.log(max(share, 1e-300)) + (count - k) * np.log1p(-min(share, 1 - 1e-12))).sum())


def errors_at(read_as: np.ndarray, label: np.ndarray, sure: float) -> dict[str, Any]:
    """The two errors that matter, and how many boxes are answered, where an answer needs so much probability."""
    answers = {EMPTY: read_as[:, EMPTY] >= sure, MARKED: read_as[:, MARKED] >= sure}
    found: dict[str, Any] = {"sure": sure, "answered": float((answers[EMPTY] | answers[MARKED]).mean())}
    for name, truth, answer in (("marked_as_empty", MARKED, EMPTY), ("empty_as_marked", EMPTY, MARKED)):
        of = label == truth
        wrong, count = int((answers[answer] & of).sum()), int(of.sum())
        found[name] = {"wrong": wrong, "of": count, "at_most": round(upper(wrong, count), 6)}
        found[name.split("_")[0] + "_answered_right"] = float(answers[truth][of].mean()) if count else None
    return found


def calibration(read_as: np.ndarray, target: np.ndarray) -> list[tuple[float, float, int]]:
    """For bands of the probability of a mark: what was said, what was so, how many."""
    said = read_as[:, MARKED]
    band = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        (float(said[band == b].mean()), float(target[band == b, MARKED].mean()), int((band == b).sum()))
        for b in range(BINS)
        if (band == b).any()
    ]  # fmt: skip


def evaluate(rows: Rows, net: second.Network) -> dict[str, Any]:
    """All figures of some rows. Boxes of which less than 80 % is visible never count as answered."""
    odds = whole_odds(rows, net)
    said = np.exp(odds - odds.max(axis=1, keepdims=True))
    said /= said.sum(axis=1, keepdims=True)
    seen = rows.columns["visible"] >= second.MIN_VISIBLE
    label = rows.columns["label"].astype(int)
    side, strength, kind = (rows.columns[name] for name in ("box_px", "strength", "kind"))
    groups = {"all": seen} | {f"box {a}-{b} px": seen & (side >= a) & (side < b) for a, b in pairwise(SIDES)}
    kinds = {KINDS[k]: seen & (kind == k) for k in range(1, len(KINDS))}
    marked = seen & (label == MARKED)
    kinds |= {"faint": marked & (strength < FAINT), "full": marked & (strength >= FAINT)}
    hidden = said[~seen]
    return {
        "rows": len(rows),
        "errors": {n: [errors_at(said[of], label[of], sure) for sure in SURE] for n, of in groups.items() if of.any()},
        "marks": {n: _marks(said[of], label[of]) for n, of in kinds.items() if of.any()},
        "calibration": calibration(said[seen], rows.targets[seen]),
        "hidden": len(hidden),
        "hidden_answered": int((hidden[:, [EMPTY, MARKED]].max(axis=1) >= SURE[1]).sum()),
    }


def _marks(said: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    found = errors_at(said, label, SURE[1])
    return found["marked_as_empty"] | {"answered_right": found["marked_answered_right"]}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, help="another file than the package's")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--most", type=int, default=20_000, help="rows of a folder")
    args = parser.parse_args()
    net = second.load(args.weights.read_bytes()) if args.weights else second.network()
    found = {home.name: evaluate(thinned(read(home.glob("*.npz")), args.most), net) for home in args.folders}
    text = json.dumps(found, indent=1)
    if args.out:
        args.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
