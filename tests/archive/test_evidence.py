"""Evidence packages, judged by the standalone verifier and by the tools of others."""

import asyncio
import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest
from archive_box import START
from tests.proof_lab import proven
from typer.testing import CliRunner

from aigaq.archive import StreamKey
from aigaq.archive.bag import Bag
from aigaq.archive.evidence_cli import evidence_app
from aigaq.archive.tokens import tokens_for
from aigaq_verify import Proof, decode_leaf, leaf_hash, parse_policy

PACKAGE = "/api/v1/stations/example-001/evidence.zip"


@pytest.fixture
def center(watched):
    """Packages are about witnesses too."""
    return watched


@pytest.fixture
async def ready(uplink, center):
    """Two cameras with 24 s of footage and a gap in it, sealed and witnessed piece by piece."""
    await uplink.init()
    box = uplink.box
    # Before the box knew any witness: a gap that is open first, then told again with its end.
    await uplink.send_all([box.gap(START - 4000, end) for end in (None, START)])
    await center.feed()
    await uplink.witnessed()
    for start in range(0, 24_000, 8000):
        for camera in ("desk", "box"):
            await uplink.send_all(box.segments(START + start, 3 if start == 8000 else 4, camera))
            if start == 8000:
                await uplink.send_all([box.gap(START + 14_000, START + 16_000, camera=camera)])
        center.clock.advance(8)
        assert (await uplink.checkpoint()).status_code == 200
        await center.feed()
        await uplink.witnessed()
    return uplink


def span(start, end, **more):
    return {"from": START + start, "to": START + end, "stream": "sub"} | more


async def fetched(ready, tmp_path, **wanted):
    answer = await ready.http.get(PACKAGE, params=wanted)
    assert answer.status_code == 200, answer.text
    (tmp_path / "package.zip").write_bytes(answer.content)
    (tmp_path / "policy.txt").write_bytes((await ready.http.get("/policy.txt")).content)
    return zipfile.ZipFile(tmp_path / "package.zip")


async def judged(tmp_path):
    command = ["-m", "aigaq_verify", tmp_path / "package.zip", "--trust", tmp_path / "policy.txt", "--json"]
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, *command], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_package_of_all_cameras_verifies(ready, tmp_path):
    package = await fetched(ready, tmp_path, **span(18_000, 22_000))
    code, report = await judged(tmp_path)
    assert code == 0, report
    assert len(report["clips"]) == 2
    names = set(package.namelist())
    wanted = ["README.txt", "policy.txt", "gaps.json", "custody.json", "verifier.html", "certificates/example-001.der"]
    assert {f"data/{name}" for name in wanted} | {"bagit.txt", "bag-info.txt"} <= names
    assert sum(n.startswith("data/clips/desk-sub/segments/") for n in names) == 2
    assert sum(n.startswith("data/clips/desk-sub/records/") for n in names) == 14
    readme = package.read("data/README.txt").decode()
    assert all(f"({language})" in readme for language in ("қазақша", "на русском", "in English"))
    answer = await ready.http.get(PACKAGE, params=span(18_000, 22_000))
    assert answer.headers["content-disposition"].endswith('-evidence.zip"')


async def test_other_tools_read_the_bag(ready, tmp_path):
    package = await fetched(ready, tmp_path, **span(18_000, 22_000))
    package.extractall(tmp_path / "bag")
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        await tool("sha256sum", "--check", "--strict", "--quiet", manifest, cwd=tmp_path / "bag")
    assert package.read("bagit.txt") == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    info = dict(line.split(": ", 1) for line in package.read("bag-info.txt").decode().splitlines())
    payload = [i for i in package.infolist() if i.filename.startswith("data/")]
    assert info["Payload-Oxum"] == f"{sum(i.file_size for i in payload)}.{len(payload)}"
    assert info["Bagging-Date"] == "2027-01-10"
    certificate = tmp_path / "bag/data/certificates/example-001.der"
    assert "example-001" in await tool("openssl", "x509", "-inform", "DER", "-in", certificate, "-noout", "-subject")


async def tool(*words, **options):
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True, **options)
    return done.stdout


async def test_gaps_and_silence_around_the_interval_are_told(ready, tmp_path):
    package = await fetched(ready, tmp_path, **span(18_000, 22_000, camera="desk"))
    gaps = json.loads(package.read("data/gaps.json"))
    assert (gaps["from_ms"], gaps["to_ms"]) == (START + 18_000 - 600_000, START + 22_000 + 600_000)
    [stream] = gaps["streams"]
    told = [(s["state"], s["from_ms"] - START, s["cause"]) for s in stream["spans"]]
    assert ("gap", 14_000, "no_rtp") in told
    assert not any(s["state"] == "recorded" for s in stream["spans"])
    package = await fetched(ready, tmp_path, **span(10_000, 22_000, camera="desk"))
    assert (await judged(tmp_path))[0] == 3


