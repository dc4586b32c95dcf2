"""The editor of ballot styles in Chromium: drag, draw, keys, delete, number, find, save; narrow; without scripts."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.centre import serving

from aigaq.recount import TEMPLATES, load_style, style_router
from aigaq.simulator.ballots import make_style, write_style
from aigaq.web import create_shell

pytestmark = pytest.mark.peer
STYLE = make_style("maslikhat-city")
PAGE = "/en/recount/styles/maslikhat-city"


async def _run(folder: Path, found: list[str], ready: threading.Event, stop: threading.Event) -> None:
    app = create_shell(TEMPLATES)
    app.include_router(style_router(folder))
    async with serving(app) as url:
        found.append(url)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_style(STYLE, tmp_path)


@pytest.fixture
def centre(home: Path) -> Iterator[object]:
    """In place of the whole centre: the editor is all that is visited here."""
    found, ready, stop = list[str](), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_run(home.parent, found, ready, stop)))
    thread.start()
    try:
        assert ready.wait(20)
        yield type("Facts", (), {"url": found[0]})
    finally:
        stop.set()
        thread.join()


def boxes(page):
    return page.locator(".area.box")


def save(page) -> None:
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url("**saved=1")


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def middle(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_box_is_dragged_and_saved(visitor, home):
    page = visitor.open(PAGE)
    boxes(page).nth(1).scroll_into_view_if_needed()
    x, y = middle(boxes(page).nth(1))
    scale = page.locator(".blank-sheet svg").bounding_box()["width"] / 210
    drag(page, (x, y), (x - 10 * scale, y + 1 * scale))
    save(page)
    moved = load_style(home).style.choices
    assert abs(moved[1].box.x - (STYLE.choices[1].box.x - 10)) < 0.6
    assert abs(moved[1].box.y - (STYLE.choices[1].box.y + 1)) < 0.6
    assert moved[0] == STYLE.choices[0]


def test_a_box_is_made_larger_by_its_corner_and_its_row_goes_with_it(visitor, home):
    page = visitor.open(PAGE)
    boxes(page).nth(3).scroll_into_view_if_needed()
    page.mouse.click(*middle(boxes(page).nth(3)))
    handle = page.locator(".chosen .handle")
    x, y = middle(handle)
    scale = page.locator(".blank-sheet svg").bounding_box()["width"] / 210
    drag(page, (x, y), (x + 6 * scale, y))
    save(page)
    last = load_style(home).style.choices[3]
    assert abs(last.box.w - (STYLE.choices[3].box.w + 6)) < 0.6
    assert last.row.x + last.row.w >= last.box.x + last.box.w - 0.01


def test_everything_by_keyboard(visitor, home):
    page = visitor.open(PAGE)
    boxes(page).nth(0).focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert page.locator("[data-status]").text_content() == "Not saved yet."
    save(page)
    was, now = STYLE.choices[0].box, load_style(home).style.choices[0].box
    assert [round(b - a, 2) for a, b in zip(was, now, strict=True)] == [-1.0, 0.5, 0.5, -0.5]


def test_a_box_is_drawn_numbered_and_named(visitor, home):
    page = visitor.open(PAGE)
    boxes(page).nth(1).focus()
    page.keyboard.press("Delete")
    assert boxes(page).count() == 3
    page.get_by_role("button", name="Draw a box").click()
    sheet = page.locator(".blank-sheet svg").bounding_box()
    scale = sheet["width"] / 210
    box = STYLE.choices[1].box
    at = [(sheet["x"] + x * scale, sheet["y"] + y * scale) for x, y in ((box.x, box.y), (box.x + box.w, box.y + box.h))]
    drag(page, *at)
    assert boxes(page).count() == 4
    assert page.locator(".choice-row").nth(1).locator('input[lang="kk"]').evaluate("e => e === document.activeElement")
    page.keyboard.type("Жаңа")
    page.locator(".choice-row").nth(1).locator('input[lang="ru"]').fill("Новый")
    save(page)
    drawn = load_style(home).style.choices[1]
    assert (drawn.names.kk, drawn.names.ru) == ("Жаңа", "Новый")
    assert max(abs(a - b) for a, b in zip(drawn.box, box, strict=True)) < 0.8
    assert max(abs(a - b) for a, b in zip(drawn.row, STYLE.choices[1].row, strict=True)) < 4
    assert len({c.id for c in load_style(home).style.choices}) == 4


def test_boxes_are_found_and_mistakes_told(visitor, home):
    page = visitor.open(PAGE)
    page.locator(".choice-row").nth(0).locator("summary").click()
    page.locator('input[name="1.box.x"]').fill("3")
    page.get_by_role("button", name="Find the boxes").click()
    page.get_by_text("4 boxes found").wait_for()
    assert page.locator('input[name="1.box.x"]').input_value() == f"{STYLE.choices[0].box.x:g}"
    page.locator('input[name="2.kk"]').fill("")
    with page.expect_response(lambda r: r.request.method == "POST") as answer:
        page.get_by_role("button", name="Save").last.click()
    assert answer.value.status == 422
    page.get_by_text("Nothing was saved").wait_for()
    assert load_style(home).style == STYLE
    visitor.complaints.clear()  # the browser notes the refusal itself


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_narrow_screen_needs_no_sideways_scrolling(visitor, language):
    page = visitor.open(PAGE.replace("/en/", f"/{language}/"), width=390)
    page.locator(".area.signature").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.locator(".style-tools button:visible").evaluate_all("b => b.filter(e => e.offsetHeight < 44).length")
    assert small == 0


def test_without_scripts_it_is_a_form(visitor, home):
    page = visitor.open(PAGE, java_script_enabled=False)
    page.locator(".choice-row").nth(2).get_by_text("Delete this row").click()
    page.locator(".choice-row").nth(0).locator("summary").click()
    page.locator('input[name="1.box.y"]').fill("87,25")
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url("**saved=1")
    saved = load_style(home).style
    assert [c.id for c in saved.choices] == ["choice-1", "choice-2", "choice-4"]
    assert saved.choices[0].box.y == 87.25
