"""`python -m aigaq_verify`: what a person sees, and the exit code that a script acts on. Run as a real process."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.proof_cases import Case, cases
from tests.proof_lab import EXIT_CODES, T0, Box, Lab, bag, stored_zip, story

import aigaq_verify


@pytest.fixture
def verify(tmp_path):
    """Runs the verifier on a file; returns exit code, standard output and standard error."""
    trust = tmp_path / "trust.txt"
    trust.write_text(Lab().trust())

    def run(data: bytes, *options: str, trusted: bool = True) -> tuple[int, str, str]:
        clip = tmp_path / "clip.zip"
        clip.write_bytes(data)
        words = [*options, *(["--trust", str(trust)] if trusted else [])]
        command = [sys.executable, "-m", "aigaq_verify", str(clip), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return run


CLIP = stored_zip(story(rounds=1).files())


@cache
def one_of_each() -> dict[str, Case]:
    return {case.verdict: case for case in cases() if case.trust is not None}


def test_a_verified_clip_exits_with_0_and_says_when_it_was_made(verify):
    code, out, err = verify(CLIP)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == (
        "VERIFIED [not before 2026-11-18 11:06:36.000 UTC … not after 2026-11-18 11:06:52.999 UTC]: "
        "whole and unchanged, as the polling station sealed it."
    )


def test_a_gap_is_shown_in_two_zones_and_exits_with_3(verify):
    box = Box(Lab()).enrol().segment().gap(T0 + 5_000).segment().seal()
    code, out, _ = verify(stored_zip(box.files()), "--zone", "Asia/Almaty")
    assert code == 3
    assert "2026-11-18 11:06:42.000 UTC = 2026-11-18 16:06:42.000 +05 to 2026-11-18 11:06:45.000 UTC" in out
    assert "3.000 s; no_rtp: the camera was connected but sent nothing" in out


def test_json_is_for_programs(verify):
    box = Box(Lab()).enrol().segment().segment(start=T0 + 9_000).seal()
    code, out, _ = verify(stored_zip(box.files()), "--json")
    said = json.loads(out)
    assert code == said["exit_code"] == 4
    assert said["verdict"] == "SILENT_HOLE"
    assert said["stretches"] == [{"from_ms": T0 + 2_000, "to_ms": T0 + 9_000, "cause": None}]
    assert said["clip"]["camera"] == "box"
    assert said["not_before_ms"] == T0 - 4_000


def test_a_package_is_told_from_a_clip(verify):
    package = stored_zip(bag({"box-main": story(rounds=1).files()}))
    code, out, err = verify(package)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "VERIFIED: whole and unchanged, as the polling station sealed it.", "  evidence package of 1 clips",
    ]  # fmt: skip
    said = json.loads(verify(package, "--json")[1])
    assert [line["check"] for line in said["lines"]] == ["package", "clips"]
    assert said["clips"][0]["verdict"] == "VERIFIED"


def test_no_trust_file_exits_with_6_and_says_how(verify):
    code, out, _ = verify(CLIP, trusted=False)
    assert code == 6
    assert "--trust" in out


@pytest.mark.parametrize("verdict", EXIT_CODES)
def test_every_verdict_has_its_exit_code(verify, verdict, tmp_path):
    case = one_of_each()[verdict]
    (tmp_path / "its.txt").write_text(str(case.trust))
    assert verify(case.data, "--trust", "its.txt", trusted=False)[0] == EXIT_CODES[verdict]


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\5\6" + bytes(18)])
def test_not_a_clip_exits_with_8_and_no_traceback(verify, data):
    code, out, err = verify(data)
    assert (code, out) == (8, "")
    assert err.startswith("NOT A CLIP: ")
    assert "Traceback" not in err
    code, out, err = verify(data, "--json")
    assert (code, err) == (8, "")
    assert json.loads(out)["exit_code"] == 8


@pytest.mark.parametrize(
    "options",
    [["--zone", "Mars/Base"], ["--zone", "../etc"], ["--trust", "missing.txt"], ["--trust", "."], ["--what"]],
)
def test_wrong_usage_exits_with_2(verify, options):
    code, out, err = verify(CLIP, *options, trusted=False)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


def test_a_trust_file_with_a_mistake_exits_with_2_and_names_the_line(verify, tmp_path):
    (tmp_path / "bad.txt").write_text("log nobody\nquorum none\n")
    code, _, err = verify(CLIP, "--trust", "bad.txt", trusted=False)
    assert code == 2
    assert "line 1" in err


def test_a_missing_clip_exits_with_2(tmp_path):
    command = [sys.executable, "-m", "aigaq_verify", "none.zip"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "none.zip" in done.stderr


def test_the_help_names_every_verdict_in_order():
    done = subprocess.run([sys.executable, "-m", "aigaq_verify", "-h"], capture_output=True, text=True, check=True)
    said = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line.split()[0].isdigit()]
    assert said == ["0", "3", "10", "9", "4", "5", "6", "7", "8", "1"]


def test_the_verifier_stands_alone(tmp_path):
    """Copied out of the project and with nothing of `aigaq` in sight, it still judges."""
    source = Path(aigaq_verify.__file__).parent
    code = (
        "import sys; sys.modules['aigaq'] = None; sys.path.insert(0, sys.argv[1]);"
        "from aigaq_verify.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    clip = tmp_path / "clip.zip"
    clip.write_bytes(CLIP)
    words = [sys.executable, "-P", "-c", code, str(source.parent), str(clip)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 6
