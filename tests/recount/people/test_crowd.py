"""The simulated recount of the benchmark, in small: hostile viewers win nothing, and are found."""

import pytest
from benchmarks.crowd import World, live


@pytest.mark.parametrize("manner", ["always", "rival"])
def test_hostile_viewers_decide_next_to_nothing(manner: str) -> None:
    found = live(World(7, 0.1, manner, ballots=600, viewers=30, slips=0.005, doubtful=0.0))
    assert found.decided >= found.ballots - 2
    assert found.wrong <= 1
    assert found.majority_wrong > 3
    assert found.hostile_found >= 2
    assert found.honest_lost == 0


def test_the_same_seed_gives_the_same_recount() -> None:
    world = World(3, 0.05, ballots=60, viewers=8)
    assert live(world) == live(world)
