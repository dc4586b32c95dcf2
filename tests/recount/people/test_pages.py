"""The pages as a browser without scripts meets them, and as those meet them who mean harm."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.recount.people.lab import CODES, STYLE, answer_of, blank, make_desk, make_recount, reading

from aigaq.base import LANGUAGES, ManualClock
from aigaq.recount import TEMPLATES, people_pages, people_router
from aigaq.recount.model import Outcome, Why
from aigaq.recount.people.desk import Desk
from aigaq.recount.people.forms import COOKIE
from aigaq.web import create_shell

START, READ = "/en/recount/people", "/en/recount/people/read"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A count with a scribble across every sheet, beside the boxes; its ballots are put by turns."""
    none = reading(5, None, outcome=Outcome.FLAGGED, why=(Why.NONE,))
    unknown = reading(6, None, outcome=Outcome.HUMAN, why=(Why.UNKNOWN_SHEET,), style=None, boxes=())
    again = reading(7, 2, same_as=3)
    folder = tmp_path_factory.mktemp("recount")
    made = make_recount(
        folder, {"a-1": [*(reading(n, n - 1) for n in range(1, 5)), none, unknown, again]}, scribble=True
    )
    (made / "counts" / "a-1" / "film.mp4").write_bytes(bytes(range(256)) * 40)
    return made


@pytest.fixture
def desk(home: Path, clock: ManualClock, tmp_path: Path) -> Desk:
    return make_desk(home, clock, database=f"sqlite:///{tmp_path / 'answers.sqlite'}")


@pytest.fixture
def site(desk: Desk):
    app = create_shell(TEMPLATES, clock=desk.clock)
    app.include_router(people_router(desk))
    return app


@pytest.fixture
def browser(site) -> TestClient:
    return TestClient(site)


