"""A short, repeatable run of the fuzzer; whoever changes a parser of the log runs it longer."""

import subprocess
import sys

from tests.conftest import REPO


def test_whatever_strangers_send(tmp_path):
    command = [sys.executable, "tests/ledger/fuzz_log.py", "-runs=20000", "-seed=7", "-max_len=512", "-rss_limit_mb=0"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"], cwd=REPO, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 20000 runs" in done.stderr
