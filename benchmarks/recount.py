"""How much of a count is read, how surely, and how fast: rendered counts of held-out seeds, beside the prototype.

`python -m benchmarks.recount --seeds 1000-1007 --presets 560,420 --out a.json` films and reads. `--stills` gives the
reader pictures of each ballot instead of a film, four times as fast, and leaves finding out. Results of several runs
are joined with `--merge a.json b.json`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from aigaq.base import Done, Job, SystemClock, derive
from aigaq.recount.files import parse_count
from aigaq.recount.intervals import clopper_pearson, upper_bound
from aigaq.recount.model import Maker, Outcome, Reading
from aigaq.recount.reading.count import PART_FILE, PartItem, read_part
from aigaq.recount.reading.finding import Shown
from aigaq.recount.reading.parts import plan as parts_of
from aigaq.recount.reading.second import WEIGHTS_SHA256
from aigaq.recount.reading.shots import read_shown
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.reading.source import open_film
from aigaq.recount.styles import load_styles
from aigaq.simulator.ballots import write_style
from aigaq.simulator.count import PRESETS, CountPlan, render_count, render_stills
from aigaq.simulator.count.stills import Still
from benchmarks.lab import Scale, Table

FIRST: Final = 1000
"""Seeds from here on are never looked at while anything is made or tuned."""
FRAMES: Final = 6
PROTOTYPE: Final = {
    "560": "91.5 %, 0 / 205", "420": "80 %ᵃ, 0 / 64", "320": "40 %ᵃ, 0 / 32", "240": "0", "300kbit": "78 %ᵃ, 0 / 31",
    "dark": "80 %ᵃ, 0 / 32", "thumb": "66 %ᵃ, 0 / 33", "skew": "50 %ᵃ, 0 / 20", "fast": "78 %ᵃ, 0 / 39", "defocus": "0",
}  # fmt: skip
COLUMNS: Final = (
    "preset", "shown", "listed", "valid", "automatic of valid", "wrong / automatic", "wrong at most (95 %)",
    "flagged", "for people", "× real time", "prototype",
)  # fmt: skip
NOTE: Final = (
    "Held-out seeds. Listed: a reading tells of it. Wrong: any automatic reading but the one true choice of a valid "
    "ballot. × real time: one core, everything from the file to the written pictures. Prototype: automatic and wrong / "
    "automatic; ᵃ of all ballots shown."
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one worker is to do."""

    preset: str
    seed: int
    ballots: int
    stills: bool


@dataclass(frozen=True, slots=True)
class Ballot:
    """One presentation, what it was and what was read."""

    preset: str
    seed: int
    n: int
    """-1 where nothing was shown."""
    valid: str | None
    """`style/choice` that it counts for; None where it is not valid or does not show its front alone."""
    listed: bool
    outcome: str | None
    read: str | None
    """`style/choice` that was read automatically."""
    why: tuple[str, ...] = ()


def work(run: Run, tell: Callable[[float], None]) -> dict[str, Any]:
    """Render one count and read it."""
    cv2.setNumThreads(1)
    plan = CountPlan(seed=run.seed, ballots=run.ballots, conditions=PRESETS[run.preset])
    folder = Path(tempfile.mkdtemp(prefix="aigaq-recount-"))
    try:
        if run.stills:
            return _from_stills(run, plan, folder, tell)
        render_count(plan, folder, lambda share: tell(0.85 * share))
        return _from_film(run, folder)
    finally:
        shutil.rmtree(folder)


def _from_film(run: Run, folder: Path) -> dict[str, Any]:
    film = open_film([folder / "film.mp4"])
    styles = tuple(sorted((folder / "styles").iterdir()))
    ids = {style.name: "" for style in styles}
    part = parts_of(1.0)[0]
    begun = time.process_time()
    read_part(PartItem(film, Maker("", WEIGHTS_SHA256, ids), styles, part, folder / "read"), lambda _: None)
    cpu = time.process_time() - begun
    readings = parse_count((folder / "read" / PART_FILE).read_bytes()).readings
    truth = json.loads((folder / "truth.json").read_text())["presentations"]
    ballots = [asdict(one) for one in compare(run, truth, readings)]
    return {"ballots": ballots, "film_s": film.source.seconds, "cpu_s": cpu, "run": asdict(run)}


