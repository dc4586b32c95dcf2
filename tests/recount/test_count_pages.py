"""The pages of counts: completeness at once, figures when nobody reads any more, never a ballot by number."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.recount.people.lab import make_desk, make_recount, reading

from aigaq.base import LANGUAGES, ManualClock
from aigaq.recount import TEMPLATES, count_router
from aigaq.recount.model import Outcome, Why
from aigaq.recount.pages import PROTOCOL
from aigaq.web import create_shell

CLAIMS = "format = 1\n[contests.party-list]\nballots = 9\n[contests.party-list.votes]\nchoice-2 = 0\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One count that the machine read alone, and one with a ballot for people."""
    machine = [reading(n, 1) for n in (1, 2, 3)]
    mixed = [reading(1, 0), reading(2, None, outcome=Outcome.HUMAN, why=(Why.HIDDEN,))]
    return make_recount(tmp_path, {"0101": machine, "0102": mixed})


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    desk = make_desk(home, ManualClock(), audit_share=1e-9)
    app = create_shell(TEMPLATES)
    app.include_router(count_router(desk))
    with TestClient(app) as visitor:
        yield visitor
    desk.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_names_every_count(client: TestClient, language: str) -> None:
    page = client.get(f"/{language}/recount")
    assert page.status_code == 200
    assert f'href="/{language}/recount/0101"' in page.text
    assert f'href="/{language}/recount/0102"' in page.text


def test_figures_stand_where_nobody_reads_any_more(client: TestClient) -> None:
    page = client.get("/en/recount/0101").text
    assert "No protocol was given" in page
    assert 'class="tally"' in page
    assert page.index("No protocol was given") < page.index('class="tally"')


def test_figures_wait_while_people_read(client: TestClient) -> None:
    page = client.get("/en/recount/0102").text
    assert 'class="tally"' not in page
    assert "Figures by choice appear when people have read the last 1 ballot," in page


def test_no_ballot_is_told_by_its_number(client: TestClient) -> None:
    page = client.get("/en/recount/0101").text
    assert "<details" not in page
    assert "No. " not in page


def test_the_protocol_beside_the_reading_is_compared(client: TestClient, home: Path) -> None:
    (home / "counts" / "0101" / PROTOCOL).write_text(CLAIMS)
    page = client.get("/en/recount/0101").text
    assert "6 ballots of the protocol were not shown." in page
    assert "<strong>−3</strong>" in page


def test_a_wrong_protocol_is_told_and_hides_nothing_else(client: TestClient, home: Path) -> None:
    (home / "counts" / "0101" / PROTOCOL).write_text("format = 9")
    page = client.get("/en/recount/0101")
    assert "recount.claims" in page.text
    assert client.get("/en/recount/0102").status_code == 200


def test_a_count_that_is_not_there(client: TestClient) -> None:
    assert client.get("/en/recount/0199").status_code == 404
    assert client.get("/en/recount/..%2f..").status_code == 404
