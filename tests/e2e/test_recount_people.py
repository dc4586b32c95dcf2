"""People's recount in Chromium: with keys, with a finger, in every language, by day and by night."""

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest
from tests.e2e.centre import serving
from tests.e2e.conftest import Visitor
from tests.e2e.test_pages import english_words, probe
from tests.recount.people.lab import CODES, answer_of, make_desk, make_recount, reading

from aigaq.base import LANGUAGES, SystemClock
from aigaq.recount import TEMPLATES, people_router
from aigaq.recount.model import Outcome, Why
from aigaq.web import create_shell

pytestmark = pytest.mark.peer
START, READ = "/en/recount/people", "/en/recount/people/read"
TOKEN = "(document.querySelector('[name=question]')?.value ?? '')"


class Place:
    """A running centre with a count of a dozen ballots, and the desk behind it."""

    url: str

    def __init__(self, desk) -> None:
        self.desk = desk


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    unknown = reading(12, None, outcome=Outcome.HUMAN, why=(Why.UNKNOWN_SHEET,), style=None, boxes=())
    home = make_recount(
        tmp_path_factory.mktemp("people"), {"c-1": [*(reading(n, n % 5) for n in range(1, 12)), unknown]}
    )
    place = Place(make_desk(home, SystemClock()))
    app = create_shell(TEMPLATES)
    app.include_router(people_router(place.desk))
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(app) as url:
            place.url = url
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60)
    yield place
    stop.set()
    thread.join()
    place.desk.close()


@pytest.fixture
def reader(browser, place: Place) -> Iterator[Visitor]:
    """Opens pages; nothing may be written to the console, which is where CSP violations go."""
    found = Visitor(browser, place.url)
    yield found
    found.close()
    assert not found.complaints


def question(page) -> str:
    return page.evaluate(TOKEN)


def after(page, act) -> None:
    """Do it, and wait until another question is there and its script has loaded the one after it."""
    before = question(page)
    act()
    page.wait_for_function(f"old => {TOKEN} !== old", arg=before)


def said(place: Place, token: str) -> list[str]:
    """What was kept of a question; the answer is on its way while the next ballot is shown."""
    for _ in range(400):
        found = [a.answer for a in place.desk.answers() if a.question == token]
        if found:
            return found
        threading.Event().wait(0.02)
    return []


def test_keys_answer_one_ballot_after_the_other(reader: Visitor, place: Place) -> None:
    page = reader.open(READ)
    keys = [("Digit1", answer_of(0)), ("Numpad5", answer_of(4)), ("r", "unreadable"), ("Digit3", answer_of(2))]
    for key, code in keys:
        token = question(page)
        after(page, lambda key=key: page.keyboard.press(key))
        assert said(place, token) == [code]
    token = question(page)
    page.keyboard.press("i")
    assert page.locator("details.invalid").get_attribute("open") is not None
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    after(page, lambda: page.keyboard.press("2"))
    assert said(place, token) == ["invalid:several"]
    page.get_by_text("You have read 5: thank you.").wait_for()
    now = question(page)
    after(page, lambda: page.keyboard.press("u"))
    assert question(page) == token
    assert "You just answered: more than one box is marked." in page.locator(".asks .notice").inner_text()
    after(page, lambda: page.keyboard.press("4"))
    assert question(page) == now, "the ballot that was interrupted comes back"
    page.wait_for_load_state("networkidle")
    assert said(place, token) == ["invalid:several", answer_of(3)]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("9")
    assert question(page) == now, "keys that mean nothing do nothing"


def test_a_layout_with_letters_above_the_digits_answers_too(reader: Visitor, place: Place) -> None:
    """On the Kazakh layout the key of 2 writes “ә”."""
    page = reader.open("/kk/recount/people/read")
    token = question(page)
    event = "new KeyboardEvent('keydown', {code: 'Digit2', key: 'ә', bubbles: true})"
    after(page, lambda: page.evaluate(f"document.dispatchEvent({event})"))
    assert said(place, token) == [answer_of(1)]


def test_a_finger_answers_on_a_phone(reader: Visitor, place: Place) -> None:
    page = reader.open("/ru/recount/people/read", width=390, has_touch=True, is_mobile=True)
    token = question(page)
    after(page, lambda: page.locator(".option").nth(3).tap())
    assert said(place, token) == [answer_of(3)]
    page.locator(".ballot-sheet img").first.tap()
    assert page.locator(".ballot-sheet").first.get_attribute("data-zoom") == "yes"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the enlarged sheet stays in its frame"


def test_an_answer_that_is_lost_on_its_way_is_asked_for_once_more(reader: Visitor, place: Place) -> None:
    page = reader.open(READ)
    page.wait_for_load_state("networkidle")
    token = question(page)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.get_by_role("alert").wait_for()
    assert question(page) == token
    page.context.set_offline(False)
    after(page, lambda: page.keyboard.press("2"))
    assert said(place, token) == [answer_of(1)]
    page.get_by_role("alert").wait_for(state="hidden")
    reader.complaints.clear()


def test_the_end_is_said(reader: Visitor) -> None:
    page = reader.open(READ)
    while question(page):
        after(page, lambda: page.keyboard.press("1"))
    page.get_by_role("heading", name="Nothing is left for you now").wait_for()


def test_an_accredited_reader_names_the_contest_of_an_unknown_sheet(reader: Visitor, place: Place) -> None:
    reader.open(READ)
    page = reader.contexts[0].pages[0]
    page.goto(START)
    page.locator("#code").fill(CODES[0])
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("You are known as an accredited reader").wait_for()
    page.goto(READ)
    seen = 0
    while question(page):
        seen += page.locator(".option img").count() == 0
        assert page.locator(".ballot-sheet img").count() >= 2, "frames of the film, and the sheet where there is one"
        after(page, lambda: page.keyboard.press("1"))
    assert seen == 1


def test_one_counts_along_with_keys_and_compares(reader: Visitor, place: Place) -> None:
    (place.desk.counts["c-1"].folder / "film.mp4").write_bytes(b"not played here")
    page = reader.open(f"{START}/along/c-1", width=390)
    for key in ("1", "1", "5", "0", "u", "i"):
        page.keyboard.press(key)
    page.locator(".tick").nth(2).click()
    assert [int(v) for v in page.evaluate("[...document.querySelectorAll('.ticks input')].map((i) => i.value)")] == [
        2, 0, 1, 0, 1, 1,
    ]  # fmt: skip
    assert page.locator("output").inner_text() == "5"
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Your tally beside the others").wait_for()
    assert page.locator(".compare tbody tr").first.locator("td").first.inner_text() == "2"
    assert page.locator(".compare svg rect.own").first.get_attribute("width") != "0"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    reader.complaints[:] = [c for c in reader.complaints if "film" not in c]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["", "/read", "/results", "/along"])
def test_pages_are_whole_and_speak_their_language(reader: Visitor, path: str, language: str) -> None:
    page = reader.open(f"/{language}/recount/people{path}", width=390, color_scheme="dark")
    page.wait_for_load_state("load")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways at phone width"
    if language != "en":
        assert set(english_words(probe(page, "texts"))) <= {"CSV", "Dawid", "drawn", "dice"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "/read", "/results", "/along"])
def test_pages_are_accessible(reader: Visitor, path: str, scheme: str) -> None:
    page = reader.open(f"/ru/recount/people{path}", color_scheme=scheme)
    for summary in page.locator("main details > summary").all():
        summary.click()
    for trouble in ("nameless", "faint", "small"):
        assert probe(page, trouble) == [], trouble
    order = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert order[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(order))
