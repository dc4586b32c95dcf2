"""`[recount]` of `center.toml`, and what the centre serves with it."""

from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.archive.box import Center

from aigaq.app.center import center_pages
from aigaq.base import SettingsError, SystemClock
from aigaq.election import example_register
from aigaq.recount import RecountSettings, load_recount_settings
from aigaq.simulator.ballots import make_style, write_style


def test_the_section_is_read_beside_the_centres(tmp_path: Path):
    path = tmp_path / "center.toml"
    path.write_text('[center]\nlog_domain = "example.org"\n[recount]\nedit = true\nfolder = "count"\n')
    found = load_recount_settings(path)
    assert (found.edit, found.folder) == (True, tmp_path / "count")
    path.write_text('[center]\nlog_domain = "example.org"\n')
    assert not load_recount_settings(path).edit
    path.write_text("[recount]\nedits = true\n")
    with pytest.raises(SettingsError, match="perhaps edit"):
        load_recount_settings(path)


async def test_the_editor_is_served_only_where_it_is_switched_on(tmp_path: Path):
    write_style(make_style("referendum"), tmp_path / "recount" / "styles")
    centre = Center(tmp_path / "center", SystemClock(), register=example_register(date(2031, 3, 16)))
    async with centre.open() as archive:
        for edit, status in ((False, 404), (True, 200)):
            pages = center_pages(archive, RecountSettings(folder=tmp_path / "recount", edit=edit))
            client = TestClient(pages, base_url="http://localhost", client=("127.0.0.1", 4000))
            assert client.get("/en/recount/styles/referendum").status_code == status
            assert '<a href="/en/recount" aria-current="page">Recount</a>' in client.get("/en/recount").text
            assert '<a href="/kk/recount" >Қайта санау</a>' in client.get("/kk/check").text
