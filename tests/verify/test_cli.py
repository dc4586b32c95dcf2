"""`python -m aigaq_verify`: what a person sees, and the exit code that a script acts on. Run as a real process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import aigaq_verify


@pytest.fixture
def verify(tmp_path, kit):
    """Runs the verifier on a maker's clip; returns exit code, standard output and standard error."""
    trust = tmp_path / "trust.txt"
    trust.write_text(f"log {kit.Signer(1).vkey}\nquorum none\n")

    def run(data: bytes, *options: str, trusted: bool = True) -> tuple[int, str, str]:
        clip = tmp_path / "clip.zip"
        clip.write_bytes(data)
        words = [*options, *(["--trust", str(trust)] if trusted else [])]
        done = subprocess.run(
            [sys.executable, "-m", "aigaq_verify", str(clip), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_verified_clip_exits_with_0(verify, kit):
    code, out, err = verify(kit.stored_zip(kit.Maker().segment().files()))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "VERIFIED: this recording is whole and unchanged, as the polling station sealed it."


def test_a_gap_is_shown_in_two_zones_and_exits_with_3(verify, kit):
    maker = kit.Maker().segment().gap(kit.T0 + 5_000).segment()
    code, out, _ = verify(kit.stored_zip(maker.files()), "--zone", "Asia/Almaty")
    assert code == 3
    assert "11:06:42.000 to 11:06:45.000 UTC = 2026-11-18 16:06:42.000 to 16:06:45.000 +05, 3.000 s; no_rtp" in out


def test_json_is_for_programs(verify, kit):
    maker = kit.Maker().segment().segment(start=kit.T0 + 9_000)
    code, out, _ = verify(kit.stored_zip(maker.files()), "--json")
    said = json.loads(out)
    assert code == said["exit_code"] == 4
    assert said["verdict"] == "SILENT_HOLE"
    assert said["stretches"] == [{"from_ms": kit.T0 + 2_000, "to_ms": kit.T0 + 9_000, "cause": None}]
    assert said["clip"]["camera"] == "box"


def test_no_trust_file_exits_with_6_and_says_how(verify, kit):
    code, out, _ = verify(kit.stored_zip(kit.Maker().segment().files()), trusted=False)
    assert code == 6
    assert "--trust" in out


def test_a_broken_row_exits_with_7(verify, kit):
    files = kit.Maker().segment().files()
    files["records/1.cbor"] = b"?"
    assert verify(kit.stored_zip(files))[0] == 7


def test_a_missing_proof_exits_with_5(verify, kit):
    files = kit.Maker().segment().files()
    del files["proofs/1.tlog-proof"]
    assert verify(kit.stored_zip(kit.relisted(files)))[0] == 5


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
def test_wrong_usage_exits_with_2(verify, kit, options):
    code, out, err = verify(kit.stored_zip(kit.Maker().segment().files()), *options, trusted=False)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


def test_a_trust_file_with_a_mistake_exits_with_2_and_names_the_line(verify, kit, tmp_path):
    (tmp_path / "bad.txt").write_text("log nobody\nquorum none\n")
    code, _, err = verify(kit.stored_zip(kit.Maker().segment().files()), "--trust", "bad.txt", trusted=False)
    assert code == 2
    assert "line 1" in err


def test_a_missing_clip_exits_with_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "aigaq_verify", "none.zip"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "none.zip" in done.stderr


def test_the_verifier_stands_alone(tmp_path, kit):
    """Copied out of the project and with nothing of `aigaq` in sight, it still judges."""
    source = Path(aigaq_verify.__file__).parent
    code = (
        "import sys; sys.modules['aigaq'] = None; sys.path.insert(0, sys.argv[1]);"
        "from aigaq_verify.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    clip = tmp_path / "clip.zip"
    clip.write_bytes(kit.stored_zip(kit.Maker().segment().files()))
    words = [sys.executable, "-P", "-c", code, str(source.parent), str(clip)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 6
