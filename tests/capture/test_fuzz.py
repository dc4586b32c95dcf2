"""A short, repeatable run of the fuzzer; whoever changes the parser runs it longer."""

import subprocess
import sys

from tests.conftest import REPO


def test_thousands_of_hostile_conversations(tmp_path):
    command = [
        sys.executable,
        "tests/capture/fuzz_rtsp.py",
        "-runs=5000",
        "-seed=7",
        "-max_len=2048",
        "-rss_limit_mb=0",  # the peak of the process that started it would count
        "-malloc_limit_mb=200",
    ]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"], cwd=REPO, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 5000 runs" in done.stderr
