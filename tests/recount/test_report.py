"""The report: one file, no script, completeness first; the public one tells nobody's ballot."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.conftest import peer
from tests.recount.truth_folder import folder_of_truth, truth

from aigaq.base import LANGUAGES, Language
from aigaq.recount.errors import ClaimsError, FolderPictureError
from aigaq.recount.files import ballot_folder
from aigaq.recount.model import Count
from aigaq.recount.people.model import Answer, Because, Kind, PeopleReading, Status
from aigaq.recount.report import Told, report_html
from aigaq.recount.tally import Claimed

FILM = truth("1", "2", "several", "hidden", "1=0", "back", "other", None, "3")
NONE = Told({})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Count]:
    folder = tmp_path_factory.mktemp("report") / "reading"
    return folder, folder_of_truth(FILM, folder)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Page]:
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=peer("chromium"))
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_one_file_without_script_or_address(made: tuple[Path, Count], language: Language) -> None:
    html = report_html(*made, NONE, language=language)
    assert f'<html lang="{language}">' in html
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert html.count('class="ballot"') == 9
    assert html == report_html(*made, NONE, language=language), "the same folder gives the same report"


def test_completeness_stands_before_any_figure(made: tuple[Path, Count]) -> None:
    html = report_html(*made, Told({}, claimed=[Claimed("party-list", 12, 1, {"choice-1": 1})]), language="en")
    assert "3 ballots of the protocol were not shown." in html
    assert html.index("were not shown") < html.index('class="tally"')


def test_people_and_protocol_stand_beside_the_machine(made: tuple[Path, Count]) -> None:
    answer = Answer(Kind.CHOICE, "party-list", "choice-2")
    people = [
        PeopleReading(1, Status.AGREED, answer, Because.AUDIT, 2, 2, Answer(Kind.CHOICE, "party-list", "choice-1"))
    ]
    html = report_html(*made, Told({}, people, [Claimed("party-list", votes={"choice-2": 0})]), language="en")
    assert "machine: choice-1, people: choice-2" in html
    assert "People: choice-2" in html
    assert "<strong>−2</strong>" in html


def test_names_are_escaped(tmp_path: Path) -> None:
    film = truth("1")
    film["film"]["file"] = '<img src=x onerror=alert(1)>"'
    count = folder_of_truth(film, tmp_path / "x")
    assert "<img src=x" not in report_html(tmp_path / "x", count, NONE, language="en")


def test_the_public_report_tells_no_time_no_sheet_and_no_order(made: tuple[Path, Count]) -> None:
    full = report_html(*made, NONE, language="en")
    public = report_html(*made, NONE, language="en", public_key=b"secret")
    assert 'class="sheet"' in full
    assert 'class="sheet"' not in public
    assert "0:00:04.5" in full
    assert "0:00:04.5" not in public
    assert "No. 3" not in public
    assert public.count('class="ballot"') == 9
    named = re.findall(r'class="ballot" id="ballot-([0-9a-f]{8})"', public)
    assert named == sorted(named)
    other = re.findall(r'id="ballot-([0-9a-f]{8})"', report_html(*made, NONE, language="en", public_key=b"another"))
    assert not set(named) & set(other)


def test_an_empty_count_says_what_to_look_for(tmp_path: Path) -> None:
    count = folder_of_truth(truth(), tmp_path / "x")
    html = report_html(tmp_path / "x", count, NONE, language="en")
    assert "No ballot was found in this film." in html


def test_a_protocol_of_another_contest_is_refused(made: tuple[Path, Count]) -> None:
    with pytest.raises(ClaimsError):
        report_html(*made, Told({}, claimed=[Claimed("mayor", 3)]), language="en")


def test_a_picture_that_is_none_is_told(tmp_path: Path) -> None:
    count = folder_of_truth(truth("1"), tmp_path / "x")
    (ballot_folder(tmp_path / "x", 1) / "sheet.png").write_bytes(b"no picture")
    with pytest.raises(FolderPictureError, match=r"sheet\.png"):
        report_html(tmp_path / "x", count, NONE, language="en")


@pytest.mark.peer
@pytest.mark.parametrize("width", [1440, 390])
def test_in_a_browser(made: tuple[Path, Count], tmp_path: Path, chromium: Page, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_html(*made, NONE, language="kk"), encoding="utf-8")
    said: list[str] = []
    chromium.on("console", lambda message: said.append(message.text))
    chromium.set_viewport_size({"width": width, "height": 900})
    chromium.goto(path.as_uri())
    assert chromium.evaluate("document.documentElement.scrollWidth") == width
    assert chromium.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    visible = ".ballot:visible"
    assert chromium.locator(visible).count() == 9
    chromium.locator("label[for=show-flagged]").click()
    assert chromium.locator(visible).count() == 2
    chromium.locator("#show-human").press("ArrowRight")
    chromium.locator("label[for=show-human]").click()
    assert chromium.locator(visible).count() == 3
    chromium.goto(f"{path.as_uri()}#ballot-1")
    assert chromium.locator("#ballot-1").is_visible(), "a link leads to its ballot whatever is filtered"
    assert said == []
