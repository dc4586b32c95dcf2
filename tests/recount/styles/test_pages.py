"""The editor: a form that works without a script, and answers this machine alone."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.recount import TEMPLATES, load_style, style_router
from aigaq.recount.styles import find_layout
from aigaq.recount.styles.checking import Problems
from aigaq.recount.styles.form import Form, form_of, problems_of, read_form, style_of_form, with_found, with_row
from aigaq.simulator.ballots import draw_ballot, make_style
from aigaq.web import create_shell

HERE = ("127.0.0.1", 50000)
STYLE = make_style("referendum")
PAGE = "/en/recount/styles/referendum"


def client_of(folder: Path, client: tuple[str, int] = HERE) -> TestClient:
    app = create_shell(TEMPLATES)
    app.include_router(style_router(folder))
    return TestClient(app, base_url="http://127.0.0.1:8090", client=client, follow_redirects=False)


@pytest.fixture
def home(tmp_path: Path, written) -> Path:
    return written("referendum", tmp_path)


@pytest.fixture
def client(home: Path) -> TestClient:
    return client_of(home.parent)


def sent(form: Form, **more: str) -> dict[str, str]:
    rows = {f"{n}.{key}": value for n, row in enumerate(form.rows, 1) for key, value in row.items()}
    return {**form.head, **rows, **more}


def post(client: TestClient, fields: dict[str, str], **headers: str):
    body = urlencode(fields).encode()
    return client.post(PAGE, content=body, headers={"content-type": "application/x-www-form-urlencoded", **headers})


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_pages_of_a_style(client, language):
    listed = client.get(f"/{language}/recount/styles")
    assert listed.status_code == 200
    assert f"/{language}/recount/styles/referendum" in listed.text
    page = client.get(f"/{language}/recount/styles/referendum")
    assert page.status_code == 200
    assert page.headers["content-language"] == language
    assert 'name="2.box.x" value="176.5"' in page.text
    assert STYLE.choices[0].names.kk in page.text
    blank = client.get("/en/recount/styles/referendum/blank.png")
    assert blank.content[:4] == b"\x89PNG"


def test_no_styles_yet(tmp_path):
    page = client_of(tmp_path).get("/en/recount/styles")
    assert page.status_code == 200
    assert "aigaq recount style make" in page.text


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e%2fetc", "x" * 400])
def test_a_style_that_is_not_there(client, name):
    assert client.get(f"/en/recount/styles/{name}").status_code == 404


def test_saving_changes_the_style_and_keeps_the_former(client, home):
    before = load_style(home)
    fields = sent(form_of(STYLE), sha256=before.sha256, action="save")
    fields |= {"1.box.x": "175,5", "2.kk": "Жоқ", "endorsements": "2"}
    answer = post(client, fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?saved=1")
    after = load_style(home).style
    assert (after.choices[0].box.x, after.choices[1].names.kk, after.endorsements) == (175.5, "Жоқ", 2)
    assert load_style(home.parent / "former" / before.sha256).style == STYLE
    again = post(client, fields)
    assert again.status_code == 422
    assert "meanwhile" in again.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"1.box.x": "500"}, "Row 1, Box"),
        ({"1.box.x": "-3"}, "Row 1, Box"),
        ({"2.ru": " "}, "Row 2, Name, ru"),
        ({"2.id": "choice-1"}, "Row 2, Identifier"),
        ({"colour": "<script>"}, "Colour of the paper"),
        ({"endorsements": "many"}, "Signatures that make a ballot valid"),
        ({"1.drop": "1"}, "Choices"),
        ({"1.drop": "1", "2.drop": "1"}, "Choices"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_saved(client, home, change, told):
    before = load_style(home)
    answer = post(client, {**sent(form_of(STYLE), sha256=before.sha256, action="save"), **change})
    assert answer.status_code == 422
    assert f"<li>{told}" in answer.text
    assert "<script>" not in answer.text
    assert load_style(home).sha256 == before.sha256


def test_boxes_are_found_again_and_names_stay(client, home):
    form = form_of(STYLE)
    fields = sent(form, sha256="", action="find") | {"1.box.x": "3", "1.kk": "Өзгерген"}
    page = post(client, fields).text
    assert "2 boxes found" in page
    assert 'value="Өзгерген"' in page
    assert 'name="1.box.x" value="176.5"' in page
    assert load_style(home).style == STYLE


def test_a_row_more_and_a_row_less(client):
    fields = sent(form_of(STYLE), sha256="", action="add")
    page = post(client, fields).text
    assert 'name="3.box.y" value="134.75"' in page
    assert 'name="3.id" value="choice-3"' in page
    fewer = post(client, fields | {"action": "", "1.drop": "1"}).text
    assert f'name="1.ru" value="{STYLE.choices[1].names.ru}"' in fewer
    assert 'name="2.ru"' not in fewer


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "example.org"},
        {"host": "127.0.0.1.example.org"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 proxy"},
        {"origin": "https://example.org"},
        {"origin": "null"},
    ],
)
def test_the_editor_answers_this_machine_alone(client, home, headers):
    before = load_style(home).sha256
    fields = sent(form_of(STYLE), sha256=before, action="save") | {"colour": "pink"}
    assert post(client, fields, **headers).status_code == 403
    assert client.get(PAGE, headers=headers).status_code == 403
    assert client.get(f"{PAGE}/blank.png", headers=headers).status_code == 403
    assert load_style(home).sha256 == before


def test_a_visitor_from_the_network_is_refused(home):
    assert client_of(home.parent, ("192.0.2.7", 4000)).get(PAGE).status_code == 403
    assert client_of(home.parent, ("::1", 4000)).get(PAGE).status_code == 200


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%FF", b"x" * 400_000, b"nothing"])
def test_what_is_no_form_is_refused(client, body):
    answer = client.post(PAGE, content=body, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "recount.style_form")


# The form by itself

TEXT = st.text(max_size=12) | st.sampled_from(["1", "12,5", "176.5", "0", "choice-1", "1e9", "nan", "-1"])
KEYS = st.sampled_from(sorted(sent(form_of(STYLE)))) | st.from_regex(r"\d{1,3}\.(box|row)\.[xywh]", fullmatch=True)


def test_a_style_comes_back_from_its_form():
    for contest in ("referendum", "party-list"):
        style = make_style(contest, choices=0 if contest == "referendum" else 20)
        problems = Problems()
        assert style_of_form(read_form(sent(form_of(style))), style, problems) == style
        assert not problems.found


@given(st.dictionaries(KEYS, TEXT, max_size=12))
@settings(max_examples=80)
def test_any_form_becomes_a_style_or_tells_why_not(changes):
    form = read_form(sent(form_of(STYLE)) | changes)
    problems = Problems()
    style = style_of_form(form, STYLE, problems)
    if not problems.found:
        problems_of(style, problems)
    assert problems.found or len(style.choices) >= 2
    assert len(with_row(form, STYLE.size_mm).rows) == len(form.rows) + 1


def test_found_boxes_take_the_names_that_are_there_and_number_the_rest():
    layout = find_layout(draw_ballot(make_style("maslikhat-city", choices=4)))
    found = with_found(form_of(STYLE), layout)
    assert [row["id"] for row in found.rows] == ["choice-1", "choice-2", "choice-3", "choice-4"]
    assert [row["ru"] for row in found.rows] == [*(c.names.ru for c in STYLE.choices), "3", "4"]
