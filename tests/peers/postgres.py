"""A PostgreSQL of its own for a run of tests: in a folder, on a socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str) -> str:
    """A program of PostgreSQL, which Debian keeps out of the path; where it is missing the test fails."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: apt-get install -y postgresql", pytrace=False)
    return path


@contextmanager
def postgres() -> Generator[str]:
    """The address of a fresh, empty database."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="aigaq-pg-") as home:
        if user:
            entry = pwd.getpwnam(user)
            os.chown(home, entry.pw_uid, entry.pw_gid)
        data = f"{home}/data"

        def run(name: str, *words: str) -> None:
            done = subprocess.run(
                [program(name), *words], user=user, cwd=home, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, done.stderr

        run("initdb", "-D", data, "-U", "aigaq", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://aigaq@/postgres?host={home}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
