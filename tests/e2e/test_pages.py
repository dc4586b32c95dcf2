"""Every page in every language: whole, translated, readable, without complaint from the browser."""

import itertools
import json
import re
from pathlib import Path

import pytest

from aigaq.base import LANGUAGES

STATION = "station/example-001"
EMPTY = "station/example-003"
PAGES = ["", "check", "proof", STATION, EMPTY, "?q=zzz", "no/such/page"]
LATIN = {
    "English",
    "Eng",
    "packages",
    "SHA",
    "verify",
    "JavaScript",
    "JSON",
    "UTC",
    "Shift",
    "Page",
    "down",
    "Space",
    "policy",
    "txt",
}
"""Names that stand on keys, in formats and in the switch of languages."""
CONSOLE_404 = "Failed to load resource"

PROBES = Path(__file__).with_name("probes.js").read_text(encoding="utf-8")


def probe(page, name: str):
    """Ask the page about itself; see probes.js."""
    return page.evaluate(f"({PROBES.strip()}).{name}()")


def english_words(texts: list[str]) -> list[str]:
    """Words in Latin letters that neither Kazakh nor Russian has."""
    return [
        word
        for text in texts
        if not text.startswith("/")
        for word in re.findall("[A-Za-z]{3,}", text)
        if word not in LATIN
    ]


@pytest.mark.peer
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_page_is_whole_and_speaks_its_language(visitor, path, language):
    page = visitor.open(f"/{language}/{path}", width=390)
    page.wait_for_load_state("load")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways at phone width"
    if language != "en":
        assert english_words(probe(page, "texts")) == []
    if path in {"no/such/page", EMPTY}:
        assert all(CONSOLE_404 in complaint for complaint in visitor.complaints)
        visitor.complaints.clear()


@pytest.mark.peer
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_moment_leads_to_its_proof_and_back(visitor, centre, language):
    page = visitor.open(f"/{language}/proof?station=1&t={centre.first_ms + 5000}", width=390)
    assert page.locator(".proof").count() == 5, "one for each camera"
    if language != "en":
        assert english_words(probe(page, "texts")) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert probe(page, "faint") == []
    digest = page.locator(".proof dd code").first.inner_text()
    page.locator("#q").fill(digest)
    page.locator("form button").first.click()
    page.wait_for_url(f"**/proof?q={digest}")
    assert page.locator(".proof").count() == 1
    page.locator('.proof dd a[href^="?q="]').click()
    page.wait_for_url("**/proof?q=*")
    assert page.locator(".proof code", has_text="example-001").count() >= 1
    proof = page.locator(".proof a", has_text="proof").get_attribute("href")
    assert page.request.get(proof).text().startswith("c2sp.org/tlog-proof@v1\n")


@pytest.mark.peer
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=xyz", "64 hexadecimal digits"),
        (f"q={'0' * 64}", "nothing with this name"),
        ("q=999999999", "nothing with this name"),
        ("station=nowhere&t=2027-01-10T10:00", "no polling station nowhere"),
        ("station=1&t=noon", "not a time"),
        ("station=1&t=1999-01-01T00:00", "no footage"),
    ],
)
def test_a_proof_that_is_not_found_is_explained(visitor, query, words):
    page = visitor.open(f"/en/proof?{query}")
    assert words in page.locator("[role=status]").inner_text()
    assert page.locator(".proof").count() == 0
    assert CONSOLE_404 in visitor.complaints.pop(0)


@pytest.mark.peer
def test_pages_say_how_well_the_log_is_witnessed(visitor):
    for path in ("proof", "check", STATION):
        page = visitor.open(f"/en/{path}")
        assert page.get_by_text("by 1 of 1 witnesses").count() == 1
    page = visitor.open("/en/check")
    with page.expect_download() as download:
        page.locator("main a[href='/verifier.html']").click()
    assert download.value.suggested_filename == "verifier.html"


