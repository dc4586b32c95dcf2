"""A short run of the fuzzer on each parser, from real input on. Longer: `python -m tests.verify.fuzz NAME FOLDER`."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.proof_lab import Lab, stored_zip, story
from tests.verify.fuzz import TARGETS

REPO = Path(__file__).parents[2]


def seeds(folder: Path) -> None:
    """Real ones of every kind, to begin with."""
    files, lab = story(rounds=1, witnesses=2).files(), Lab(witnesses=2)
    more = {"policy": lab.trust().encode(), "clip.zip": stored_zip(files), "key": str(lab.key.vkey).encode()}
    for number, data in enumerate({**files, **more}.values()):
        (folder / str(number)).write_bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_surprises_the_parser(name, tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds(corpus)
    command = [sys.executable, "-m", "tests.verify.fuzz", name, "-runs=4000", "-max_len=4096", "-seed=1", str(corpus)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "Done 4000 runs" in done.stderr
