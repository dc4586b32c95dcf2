"""Every case of `tests/proof_cases.py` gets the verdict that it deserves, here and for every other verifier."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.proof_cases import Case, cases
from tests.proof_lab import EXIT_CODES

from aigaq_verify import NotEvidenceError, PolicyError, parse_policy, verify

ALL = list(cases())


def verdict(case: Case) -> str:
    try:
        policy = None if case.trust is None else parse_policy(case.trust.encode())
        return verify(io.BytesIO(case.data), policy).verdict.words
    except NotEvidenceError:
        return "NOT A CLIP"
    except PolicyError:
        return "USAGE"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_the_verdict(case):
    assert verdict(case) == case.verdict, case.why


def test_more_must_fail_than_must_pass():
    passing = [case for case in ALL if case.verdict == "VERIFIED"]
    assert len(ALL) >= 100
    assert 15 <= len(passing) < len(ALL) / 4
    assert len({case.name for case in ALL}) == len(ALL)


def test_the_cases_are_written_for_others(tmp_path):
    repo = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.proof_lab", str(tmp_path)], check=True, cwd=repo)
    listed = json.loads((tmp_path / "cases.json").read_text())
    assert [(one["file"], one["verdict"]) for one in listed] == [(f"{case.name}.zip", case.verdict) for case in ALL]
    assert all(one["exit_code"] == EXIT_CODES[one["verdict"]] for one in listed)
    assert all((tmp_path / str(one["trust"])).is_file() for one in listed if one["trust"])