@pytest.mark.peer
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "check", "proof", STATION])
def test_page_is_accessible(visitor, path, scheme):
    page = visitor.open(f"/ru/{path}", color_scheme=scheme)
    if path == STATION:
        page.locator(".keys summary").click()
    assert probe(page, "nameless") == []
    assert probe(page, "faint") == []
    assert probe(page, "small") == []
    order = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert order[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(order))


@pytest.mark.peer
def test_zoom_to_200_percent_loses_nothing(visitor):
    page = visitor.open(f"/kk/{STATION}", width=640)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.peer
def test_language_switch_keeps_page_and_query(visitor):
    page = visitor.open("/ru/?q=школа&kind=ordinary")
    page.get_by_role("link", name="Қазақша").click()
    page.wait_for_url("**/kk/?q=*&kind=ordinary")
    assert page.locator("#q").input_value() == "школа"
    assert page.locator("tbody tr").count() == 1


@pytest.mark.peer
def test_language_is_chosen_by_the_browser_at_the_root(visitor):
    assert visitor.open("/", locale="kk-KZ").url.endswith("/kk/")
    assert visitor.open("/?q=1", locale="en-GB").url.endswith("/en/?q=1")
    assert visitor.open("/", locale="de-DE").url.endswith("/ru/")


@pytest.mark.peer
def test_list_answers_while_one_types(visitor):
    page = visitor.open("/en/")
    assert page.locator("tbody tr").count() == 3
    page.locator("#q").press_sequentially("hospital")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
    assert page.url.endswith("q=hospital&territory=&kind=")
    assert page.evaluate("document.activeElement.id") == "q", "focus stays where one types"
    page.locator("#q").fill("zzz")
    page.get_by_text("No polling station fits").wait_for()


@pytest.mark.peer
def test_list_shows_coverage_and_states_in_words(visitor):
    page = visitor.open("/en/")
    assert page.locator(".figures").inner_text().split("\n")[:2] == ["stations with footage", "2 of 3"]
    first, second, third = (page.locator("tbody tr").nth(i) for i in range(3))
    while first.locator("[data-state=live]").count() != 5:
        page.reload()  # a machine that is busy is late, and the page says so
    assert "silent, no reason given" in second.inner_text()
    assert third.inner_text().count("nothing received yet") == 5


@pytest.mark.peer
def test_first_page_is_light(visitor):
    page = visitor.open("/kk/")
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        """() => [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]
        .filter((e) => !new URL(e.name).pathname.startsWith('/media/')).map((e) => [e.name, e.transferSize])"""
    )
    assert sum(size for _, size in sizes) < 150_000, json.dumps(sizes, indent=1)
    assert all(name.startswith(page.url.split("/kk/")[0]) for name, _ in sizes), "nothing comes from elsewhere"


@pytest.mark.peer
def test_what_a_stranger_types_is_only_text(visitor):
    page = visitor.open("/en/?q=<script>alert(1)</script>&territory='\"><img src=x onerror=alert(1)>&kind=x&page=-1")
    assert page.locator("#q").input_value() == "<script>alert(1)</script>"
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.peer
@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"{STATION}?t=yesterday", 400, "“yesterday” is not a time."),
        (f"{STATION}?t=99999999999999999999", 400, "is not a time."),
        (f"{STATION}?camera=attic", 404, "attic"),
        ("station/..%2F..%2Fetc", 404, "no page"),
        ("station/nowhere", 404, "nowhere"),
        (f"{STATION}/clip?camera=box&from=2026-01-02T00:00&to=2026-01-01T00:00", 400, "ends before it begins"),
        (f"{STATION}/clip?camera=box", 400, "from"),
    ],
)
def test_bad_addresses_are_explained(visitor, path, status, words):
    page = visitor.open("/en/check")
    answer = page.goto(f"/en/{path}")
    assert answer.status == status
    assert words in page.locator("main").inner_text()
    assert page.get_by_role("link", name="All polling stations").count() == 1
    assert CONSOLE_404 in visitor.complaints.pop(0)
