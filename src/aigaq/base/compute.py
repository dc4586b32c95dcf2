"""A pure function over many items in many processes. What is left to do is what has no result yet.

An item's key is the hash of everything that its result follows from, so a result found under that key is taken, not
made again: a run that was stopped goes on, a second run costs nothing. Each item runs in a process that may die without
harm to the others. It stores nothing itself: whoever calls keeps results, and says what is already there.
"""

import hashlib
import json
import multiprocessing
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, Protocol, TypeVar

from aigaq.base.clock import Clock
from aigaq.base.errors import AigaqError
from aigaq.base.i18n import N_

ATTEMPTS: Final = 2
"""A process that dies takes its item along; the item is tried once more."""
_GRACE_S: Final = 3.0

P = TypeVar("P")
R = TypeVar("R")
P_in_contra = TypeVar("P_in_contra", contravariant=True)
R_out_co = TypeVar("R_out_co", covariant=True)


class WorkerLostError(AigaqError):
    """The process that worked on an item died, twice."""

    code = "base.worker_lost"
    why = N_("A process died at this item, and again when it was tried once more: {problem}.")
    hint = N_("Most often memory ran out: run fewer processes at once. What is done is kept; run again to go on.")


class WorkerFailedError(AigaqError):
    """The function raised what it must not: a defect."""

    code = "base.worker_failed"
    why = N_("The program has a defect that shows at this item: {problem}.")
    hint = N_("Report it with the item and the log. What is done is kept; run again to go on.")


class Function(Protocol[P_in_contra, R_out_co]):
    """What is mapped: a function at a module's top level, without effects but those under its item's key."""

    def __call__(self, item: P_in_contra, tell: Callable[[float], None], /) -> R_out_co:
        """The result; tells now and then which share of the item is done, 0 to 1.

        Raises:
            AigaqError: there can be no result; the same again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job(Generic[P]):
    """One item to work on."""

    key: str
    item: P
    weight: float = 1.0
    """How much work it is, in any unit: progress and estimates count in it."""


@dataclass(frozen=True, slots=True)
class Done(Generic[P, R]):
    """An item with its result."""

    job: Job[P]
    value: R
    found: bool = False
    """Whether it was there before."""


@dataclass(frozen=True, slots=True)
class Failed(Generic[P]):
    """An item without a result, and why."""

    job: Job[P]
    error: AigaqError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the whole run is."""

    share: float
    """Of the work, 0 to 1; what was found already counts."""
    done: int
    total: int
    left_s: float | None
    """Seconds until the end, if the rest goes as fast as what this run has done; None until that can be told."""


