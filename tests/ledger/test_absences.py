"""When the centre owes a leaf that it heard nothing: a playbook on two clocks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from aigaq.ledger.absences import SILENCE_MS, Absence, Absences

DAY = 1_800_000_000_000
DUTY = (DAY, DAY + 3_600_000)


class Play:
    """The pure core with a wall clock and one that never steps; whatever is due is written at once."""

    def __init__(self, *stations: str, duty: tuple[int, int] = DUTY, now: int = DAY) -> None:
        self.wall, self.steady = now, 0
        self.written: list[Absence] = []
        self.core = Absences(stations or ("s-1",), lambda _: duty, lambda _: (7, b"r" * 32), self.steady)

    def wait(self, seconds: float) -> list[Absence]:
        self.wall += round(seconds * 1000)
        self.steady += round(seconds * 1000)
        due = list(self.core.due(self.wall, self.steady))
        for absence in due:
            self.core.written(absence)
        self.written += due
        return due

    def hear(self, station: str = "s-1") -> None:
        self.core.heard(station, self.steady)


def test_silence_is_opened_after_thirty_seconds_and_closed_when_heard():
    play = Play()
    assert play.wait(29.9) == []
    (opened,) = play.wait(0.1)
    assert opened == Absence("s-1", 0, DAY, None, 7, b"r" * 32)
    assert play.wait(600) == []
    play.hear()
    (closed,) = play.wait(1)
    assert closed == Absence("s-1", 0, DAY, DAY + 630_000, 7, b"r" * 32)
    assert play.core.open == {}
    assert play.wait(28) == []
    (again,) = play.wait(1)
    assert (again.seq, again.from_ms, again.to_ms) == (1, DAY + 630_000, None)


def test_a_station_that_speaks_is_never_absent():
    play = Play()
    for _ in range(100):
        play.hear()
        assert play.wait(29) == []


def test_nothing_is_owed_outside_duty():
    play = Play(now=DAY - 300_000)
    assert play.wait(290) == []
    assert play.wait(39) == []
    (opened,) = play.wait(1)
    assert opened.from_ms == DAY
    (closed,) = play.wait(3600)
    assert closed.to_ms == DUTY[1]
    assert play.wait(3600) == []
    play.hear()
    assert play.wait(10) == []


def test_what_is_not_written_stays_due():
    play = Play()
    play.wall += 40_000
    play.steady += 40_000
    first = list(play.core.due(play.wall, play.steady))
    assert first == list(play.core.due(play.wall, play.steady)) != []


def test_a_restart_goes_on_with_the_open_one_and_blames_nobody_for_its_own_time():
    play = Play()
    (opened,) = play.wait(30)
    again = Play("s-1", "s-2", now=DAY + 900_000)
    again.core.resume(opened, again.steady)
    assert again.wait(5) == []
    again.hear("s-1")
    (closed,) = again.wait(1)
    assert (closed.station, closed.seq, closed.from_ms, closed.to_ms) == ("s-1", 0, DAY, DAY + 905_000)
    again.hear("s-1")
    (other,) = again.wait(24)
    assert (other.station, other.from_ms) == ("s-2", DAY + 900_000)


def test_a_wall_clock_that_steps_opens_nothing_and_no_absence_ends_before_it_begins():
    play = Play()
    play.wall += 1_800_000
    assert play.wait(29) == []
    (opened,) = play.wait(1)
    assert opened.from_ms == DAY + 1_800_000
    play.wall -= 1_790_000
    play.hear()
    (closed,) = play.wait(1)
    assert closed.to_ms == closed.from_ms


def test_a_region_that_goes_down_is_one_batch():
    names = [f"s-{n}" for n in range(2000)]
    play = Play(*names)
    assert [a.station for a in play.wait(31)] == names
    for name in names:
        play.hear(name)
    assert len(play.wait(1)) == 2000


def test_a_stranger_is_not_watched():
    play = Play()
    play.hear("s-9")
    assert play.core.last_heard("s-9") is None
    assert play.core.last_heard("s-1") == 0


@given(st.lists(st.tuples(st.sampled_from(["s-1", "s-2", ""]), st.integers(0, 90_000)), max_size=40))
def test_absences_of_a_station_neither_overlap_nor_leave_silence_out(steps):
    """Each silence of 30 s within duty is covered, from the last word to the next."""
    play = Play("s-1", "s-2", duty=(DAY, DAY + 10**9))
    heard = {"s-1": [DAY], "s-2": [DAY]}
    for station, ms in steps:
        for _ in range(ms // 1000):
            play.wait(1)
        if station:
            play.hear(station)
            heard[station].append(play.wall)
            play.wait(0)
    for station, times in heard.items():
        mine = [a for a in play.written if a.station == station]
        spans = [(a.from_ms, a.to_ms) for a in mine if a.to_ms is not None]
        silences = [(a, b) for a, b in itertools.pairwise(times) if b - a >= SILENCE_MS]
        assert spans == silences
        assert [a.seq for a in mine] == sorted(a.seq for a in mine)
        assert all((a.seq, a.from_ms) == (b.seq, b.from_ms) for a, b in zip(mine[::2], mine[1::2], strict=False))