def field(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def enter_code(browser: TestClient, code: str = CODES[0]) -> httpx2.Response:
    browser.get(READ)
    return browser.post(f"{START}/code", data={"code": code, "mark": field(browser.get(START).text, "mark")})


def pictures(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]*/picture/[^"]*)"', page)


def decoded(answer: httpx2.Response) -> np.ndarray:
    assert answer.status_code == 200
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_a_stranger_reads_without_scripts_from_the_first_page_to_the_thanks(browser: TestClient, desk: Desk) -> None:
    assert "0</strong> of 7" in browser.get(START).text
    page = browser.get(READ)
    seen = []
    while "nothing is left" not in page.text.lower().split('class="reader-done card" hidden')[0]:
        token = field(page.text, "question")
        seen.append(token)
        page = browser.post(READ, data={"question": token, "answer": answer_of(0)})
        assert page.url.path == READ
        assert f"You have read {len(seen)}: thank you." in page.text
    assert len(set(seen)) == 5, "those that boxes cannot tell wait for accredited readers"
    assert len(desk.answers()) == 5
    again = browser.get(f"{READ}?again=1")
    assert field(again.text, "question") == seen[-1]
    assert 'aria-pressed="true"' in again.text
    browser.post(READ, data={"question": seen[-1], "answer": "invalid:several"})
    assert [a.answer for a in desk.answers()][-2:] == [answer_of(0), "invalid:several"]


def test_a_question_tells_nothing_but_the_ballot(browser: TestClient, desk: Desk) -> None:
    page = browser.get(READ).text
    for secret in ("a-1", "automatic", "audit", "gold", "flagged", desk.board.counts()[0]):
        assert secret not in re.sub(r'href="/static[^"]*"', "", page), secret
    assert page.count('class="option"') == 5
    assert "no-store" in browser.get(READ).headers["cache-control"]


def test_nothing_beside_the_boxes_leaves_the_house(browser: TestClient) -> None:
    clean = blank()
    found = pictures(browser.get(READ).text)
    assert len([p for p in found if "/box-" in p]) == 5
    assert not [p for p in found if "frame" in p]
    sheets = [p for p in found if p.endswith(("sheet", "earlier"))]
    assert sheets
    for address in sheets:
        sheet = decoded(browser.get(address))
        around = np.ones(sheet.shape, bool)
        for choice in STYLE.choices:
            x, y, w, h = (round(4 * v) for v in choice.box)
            around[y - 14 : y + h + 14, x - 14 : x + w + 14] = False
        assert np.abs(sheet.astype(int) - clean)[around].max() < 60, "JPEG's own noise at most"
    token = found[0].split("/")[-2]
    for name in ("frame-1", "whole", "sheet.png", "..%2f..%2freading.json", "box-0", "box-99", "box-x", "earlier-1"):
        assert browser.get(f"{START}/picture/{token}/{name}").status_code == 404


def test_accredited_readers_see_the_whole_sheet_and_what_nobody_knows(browser: TestClient) -> None:
    assert enter_code(browser).status_code == 200
    frames, scribbles = 0, 0
    page = browser.get(READ)
    while 'name="question"' in page.text:
        shown = pictures(page.text)
        frames += sum("frame" in p for p in shown)
        for address in [p for p in shown if p.endswith("sheet")]:
            scribbles += np.abs(decoded(browser.get(address)).astype(int) - blank()).max() > 100
        page = browser.post(READ, data={"question": field(page.text, "question"), "answer": "unreadable"})
    assert frames == 14
    assert scribbles == 6


def test_a_stranger_may_neither_look_nor_answer_for_another(site, browser: TestClient) -> None:
    page = browser.get(READ).text
    other = TestClient(site)
    address = pictures(page)[0]
    assert other.get(address).status_code == 403, "no token"
    other.get(READ)
    assert other.get(address).status_code == 404, "another's question"
    answer = {"question": field(page, "question"), "answer": answer_of(0)}
    assert other.post(READ, data=answer).status_code == 404
    assert TestClient(site).post(READ, data=answer).status_code == 403


@pytest.mark.parametrize("cookie", ["", "x", "a" * 32 + "." + "b" * 32, "é", "." * 3000])
def test_a_made_up_token_is_no_token(site, cookie: str) -> None:
    stranger = TestClient(site, headers={"cookie": f"{COOKIE}={cookie}".encode()}, follow_redirects=False)
    answer = stranger.get(READ)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{READ}?begin=1"


def test_a_browser_without_cookies_is_told(site) -> None:
    without = TestClient(site, follow_redirects=False)
    first = without.get(READ)
    given = first.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert word in given
    without.cookies.clear()
    told = without.get(first.headers["location"])
    assert told.status_code == 403
    assert "cookie" in told.text
    secure = TestClient(site, base_url="https://centre.example", follow_redirects=False)
    assert "Secure" in secure.get(READ).headers["set-cookie"]


def test_other_sites_cannot_answer_in_a_viewers_name(browser: TestClient) -> None:
    page = browser.get(READ).text
    answer = {"question": field(page, "question"), "answer": answer_of(0)}
    assert browser.post(READ, data=answer, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post(READ, data=answer, headers={"sec-fetch-site": "same-origin"}).status_code == 200
    for mark in ("", "x" * 32):
        assert browser.post(f"{START}/code", data={"code": CODES[0], "mark": mark}).status_code == 403
        assert browser.post(f"{START}/along/a-1", data={"mark": mark}).status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 404),
        (b"question=%ff&answer=x", "application/x-www-form-urlencoded", 413),
        (b"a=" + b"x" * 9000, "application/x-www-form-urlencoded", 413),
        (b"&".join([b"a=1"] * 300), "application/x-www-form-urlencoded", 413),
        (b'{"question": 1}', "application/json", 413),
        (b"--x\r\n", "multipart/form-data; boundary=x", 413),
    ],
)
def test_what_is_no_form_is_refused(browser: TestClient, body: bytes, kind: str, status: int) -> None:
    browser.get(READ)
    told = browser.post(READ, content=body, headers={"content-type": kind, "accept": "application/json"})
    assert told.status_code == status
    assert told.json()["code"].startswith("recount.")


def test_a_script_is_answered_in_json_and_gets_questions_alone(browser: TestClient) -> None:
    page = browser.get(READ).text
    ahead = browser.get(f"{READ}/part?kind=ahead").text
    assert field(ahead, "question") != field(page, "question")
    assert "<html" not in ahead
    assert browser.get(f"{READ}/part?kind=again").status_code == 204
    answer = {"question": field(page, "question"), "answer": answer_of(1), "seconds": "nan"}
    kept = browser.post(READ, data=answer, headers={"accept": "application/json"}).json()
    assert kept["line"].endswith("You have read 1: thank you.")
    assert field(browser.get(f"{READ}/part").text, "question") == field(ahead, "question")
    assert field(browser.get(f"{READ}/part?kind=again").text, "question") == field(page, "question")


