import asyncio
import gzip
import json
import re

import pytest

from aigaq.web import Assets, AssetsMissingError
from aigaq.web.assets import BUILT


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"style.css": "style-AB.css"}))
    (tmp_path / "style-AB.css").write_text("p{}")
    (tmp_path / "style-AB.css.gz").write_bytes(gzip.compress(b"p{}"))
    (tmp_path / "font.woff2").write_bytes(b"wOF2")
    return tmp_path


async def ask(assets, path, method="GET", **headers):
    sent = []

    async def send(message):
        sent.append(message)

    encoded = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    await assets({"type": "http", "path": path, "method": method, "headers": encoded}, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_names_never_grow_old(folder):
    assets = Assets.load(folder)
    status, headers, body = await ask(assets, assets.url("style.css"))
    assert (status, body) == (200, b"p{}")
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert headers[b"content-type"] == b"text/css; charset=utf-8"


async def test_compressed_copies_go_to_those_who_take_them(folder):
    assets = Assets.load(folder)
    for accepted, coding in (("gzip, deflate", b"gzip"), ("br;q=1.0, gzip", b"gzip"), ("gzip;q=0", None), ("", None)):
        _, headers, body = await ask(assets, "/static/style-AB.css", accept_encoding=accepted)
        assert headers.get(b"content-encoding") == coding
        assert (gzip.decompress(body) if coding else body) == b"p{}"
    assert (await ask(assets, "/static/font.woff2", accept_encoding="gzip"))[2] == b"wOF2"


async def test_head_has_the_length_and_no_body(folder):
    status, headers, body = await ask(Assets.load(folder), "/static/style-AB.css", "HEAD")
    assert (status, headers[b"content-length"], body) == (200, b"3", b"")


async def test_other_verbs_are_refused(folder):
    assert (await ask(Assets.load(folder), "/static/style-AB.css", "POST"))[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/manifest.json",
        "/static/../style-AB.css",
        "/static/a/style-AB.css",
        "/static/%2e%2e/x",
        "/static/style-AB.css.gz",
    ],
)
async def test_only_listed_names_are_served(folder, path):
    assert (await ask(Assets.load(folder), path))[0] == 404


def test_missing_build_says_what_to_do(tmp_path):
    with pytest.raises(AssetsMissingError) as caught:
        Assets.load(tmp_path)
    assert "tools/build_ui.py build" in str(caught.value)


def test_broken_manifest_counts_as_missing(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(AssetsMissingError):
        Assets.load(tmp_path)


def test_the_real_build_is_whole():
    """Every name in the manifest and every address in the style sheet is there, with compressed copies of text."""
    names = json.loads((BUILT / "manifest.json").read_text())
    assert {"main.js", "station.js", "style.css", "mark.svg", "licences.txt"} <= set(names)
    for name in names.values():
        assert (BUILT / name).is_file()
        assert (BUILT / f"{name}.br").is_file()
    style = (BUILT / names["style.css"]).read_text()
    fonts = re.findall(r"url\(([^)]+)\)", style)
    assert fonts
    for font in fonts:
        assert font.startswith("#") or (BUILT / font.strip('"').removeprefix("./")).is_file()
    assert "SIL OPEN FONT LICENSE" in (BUILT / names["licences.txt"]).read_text().upper()


async def test_many_readers_at_once(folder):
    assets = Assets.load(folder)
    answers = await asyncio.gather(*(ask(assets, "/static/style-AB.css") for _ in range(50)))
    assert {status for status, _, _ in answers} == {200}