def derivation_key(*parts: object) -> str:
    """SHA-256 of what a result follows from: inputs, version of the code, parameters. Whatever JSON can hold."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def derive(
    function: Function[P, R],
    jobs: Sequence[Job[P]],
    *,
    processes: int,
    clock: Clock,
    known: Callable[[str], R | None] = lambda _: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Generator[Done[P, R] | Failed[P]]:
    """Results as they come, those already known first. Closing the generator, or Ctrl-C, ends every process."""
    left: list[Job[P]] = []
    tally = _Tally(clock, progress, sum(job.weight for job in jobs), len(jobs))
    for job in jobs:
        if (value := known(job.key)) is None:
            left.append(job)
        else:
            tally.found(job.weight)
            yield Done(job, value, found=True)
    tally.say()
    if left:
        with _Pool(function, min(processes, len(left)), tally) as pool:
            yield from pool.run(left)


class _Tally:
    """Sums up what is done."""

    def __init__(self, clock: Clock, progress: Callable[[Progress], None], weight: float, total: int) -> None:
        self._clock = clock
        self._progress = progress
        self._begun = clock.monotonic_ns()
        self._weight = max(weight, 1e-9)
        self._total = total
        self._found = 0.0
        self._ended = 0.0
        self._count = 0
        self.running: dict[str, float] = {}

    def found(self, weight: float) -> None:
        self._found += weight
        self._count += 1

    def ended(self, key: str, weight: float) -> None:
        self.running.pop(key, None)
        self._ended += weight
        self._count += 1
        self.say()

    def say(self) -> None:
        made = self._ended + sum(self.running.values())
        share = min((self._found + made) / self._weight, 1.0)
        seconds = (self._clock.monotonic_ns() - self._begun) / 1e9
        rest = max(self._weight - self._found - made, 0.0)
        self._progress(Progress(share, self._count, self._total, seconds * rest / made if made else None))


class _Worker:
    """One process and the item that it works on."""

    def __init__(self, function: Function[Any, Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks of OpenCV and FFmpeg
        self.link, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job[Any] | None = None
        self.attempt = 0

    def give(self, job: Job[Any], attempt: int) -> None:
        self.job, self.attempt = job, attempt
        with suppress(OSError):  # one that died already: its end is noticed where answers are awaited
            self.link.send(job.item)

    def stop(self) -> None:
        self.link.close()
        self.process.terminate()
        self.process.join(_GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool(Generic[P, R]):
    """A fixed number of workers; one that dies is replaced."""

    def __init__(self, function: Function[P, R], size: int, tally: _Tally) -> None:
        self._function = function
        self._size = max(size, 1)
        self._tally = tally
        self._workers: list[_Worker] = []

    def __enter__(self) -> "_Pool[P, R]":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def run(self, jobs: Sequence[Job[P]]) -> Generator[Done[P, R] | Failed[P]]:
        waiting = deque((job, 1) for job in jobs)
        while waiting or any(w.job for w in self._workers):
            self._hand_out(waiting)
            links: dict[object, _Worker] = {w.link: w for w in self._workers if w.job}
            for ready in wait([w.link for w in links.values()]):
                if (answer := self._hear(links[ready], waiting)) is not None:
                    yield answer

    def _hand_out(self, waiting: "deque[tuple[Job[P], int]]") -> None:
        idle = [w for w in self._workers if w.job is None]
        while waiting and (idle or len(self._workers) < self._size):
            if not idle:
                self._workers.append(_Worker(self._function))
                idle.append(self._workers[-1])
            idle.pop().give(*waiting.popleft())

    def _hear(self, worker: _Worker, waiting: "deque[tuple[Job[P], int]]") -> Done[P, R] | Failed[P] | None:
        job = worker.job
        assert job is not None  # noqa: S101 - only those at work are listened to
        try:
            said, value = worker.link.recv()
        except (EOFError, OSError):
            return self._lost(worker, job, waiting)
        if said == "share":
            self._tally.running[job.key] = min(max(value, 0.0), 1.0) * job.weight
            self._tally.say()
            return None
        worker.job = None
        self._tally.ended(job.key, job.weight)
        return Done(job, value) if said == "done" else Failed(job, _error(value))

    def _lost(self, worker: _Worker, job: Job[P], waiting: "deque[tuple[Job[P], int]]") -> Failed[P] | None:
        worker.process.join(_GRACE_S)  # before it is stopped, so that its own end is told
        worker.stop()
        self._workers.remove(worker)
        self._tally.running.pop(job.key, None)
        if worker.attempt < ATTEMPTS:
            waiting.append((job, worker.attempt + 1))
            return None
        self._tally.ended(job.key, job.weight)
        return Failed(job, WorkerLostError(problem=_ending(worker.process.exitcode)))


class _NobodyWaitsError(BaseException):
    """The parent is gone. Not an Exception: no function may take it for its own."""


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _work(link: Connection, function: Function[Any, Any]) -> None:
    """A worker's life: items in, results out, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides

    def tell(share: float) -> None:
        try:
            link.send(("share", float(share)))
        except OSError as error:
            raise _NobodyWaitsError from error

    with suppress(EOFError, OSError, _NobodyWaitsError):
        while True:
            link.send(_answer(function, link.recv(), tell))


def _answer(function: Function[Any, Any], item: object, tell: Callable[[float], None]) -> tuple[str, object]:
    try:
        return "done", function(item, tell)
    except AigaqError as error:
        return "failed", _packed(error)
    except Exception as error:  # noqa: BLE001 - a worker's outermost loop: a defect at one item spares the others
        last = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
        return "failed", _packed(WorkerFailedError(problem=problem))


def _packed(error: AigaqError) -> tuple[type[AigaqError], dict[str, Any]]:
    """Errors take keywords, which pickle does not know how to give: send what they hold."""
    try:
        pickle.dumps(error.__dict__)
    except (pickle.PicklingError, TypeError, AttributeError):
        return WorkerFailedError, {"where": error.where, "facts": {"problem": str(error)}}
    return type(error), dict(error.__dict__)


def _error(packed: tuple[type[AigaqError], dict[str, Any]]) -> AigaqError:
    cls, held = packed
    error = cls.__new__(cls)
    error.__dict__.update(held)
    return error
