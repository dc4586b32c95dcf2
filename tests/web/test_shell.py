import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from aigaq.base import LANGUAGES


def test_root_leads_to_the_readers_language(client):
    answer = client.get("/?q=1", headers={"accept-language": "kk"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/kk/?q=1")
    assert "Accept-Language" in answer.headers["vary"]


def test_page_of_a_room_stands_in_the_layout(client):
    html = client.get("/ru/page?n=5&text=x").text
    assert '<html lang="ru">' in html
    assert "5 избирательных участков" in html
    assert "15.03.2026 09:42:07 UTC+5" in html
    assert 'href="/kk/page?n=5&amp;text=x"' in html


@pytest.mark.parametrize(
    ("n", "words"), [(1, "1 избирательный участок"), (3, "3 избирательных участка"), (11, "11 избирательных участков")]
)
def test_counted_words_agree(client, n, words):
    assert words in client.get(f"/ru/page?n={n}").text


def test_text_is_escaped(client):
    html = client.get("/en/page", params={"text": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_every_answer_carries_the_security_headers(client):
    for path in ("/", "/en/page", "/en/nothing", "/api/v1/nothing", "/static/nothing.js", "/en/broken", "/robots.txt"):
        headers = client.get(path, follow_redirects=False).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers


def test_https_is_remembered(shell):
    answer = TestClient(shell, base_url="https://testserver").get("/en/page")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_templates_hold_no_inline_script_or_style():
    root = Path(__file__).parents[2] / "src" / "aigaq"
    templates = [path for room in ("web", "archive") for path in (root / room / "templates").glob("*.html")]
    assert len(templates) >= 5
    for template in templates:
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:", text), template
        assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", text)), template


@pytest.mark.parametrize("language", LANGUAGES)
def test_missing_page_is_told_in_the_language_of_the_address(client, language):
    answer = client.get(f"/{language}/nothing")
    assert answer.status_code == 404
    assert f'lang="{language}"' in answer.text
    assert "web.not_found" in answer.text


def test_fault_of_ours_tells_no_secret(client):
    page, told = client.get("/en/broken"), client.get("/api/v1/broken").json()
    assert page.status_code == 500
    assert "secret" not in page.text + str(told)
    assert "fault on our side" in page.text
    assert told["code"] == "web.internal"


def test_programs_get_json_in_their_language(client):
    told = client.get("/api/v1/nothing", headers={"accept-language": "ru"}).json()
    assert set(told) == {"code", "where", "why", "hint"}
    assert told["why"] == "По этому адресу нет страницы."
    asked = client.get("/en/nothing", headers={"accept": "application/json"})
    assert asked.json()["code"] == "web.not_found"


def test_wrong_verb_is_405(client):
    answer = client.delete("/en/page", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (405, "web.method_not_allowed")


def test_unreadable_parameter_names_itself(client):
    answer = client.get("/en/page?n=many")
    assert answer.status_code == 400
    assert "query.n" in answer.text


def test_description_of_the_interface_is_public_but_pulls_nothing_from_elsewhere(client):
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Aigaq"
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404
