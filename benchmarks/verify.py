"""How long a verdict takes, on the command line and in a browser: one segment, and an hour of one camera."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.proof_lab import Box, Lab, box, fragment, stored_zip

from aigaq.web.assets import BUILT
from aigaq_verify import parse_policy, verify
from benchmarks.center import browser
from benchmarks.lab import Scale, Table, scratch, spread

MEGABYTE = 1_000_000
"""Two seconds of a camera's main stream at 4 Mb/s."""
SECONDS = 2
IN_A_ROUND = 5
"""Segments between two checkpoints of the station."""


def run(scale: Scale) -> Table:
    """The table."""
    table = Table(
        "Verify offline",
        ("what", "Aigaq", "to hold", "prototype (evidence.md 2.3)"),
        note=(
            "segments of 1 MB and 2 s; 9 witnesses; a station checkpoint and a national one each 10 s, each with its "
            "proof; wall time with the file in the page cache; the page is opened from disk"
        ),
    )
    one = list(_one_segment(int(scale.pick(200, 30))))
    table.rows.append(("1 MB segment, both proofs, 9 cosignatures: Python, ms", spread(one), "≤ 5", "4.9"))
    table.rows.append(("SHA-256 of that segment in Python alone, ms", spread(list(_hash_segment(50))), "", "1.0"))
    minutes = scale.pick(60, 3)
    with scratch() as folder:
        clip, trust = folder / "clip.zip", folder / "policy.txt"
        trust.write_text(_write_hour(clip, round(minutes * 60 / SECONDS / IN_A_ROUND)))
        hashing = _hash(clip)
        python, memory = _python(clip, trust)
        chromium, bundled = _chromium(clip, trust, ""), _chromium(clip, trust, "?bundled")
    what = f"{minutes:g} minutes of one camera"
    limit = 10 * minutes / 60
    table.rows.extend(
        [
            (f"{what}: Python, s", f"{python:.1f}", f"≤ {limit:g}", "–"),
            (f"{what}: Python, memory, MiB", f"{memory / 2**20:.0f}", "", "–"),
            (f"{what}: Chromium, s", f"{chromium:.1f}", f"≤ {4 * python:.1f} (4 × Python)", "440-530 MB/s of SHA-256"),
            (f"{what}: Chromium, bundled code alone, s", f"{bundled:.1f}", "", "46 MB/s of SHA-256"),
            (f"{what}: SHA-256 of the file in Python alone, s", f"{hashing:.1f}", "", "1.0 GB/s"),
        ]
    )
    return table


def _segment(start_ms: int, payload: bytes) -> bytes:
    half = SECONDS * 500
    return box(b"styp", b"msdh") + fragment(start_ms, payload) + fragment(start_ms + half, payload)


def _one_segment(times: int) -> Iterator[float]:
    one = Box(Lab()).enrol()
    one.segment(SECONDS * 1000, data=_segment(one.end, bytes(MEGABYTE // 2))).seal()
    policy, data = parse_policy(one.lab.trust().encode()), stored_zip(one.files())
    for _ in range(times):
        start = time.perf_counter()
        report = verify(io.BytesIO(data), policy)
        yield (time.perf_counter() - start) * 1000
        if report.verdict:
            raise SystemExit(f"the benchmark's clip does not verify:\n{report.as_text()}")


def _hash_segment(times: int) -> Iterator[float]:
    data = bytes(MEGABYTE)
    for _ in range(times):
        start = time.perf_counter()
        hashlib.sha256(data).digest()
        yield (time.perf_counter() - start) * 1000


def _write_hour(path: Path, rounds: int) -> str:
    """A clip of so many rounds, written segment by segment; returns the trust file."""
    camera = Box(Lab()).enrol()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for number in range(rounds * IN_A_ROUND):
            payload = struct.pack(">Q", number) + bytes(MEGABYTE // 2 - 8)
            camera.segment(SECONDS * 1000, data=_segment(camera.end, payload))
            name, data = next(reversed(camera.media.items()))
            package.writestr(zipfile.ZipInfo(name), data)
            camera.media[name] = b""
            if number % IN_A_ROUND == IN_A_ROUND - 1:
                camera.seal()
        for name, data in camera.files().items():
            if name not in camera.media:
                package.writestr(zipfile.ZipInfo(name), data)
    return camera.lab.trust()


def _hash(clip: Path) -> float:
    start = time.monotonic()
    with clip.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")
    return time.monotonic() - start


def _python(clip: Path, trust: Path) -> tuple[float, int]:
    """Seconds and memory of the command line."""
    command = [sys.executable, "-m", "aigaq_verify", clip, "--trust", trust, "--json"]
    start = time.monotonic()
    program = subprocess.Popen(command, stdout=subprocess.PIPE)
    report = program.stdout.read() if program.stdout else b""
    _, status, usage = os.wait4(program.pid, 0)
    took = time.monotonic() - start
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"the benchmark's clip does not verify: {report[:2000]!r}")
    return took, usage.ru_maxrss * 1024


def _chromium(clip: Path, trust: Path, search: str) -> float:
    """Seconds from choosing the file to the verdict on the page."""
    with browser() as page:
        page.goto((BUILT / "verifier.html").as_uri() + search)
        page.set_input_files("#trust-file", trust)
        page.wait_for_selector(".fingerprint")
        start = time.monotonic()
        page.set_input_files("#file", clip)
        page.wait_for_selector("[data-verdict]", timeout=600_000)
        took = time.monotonic() - start
        verdict = page.locator("[data-verdict]").get_attribute("data-verdict")
        if verdict != "VERIFIED":
            raise SystemExit(f"the benchmark's clip is {verdict} in the browser")
        return took
