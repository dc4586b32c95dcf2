"""A pure function over a pool: results, failures, deaths, resuming, Ctrl-C, estimates."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.base import compute_work as work

from aigaq.base import ManualClock, SystemClock
from aigaq.base.compute import Done, Failed, Job, Progress, WorkerFailedError, WorkerLostError, derivation_key, derive

CLOCK = SystemClock()
REPO = Path(__file__).parents[2]


def jobs(*items: int) -> list[Job[int]]:
    return [Job(str(item), item) for item in items]


def test_every_item_gets_its_result_in_few_processes() -> None:
    results = list(derive(work.square, jobs(*range(20)), processes=2, clock=CLOCK))
    assert {r.job.item: r.value for r in results if isinstance(r, Done)} == {n: n * n for n in range(20)}
    pids = {r.value for r in derive(work.give_pid, jobs(*range(6)), processes=2, clock=CLOCK) if isinstance(r, Done)}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids


def test_what_is_known_is_not_made_again() -> None:
    known = {"3": 9000}
    results = list(derive(work.square, jobs(3, 4), processes=1, clock=CLOCK, known=known.get))
    assert [(r.value, r.found) for r in results if isinstance(r, Done)] == [(9000, True), (16, False)]


def test_nothing_to_do_starts_nothing() -> None:
    told: list[Progress] = []
    assert not list(derive(work.square, [], processes=4, clock=CLOCK, progress=told.append))
    assert [(p.done, p.total, p.left_s) for p in told] == [(0, 0, None)]


def test_failures_are_told_with_their_facts_and_spare_the_others() -> None:
    results = {r.job.item: r for r in derive(work.square_or_not, jobs(2, -1, 13, 5), processes=1, clock=CLOCK)}
    refused, broken = results[-1], results[13]
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, work.NoSquareError)
    assert str(refused.error).startswith("There is no square of -1. (here)")
    assert isinstance(broken, Failed)
    assert isinstance(broken.error, WorkerFailedError)
    assert "ZeroDivisionError: thirteen" in str(broken.error)
    assert [r.value for n in (2, 5) if isinstance(r := results[n], Done)] == [4, 25]


@pytest.mark.parametrize(("deaths", "lives"), [(1, True), (2, False)])
def test_a_dead_worker_is_replaced_and_its_item_tried_once_more(tmp_path: Path, deaths: int, lives: bool) -> None:
    todo = [Job(str(n), (n, deaths if n == 2 else 0, str(tmp_path))) for n in range(5)]
    results = {r.job.key: r for r in derive(work.die_at, todo, processes=2, clock=CLOCK)}
    assert all(isinstance(results[str(n)], Done) for n in (0, 1, 3, 4))
    hit = results["2"]
    if lives:
        assert isinstance(hit, Done)
    else:
        assert isinstance(hit, Failed)
        assert isinstance(hit.error, WorkerLostError)
        assert "SIGKILL" in str(hit.error)
    assert len((tmp_path / "2").read_text()) == 2


def test_progress_rises_to_one_and_estimates_from_what_this_run_did() -> None:
    told: list[Progress] = []
    todo = [Job("a", 1, weight=3.0), Job("b", 2), Job("c", 3)]
    list(derive(work.square, todo, processes=1, clock=ManualClock(), known={"a": 1}.get, progress=told.append))
    shares = [p.share for p in told]
    assert shares[0] == pytest.approx(0.6)
    assert told[0].left_s is None, "nothing done yet: nothing to tell from"
    assert told[1].share == pytest.approx(0.7)
    assert shares == sorted(shares)
    assert (told[-1].share, told[-1].done, told[-1].total, told[-1].left_s) == (1.0, 3, 3, 0.0)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_closing_ends_the_processes(tmp_path: Path) -> None:
    marks = [str(tmp_path / "a"), str(tmp_path / "b")]
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if all(Path(m).exists() and Path(m).read_text() for m in marks):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(derive(work.sleep_long, [Job(m, m) for m in marks], processes=2, clock=CLOCK, progress=stop))
    assert all(gone(int(Path(m).read_text())) for m in marks)


SCRIPT = """
import signal, sys
from aigaq.base import SystemClock
from aigaq.base.compute import Job, derive
from tests.base.compute_work import sleep_long
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start what runs in the background without it
    list(derive(sleep_long, [Job(sys.argv[1], sys.argv[1])], processes=1, clock=SystemClock()))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_workers_do_not_outlive_their_parent(tmp_path: Path, end: signal.Signals) -> None:
    script, mark = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    parent = subprocess.Popen([sys.executable, str(script), str(mark)], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: mark.exists() and bool(mark.read_text()))
        parent.send_signal(end)
        parent.wait(20)
        wait_for(lambda: gone(int(mark.read_text())))
    finally:
        parent.kill()
        parent.wait()


def wait_for(condition: object) -> None:
    assert callable(condition)
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited for 30 seconds")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(plain, plain)
def test_keys_tell_inputs_apart(a: object, b: object) -> None:
    same = repr(a) == repr(b)
    assert derivation_key("x", a) == derivation_key("x", a)
    if not same and a != b:
        assert derivation_key("x", a) != derivation_key("x", b)
    assert derivation_key([a], b) != derivation_key([a, b])
