"""Style folders are written once for all tests: a blank takes longer to draw and pack than to copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aigaq.simulator.ballots import make_style, write_style

Written = Callable[[str, Path], Path]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The usual style of a contest, in a folder of one's own."""
    once = tmp_path_factory.mktemp("styles")

    def copied(contest: str, folder: Path) -> Path:
        if not (once / contest).exists():
            write_style(make_style(contest), once)
        return Path(shutil.copytree(once / contest, folder / contest))

    return copied
