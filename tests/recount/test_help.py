"""Live help: a stream of looks in, one word out; and the page that shows it."""

import json
from typing import Any

import pytest
from tests.recount.conftest import SmallCount

from aigaq.base import LANGUAGES
from aigaq.recount.help import Advice, Look, State, blind, ended, looked, nothing_held
from aigaq.recount.help_feed import Guide
from aigaq.recount.help_site import ADVICE, HelpPage
from aigaq.recount.model import Outcome, Reading, Why
from aigaq.recount.reading.film import Picture, frames
from aigaq.recount.styles import load_style


def look(at_s: float, **other: float) -> Look:
    return Look(at_s, **{"box_px": 34.0, "contrast": 0.9, "visible": 1.0, "speed": 0.02, **other})


def read(*why: Why, outcome: Outcome = Outcome.HUMAN, same_as: int | None = None) -> Reading:
    choice = None if why else "choice-1"
    return Reading(1, 0, 1, "a", Outcome.AUTOMATIC if not why else outcome, choice, why, same_as=same_as)


def play(*steps: Any) -> list[Advice]:
    state, said = State(), list[Advice]()
    for step in steps:
        state = step(state)
        said.append(state.advice)
    return said


@pytest.mark.parametrize(("fault", "advice"), [
    ({"box_px": 15.0}, Advice.CLOSER), ({"speed": 0.6}, Advice.STILL), ({"contrast": 0.2}, Advice.SHARPER),
    ({"visible": 0.7}, Advice.UNCOVER), ({"box_px": 15.0, "visible": 0.1}, Advice.CLOSER),
])  # fmt: skip
def test_each_fault_has_its_word(fault: dict[str, float], advice: Advice) -> None:
    assert looked(State(), look(1.0, **fault)).advice is advice


def test_a_ballot_well_shown() -> None:
    assert play(
        lambda s: looked(s, look(1.0)),
        lambda s: looked(s, look(1.4)),
        lambda s: looked(s, look(1.9)),
        lambda s: ended(s, read(), 2.3),
        lambda s: nothing_held(s, 3.0),
        lambda s: nothing_held(s, 5.0),
    ) == [Advice.HOLD, Advice.HOLD, Advice.ENOUGH, Advice.COUNTED, Advice.COUNTED, Advice.SHOW]


def test_a_fault_begins_the_time_anew() -> None:
    assert play(
        lambda s: looked(s, look(1.0)),
        lambda s: looked(s, look(1.5, visible=0.3)),
        lambda s: looked(s, look(2.0)),
        lambda s: looked(s, look(2.9)),
    ) == [Advice.HOLD, Advice.UNCOVER, Advice.HOLD, Advice.ENOUGH]


def test_the_next_ballot_ends_the_word_on_the_last() -> None:
    assert play(lambda s: ended(s, read(), 1.0), lambda s: looked(s, look(1.2)))[-1] is Advice.HOLD


@pytest.mark.parametrize(("reading", "advice", "counted"), [
    (read(), Advice.COUNTED, 1), (read(Why.SEVERAL, outcome=Outcome.FLAGGED), Advice.COUNTED, 1),
    (read(Why.FAINT), Advice.COUNTED, 1), (read(same_as=1), Advice.COUNTED, 0),
    (read(Why.HIDDEN), Advice.AGAIN, 0), (read(Why.FEW_FRAMES), Advice.AGAIN, 0), (read(Why.SMALL), Advice.AGAIN, 0),
    (read(Why.BACK_ONLY), Advice.TURN, 0),
])  # fmt: skip
def test_what_was_seen_is_counted_and_the_rest_asked_for_again(reading: Reading, advice: Advice, counted: int) -> None:
    state = ended(State(), reading, 1.0)
    assert (state.advice, state.counted, state.shown) == (advice, counted, 1)
    assert (state.why is not None) == (advice is Advice.AGAIN)


def test_a_silent_camera_is_told() -> None:
    state = blind(ended(State(), read(), 1.0), 1.1)
    assert (state.advice, state.counted) == (Advice.BLIND, 1)


@pytest.mark.timeout(300)
def test_a_film_is_followed(small_count: SmallCount) -> None:
    """Every ballot of the small count is announced, and while it is held there is a word about it."""
    guide = Guide({load_style(s).style.id: load_style(s) for s in small_count.styles})
    said = list[Advice]()
    for one in frames(small_count.film):
        assert isinstance(one, Picture)
        guide.feed(one)
        if not said or said[-1] is not guide.state.advice:
            said.append(guide.state.advice)
    guide.lost(99.0)
    assert guide.state.shown == len(small_count.truth["presentations"])
    assert guide.state.advice is Advice.BLIND
    assert {Advice.HOLD, Advice.ENOUGH, Advice.SHOW} & set(said)
    assert Advice.COUNTED in said


async def ask(path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await HelpPage(Guide({}))({"type": "http", "path": path, "method": method}, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_has_every_word_in_every_language(language: str) -> None:
    status, headers, body = await ask(f"/{language}")
    text = body.decode()
    assert status == 200
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert "$" not in text
    assert all(f'id="i-{advice}"' in text for advice in ADVICE), "each word has its icon"
    assert len(ADVICE) == len(Advice)


async def test_the_state_tells_no_choice() -> None:
    _, _, body = await ask("/state")
    assert json.loads(body) == {"advice": "show", "why": None, "counted": 0, "shown": 0}


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/", "GET", 307), ("/help.js", "GET", 200), ("/help.css", "HEAD", 200), ("/../errors.py", "GET", 404),
    ("/de", "GET", 404), ("/state", "POST", 405),
])  # fmt: skip
async def test_addresses(path: str, method: str, status: int) -> None:
    assert (await ask(path, method))[0] == status