@pytest.mark.parametrize("language", LANGUAGES)
def test_results_tell_progress_and_withhold_figures_until_all_is_read(
    browser: TestClient, desk: Desk, clock: ManualClock, language: str
) -> None:
    results = f"/{language}/recount/people/results"
    assert "a-1" in browser.get(results).text
    names = [c.names.in_(language) for c in STYLE.choices]
    assert not [n for n in names if n in browser.get(results).text]
    assert len(browser.get(f"{START}/answers.csv").text.splitlines()) == 1
    for code in CODES[:2]:
        reader = TestClient(browser.app)
        enter_code(reader, code)
        page = reader.get(READ)
        while 'name="question"' in page.text:
            token = field(page.text, "question")
            page = reader.post(READ, data={"question": token, "answer": answer_of(0), "reason": "=1+1"})
    clock.advance(3)
    assert desk.progress().read == 7
    text = browser.get(results).text
    assert names[0] in text
    rows = [*csv.DictReader(io.StringIO(browser.get(f"{START}/answers.csv").text))]
    assert len(rows) == 14
    assert {r["answer"] for r in rows} == {answer_of(0)}
    assert {r["reason"] for r in rows} == {"'=1+1"}, "no spreadsheet takes it for a formula"
    assert rows == sorted(rows, key=lambda r: r["ballot"])
    assert not [r for r in rows if "a-1" in r.values()]


def test_counting_along_compares_with_machine_and_people(browser: TestClient, desk: Desk) -> None:
    assert "a-1" in browser.get(f"{START}/along").text
    page = browser.get(f"{START}/along/a-1").text
    assert page.count('type="number"') == 6
    form = {f"n-{c.id}": str(n) for n, c in enumerate(STYLE.choices)}
    form |= {
        "mark": field(page, "mark"),
        "style": STYLE.id,
        "ticks": '[[1.23,"choice-1"],["x",2],7]',
        "n-invalid:": "1",
    }
    compared = browser.post(f"{START}/along/a-1", data=form | {"keep": "1"}).text
    first = compared.split(STYLE.choices[1].names.en)[1].split("</tr>")[0]
    assert re.findall(r"<td>([^<]*)</td>", first) == ["1", "1", "1–3"], "you, the machine, machine and people"
    assert next(iter(desk.store.along("a-1"))).ticks.count('[1.2, "choice-1"]') == 1
    browser.post(f"{START}/along/a-1", data=form)
    assert len([*desk.store.along("a-1")]) == 1, "kept only where it is wished"
    for wrong in ({"n-choice-1": "-1"}, {"n-choice-1": "1e3"}, {"n-choice-1": "9999999"}, {"ticks": "[", "keep": "1"}):
        assert browser.post(f"{START}/along/a-1", data=form | wrong).status_code == 400


def test_a_film_is_sent_in_parts_and_only_to_whom_it_is_shown(
    browser: TestClient, home: Path, clock: ManualClock, tmp_path: Path
) -> None:
    part = browser.get(f"{START}/along/a-1/film", headers={"range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, bytes(range(256)))
    assert browser.get(f"{START}/along/nowhere/film").status_code == 404
    app = create_shell(TEMPLATES)
    closed = make_desk(home, clock, database=f"sqlite:///{tmp_path / 'closed.sqlite'}", films="accredited")
    app.include_router(people_router(closed))
    stranger = TestClient(app)
    stranger.get(READ)
    assert stranger.get(f"{START}/along/a-1/film").status_code == 404
    assert stranger.get(f"{START}/along/a-1").status_code == 404
    enter_code(stranger)
    assert stranger.get(f"{START}/along/a-1/film").status_code == 200


@pytest.mark.parametrize("path", ["", "/read", "/results", "/along"])
def test_an_empty_recount_is_explained(tmp_path: Path, clock: ManualClock, path: str) -> None:
    app = create_shell(TEMPLATES)
    app.include_router(people_router(make_desk(tmp_path, clock, seed="")))
    page = TestClient(app).get(f"{START}{path}")
    assert page.status_code == 200
    assert path or "No seed has been drawn" in page.text


def test_many_counts_are_shown_page_by_page(browser: TestClient, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr(people_pages, "COUNTS_SHOWN", 1)
    desk.counts["b-2"] = desk.counts["a-1"]
    desk.board.add(
        [replace(desk.board.item(i), id=f"{n:016x}", count="b-2") for n, i in enumerate(desk.board._ballots)]
    )
    first, last = (browser.get(f"{START}/results?page={n}").text for n in (1, 2))
    assert ("<h3>a-1</h3>" in first, "<h3>b-2</h3>" in first) == (True, False)
    assert ("<h3>a-1</h3>" in last, "<h3>b-2</h3>" in last) == (False, True)
    for odd in ("0", "-1", "9999999", "x", "٣", ""):
        assert browser.get(f"{START}/results?page={odd}").status_code == 200