def compare(run: Run, truth: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> Iterator[Ballot]:
    """Each presentation with the reading that overlaps it most, each reading once; then readings of nothing."""
    pairs = sorted(
        ((_overlap(one, reading), k, reading.n) for k, one in enumerate(truth) for reading in readings), reverse=True
    )
    of: dict[int, int] = {}
    for overlap, k, n in pairs:
        if overlap > 0 and k not in of and n not in of.values():
            of[k] = n
    for k, one in enumerate(truth):
        plain = one["beneath"] is None and one["shown"] != "back" and one["valid_choice"]
        valid = f"{one['style']}/{one['valid_choice']}" if plain else None
        yield _ballot(run, one["n"], valid, readings[of[k] - 1] if k in of else None)
    for reading in readings:
        if reading.n not in of.values():
            yield _ballot(run, -1, None, reading)


def _overlap(one: dict[str, Any], reading: Reading) -> float:
    return min(one["to_s"], reading.to_s) - max(one["from_s"], reading.from_s)


def _ballot(run: Run, n: int, valid: str | None, reading: Reading | None) -> Ballot:
    if reading is None:
        return Ballot(run.preset, run.seed, n, valid, listed=False, outcome=None, read=None)
    automatic = reading.outcome is Outcome.AUTOMATIC
    read = f"{reading.style}/{reading.choice}" if automatic else None
    why = tuple(w.value for w in reading.why)
    outcome = reading.outcome.value
    return Ballot(run.preset, run.seed, n, valid, listed=True, outcome=outcome, read=read, why=why)


def _from_stills(run: Run, plan: CountPlan, folder: Path, tell: Callable[[float], None]) -> dict[str, Any]:
    for style in plan.styles:
        write_style(style, folder)
    styles = load_styles(folder)
    rng = np.random.default_rng([run.seed, 9])
    ballots: list[dict[str, Any]] = []
    cpu = 0.0
    for n, group in groupby(render_stills(plan, frames=FRAMES), key=lambda still: still.presented.n):
        stills = list(group)
        shown = stills[0].presented
        if shown.shown == "back" or shown.ballot.form == "other":
            continue
        sightings = tuple(_sighting(still, k, rng) for k, still in enumerate(stills))
        begun = time.process_time()
        held = Shown(0.0, 1.0, shown.ballot.style.id, shown.upside_down, back_only=False, sightings=sightings)
        reading, _, _ = read_shown(n + 1, held, styles[shown.ballot.style.id])
        cpu += time.process_time() - begun
        plain = shown.beneath is None and shown.ballot.valid_choice
        valid = f"{shown.ballot.style.id}/{shown.ballot.valid_choice}" if plain else None
        ballots.append(asdict(_ballot(run, n, valid, reading)))
        tell(min(1.0, n / plan.ballots))
    return {"ballots": ballots, "film_s": 0.0, "cpu_s": cpu, "run": asdict(run)}


def _sighting(still: Still, k: int, rng: np.random.Generator) -> Sighting:
    """As finding hands it over: corners some pixels off, colour at half size."""
    grey = cv2.cvtColor(still.picture, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    half = cv2.resize(still.picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    sharp = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return Sighting(grey, half, (0, 0), still.corners + rng.uniform(-6, 6, (4, 2)), sharp, k / 10)


def measure(runs: Sequence[Run], jobs: int) -> list[dict[str, Any]]:
    """Every run's result; a run that fails is told and left out."""
    results: list[dict[str, Any]] = []
    todo = [Job(f"{run.preset}-{run.seed}", run) for run in runs]
    for answer in derive(work, todo, processes=jobs, clock=SystemClock()):
        run = answer.job.item
        if isinstance(answer, Done):
            results.append(answer.value)
            print(f"{run.preset} {run.seed}: {len(answer.value['ballots'])} ballots", file=sys.stderr, flush=True)
        else:
            print(f"{run.preset} {run.seed}: {answer.error}", file=sys.stderr, flush=True)
    return sorted(results, key=lambda r: (r["run"]["preset"], r["run"]["seed"]))


def table(results: Iterable[dict[str, Any]]) -> Table:
    """The results by preset."""
    results = list(results)
    what = "six stills of each ballot" if results and results[0]["run"]["stills"] else "films"
    drawn = Table(f"Recount: {what} of rendered counts", COLUMNS, note=NOTE)
    for preset in [p for p in PRESETS if any(r["run"]["preset"] == p for r in results)]:
        mine = [r for r in results if r["run"]["preset"] == preset]
        drawn.rows.append(_row(preset, mine))
    if len(drawn.rows) > 1:
        drawn.rows.append(_row("all", results))
    return drawn


def _row(preset: str, results: Sequence[dict[str, Any]]) -> list[str]:
    ballots = [b for r in results for b in r["ballots"]]
    shown = [b for b in ballots if b["n"] >= 0]
    valid = [b for b in shown if b["valid"]]
    automatic = [b for b in ballots if b["outcome"] == "automatic"]
    right = [b for b in valid if b["read"] == b["valid"]]
    wrong = len(automatic) - len(right)
    low, high = clopper_pearson(len(right), len(valid))
    false = f" + {len(ballots) - len(shown)} of nothing" if len(ballots) > len(shown) else ""
    film, cpu = (sum(r[key] for r in results) for key in ("film_s", "cpu_s"))
    return [
        preset,
        str(len(shown)),
        f"{sum(b['listed'] for b in shown)}{false}",
        str(len(valid)),
        f"{100 * len(right) / max(1, len(valid)):.1f} % ({100 * low:.1f}–{100 * high:.1f})",
        f"{wrong} / {len(automatic)}",
        f"{100 * upper_bound(wrong, len(automatic)):.2f} %" if automatic else "—",
        str(sum(b["outcome"] == "flagged" for b in ballots)),
        str(sum(b["outcome"] == "human" for b in ballots)),
        f"{film / cpu:.1f}" if film else f"({1000 * cpu / max(1, len(ballots)):.0f} ms / ballot)",
        PROTOTYPE.get(preset, ""),
    ]  # fmt: skip


def run(scale: Scale) -> Table:
    """One short film for each of the two presets of the target."""
    ballots = round(scale.pick(25, 6))
    runs = [Run(preset, FIRST, ballots, stills=False) for preset in ("560", "420")]
    return table(measure(runs, os.cpu_count() or 1))


def main() -> None:
    """The command."""
    from benchmarks.__main__ import show  # noqa: PLC0415 - which lists this benchmark among all

    parser = argparse.ArgumentParser(prog="python -m benchmarks.recount", description=__doc__)
    parser.add_argument("--seeds", default=f"{FIRST}-{FIRST}", help="first-last")
    parser.add_argument("--presets", default="560,420", help=f"of {', '.join(PRESETS)}, or all")
    parser.add_argument("--ballots", type=int, default=25, help="of each count")
    parser.add_argument("--stills", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--merge", type=Path, nargs="*", default=[], help="earlier results; alone, nothing is run")
    words = parser.parse_args()
    results = [one for path in words.merge for one in json.loads(path.read_text())]
    if not words.merge:
        first, _, last = words.seeds.partition("-")
        presets = list(PRESETS) if words.presets == "all" else words.presets.split(",")
        seeds = range(int(first), int(last or first) + 1)
        results = measure([Run(p, s, words.ballots, words.stills) for s in seeds for p in presets], words.jobs)
    if words.out:
        words.out.write_text(json.dumps(results))
    show(table(results))


if __name__ == "__main__":
    main()
