"""The reference names everything: error codes, settings, commands. Links lead somewhere; nothing private is kept."""

import importlib
import pkgutil
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import aigaq
from aigaq.base import AigaqError, Settings, error_classes
from aigaq.election.problems import REASONS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT / "tools"))


@cache
def load_everything() -> None:
    for module in pkgutil.walk_packages(aigaq.__path__, "aigaq."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@cache
def reference() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted(REFERENCE.glob("*.md")))


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return tuple(ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file())


def our_errors() -> list[type]:
    load_everything()
    return [cls for cls in error_classes() if cls.__module__.startswith("aigaq.")]


def test_every_error_code_is_explained() -> None:
    codes = {cls.code for cls in our_errors() if "code" in vars(cls)} | {r.code for r in REASONS}
    missing = sorted(code for code in codes if f"| `{code}` |" not in reference())
    assert not missing, f"add a row | `code` | when | what to do | in docs/reference: {missing}"


def test_error_codes_are_unique_and_name_their_room() -> None:
    seen: dict[str, str] = {}
    for cls in our_errors():
        if "code" in vars(cls):
            assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", cls.code), cls
            owner = cls.code.split(".")[0]
            assert any(folder.startswith(owner) for folder in cls.__module__.split(".")[1:]), cls
            assert seen.setdefault(cls.code, cls.__qualname__) == cls.__qualname__


def test_the_reference_names_no_code_that_is_gone() -> None:
    codes = {AigaqError.code, *(cls.code for cls in our_errors()), *(r.code for r in REASONS)}
    rooms = {code.split(".")[0] for code in codes}
    named = set(re.findall(r"^\| `([a-z]+\.[a-z0-9_]+)` \|", reference(), re.MULTILINE))
    gone = sorted(c for c in named - codes if c.split(".")[0] in rooms and not c.endswith(".toml"))
    assert not gone


def test_every_setting_is_explained() -> None:
    load_everything()
    todo, missing = [Settings], list[str]()
    while todo:
        cls = todo.pop()
        todo += [c for c in cls.__subclasses__() if c.__module__.startswith("aigaq.")]
        missing += [f"{cls.__qualname__}.{key}" for key in cls.model_fields if f"`{key}`" not in reference()]
    assert not missing, f"name these keys in docs/reference: {missing}"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    import cli_reference  # noqa: PLC0415 - tools are scripts; this one needs every room

    wanted = cli_reference.page(cli_reference.app)
    assert cli_reference.PAGE.read_text(encoding="utf-8") == wanted, "run: python tools/cli_reference.py --write"


def anchors(text: str) -> set[str]:
    """The names that a heading gets: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ +(.+?) *$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_links_between_pages_resolve() -> None:
    broken = list[str]()
    for page in (p for p in tracked() if p.suffix == ".md"):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            at = (page.parent / path) if path else page
            if not at.exists() or (anchor and anchor not in anchors(at.read_text(encoding="utf-8"))):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken


PRIVATE = re.compile(
    rb"/(?:wor[k]|hom[e]|roo[t]|User[s])/[A-Za-z0-9._-]+|--(?:extra-)?index-ur[l]|--trusted-hos[t]|_authToke[n]"
)
"""Paths of a machine, settings of a registry; each spelled so that this file does not match itself."""


def test_nothing_of_a_makers_machine_is_kept() -> None:
    found = list[str]()
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            found += [f"{path.relative_to(ROOT)}: {m[0].decode()}" for m in PRIVATE.finditer(data)]
    assert not found


@pytest.mark.parametrize("name", ["requirements", "ui/package-lock.json", "ui/package.json", "ui/.npmrc"])
def test_locks_name_no_registry(name: str) -> None:
    files = [p for p in tracked() if p.relative_to(ROOT).as_posix().startswith(name)]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert '"resolved"' not in text, path
        if path.suffix == ".txt":
            assert "://" not in text, path