async def test_each_export_is_in_the_log_and_in_the_custody_of_the_next(ready, tmp_path):
    for count in (1, 2):
        package = await fetched(ready, tmp_path, **span(18_000, 22_000, camera="box"))
        events = json.loads(package.read("data/custody.json"))["events"]
        assert [e["action"] for e in events] == ["export"] * count
    trusted = parse_policy((await ready.http.get("/policy.txt")).content).logs
    for event in events:
        data = base64.b64decode(event["leaf"])
        leaf, proof = decode_leaf(data), Proof.parse(event["proof"].encode())
        detail = json.dumps(event["detail"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert leaf["detail_hash"] == hashlib.sha256(detail.encode()).digest()
        assert proof.index == event["index"]
        assert proven(proof, leaf_hash(data), trusted)
    received = json.loads(package.read("data/custody.json"))["received"]
    assert [(r["camera"], r["segments"]) for r in received] == [("box", 11)]


async def test_what_is_changed_added_or_removed_is_noticed(ready, tmp_path):
    package = await fetched(ready, tmp_path, **span(18_000, 20_000, camera="box"))
    whole = {name: package.read(name) for name in package.namelist()}
    segment = next(n for n in whole if "/segments/" in n)
    for change in (
        {"data/gaps.json": whole["data/gaps.json"] + b" "},
        {segment: whole[segment][:-1] + b"?"},
        {"data/stray.txt": b"x"},
        {"data/custody.json": None},
    ):
        with zipfile.ZipFile(tmp_path / "package.zip", "w") as forged:
            for name, data in (whole | change).items():
                if data is not None:
                    forged.writestr(zipfile.ZipInfo(name), data)
        code, report = await judged(tmp_path)
        assert code == 7, report


async def refused(ready, status, code, **wanted):
    answer = await ready.http.get(PACKAGE, params=wanted)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_refusals(ready, center):
    size = center.archive.logs.public.size
    await refused(ready, 404, "archive.unknown_camera", **span(0, 2000, camera="garage"))
    await refused(ready, 404, "archive.nothing_received", **span(0, 2000, stream="main"))
    await refused(ready, 409, "archive.not_received_yet", **span(18_000, 40_000))
    await refused(ready, 400, "archive.bad_interval", **span(2000, 1000))
    await refused(ready, 413, "archive.too_long", **span(0, 9_000_000))
    await ready.send_all([ready.box.segment(START + 24_000, "box")])
    await refused(ready, 409, "archive.not_sealed_yet", **span(18_000, 26_000, camera="box"))
    assert center.archive.logs.public.size == size, "what is not exported is not in the log"


async def test_only_so_many_are_made_at_once_and_one_that_is_dropped_makes_room(ready, center):
    evidence = center.archive.evidence
    package = await evidence.plan([StreamKey("example-001", "desk", "sub")], START + 18_000, START + 22_000)
    begun = [evidence.export(package) for _ in range(4)]
    for pieces in begun:
        await anext(pieces)
    await refused(ready, 503, "archive.busy", **span(18_000, 22_000))
    await begun[0].aclose()
    answer = await ready.http.get(PACKAGE, params=span(18_000, 22_000))
    assert answer.status_code == 200
    for pieces in begun[1:]:
        await pieces.aclose()


async def test_export_and_verify_on_the_command_line(ready, center, tmp_path):
    out = tmp_path / "package.zip"
    words = ["export", "example-001", START + 18_000, START + 22_000, "--stream", "sub", "--camera", "desk"]
    words += ["--url", center.url, "--out", out]
    told = await asyncio.to_thread(CliRunner().invoke, evidence_app, [str(w) for w in words], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    (tmp_path / "policy.txt").write_bytes(center.policy)
    words = ["verify", out, "--trust", tmp_path / "policy.txt"]
    told = CliRunner().invoke(evidence_app, [str(w) for w in words])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("VERIFIED")
    assert CliRunner().invoke(evidence_app, ["verify", str(out)]).exit_code == 6


async def test_a_package_can_be_made_where_nothing_else_runs(ready, center, tmp_path):
    key = StreamKey("example-001", "desk", "sub")
    package = await center.archive.evidence.plan([key], START + 18_000, START + 22_000)
    pieces = [piece async for piece in center.archive.evidence.export(package)]
    assert zipfile.ZipFile(io.BytesIO(b"".join(pieces))).testzip() is None
    assert (await center.archive.logs.actions("example-001", up_to=1 << 40))[-1]["subject"] == "example-001"


async def test_tokens_of_others_are_taken_along(ready, center, tmp_path):
    folder = center.folder / "tokens"
    folder.mkdir()
    size = int((await ready.http.get("/log/witnessed")).content.split(b"\n")[1])
    for name in (
        f"{size}-tsa.example.tsr",
        f"{size + 99}-tsa.example.tsr",
        f"{size}-calendar.ots",
        "1-tsa.example.tsr",
    ):
        (folder / name).write_bytes(b"token")
    for name in ("note.txt", "x-y.tsr", f"{size}-.tsr"):
        (folder / name).write_bytes(b"stray")
    package = await fetched(ready, tmp_path, **span(18_000, 22_000, camera="desk"))
    names = {n.removeprefix("data/tokens/") for n in package.namelist() if n.startswith("data/tokens/")}
    assert names == {f"{size}-tsa.example.tsr", f"{size}-calendar.ots", f"{size}.note"}
    assert (await judged(tmp_path))[0] == 0
    assert await tokens_for(tmp_path / "nowhere", center.archive.logs.public, 0) == {}


def test_a_bag_without_payload_is_a_bag():
    bag = Bag()
    data = bag.begin() + bag.end([("Election", "example-2027")])
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.read("manifest-sha256.txt") == b""
        assert b"Payload-Oxum: 0.0\n" in package.read("bag-info.txt")
