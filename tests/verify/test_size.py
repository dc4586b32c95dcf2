"""An auditor reads all of the verifier: it stays small, and rests on nothing but three packages."""

import ast
import sys
from pathlib import Path

import aigaq_verify

FOLDER = Path(aigaq_verify.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))


def imports(path: Path) -> set[str]:
    """What a module names, anywhere in it, as `import a.b` or `from a.b import c`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def judging() -> set[str]:
    """The modules that run when a verdict is made: the command line and all that it imports, directly or not."""
    found, left = set[str](), ["__main__"]
    while left:
        module = left.pop()
        if module not in found and (FOLDER / f"{module}.py").is_file():
            found.add(module)
            names = [name.split(".") for name in imports(FOLDER / f"{module}.py")]
            left += [parts[1] for parts in names if parts[0] == "aigaq_verify" and len(parts) > 1]
    return found


def code_lines(path: Path) -> int:
    """Lines with code on them: no blank ones, no comments, no docstrings."""
    source = path.read_text()
    tree = ast.parse(source)
    words = [n for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    told = {line for n in words if isinstance(n.value.value, str) for line in range(n.lineno, (n.end_lineno or 0) + 1)}
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for number, line in lines if number not in told and line.strip() and not line.strip().startswith("#"))


def test_it_is_read_in_an_afternoon():
    assert sum(code_lines(FOLDER / f"{module}.py") for module in judging()) <= 1_200


def test_no_verdict_rests_on_what_programs_write():
    """Left out above: the list of public names, and what stations and the centre write with."""
    assert {path.stem for path in FILES} - judging() == {"__init__", "writing"}


def test_it_imports_three_packages_and_the_standard_library():
    found = {name.split(".")[0] for path in FILES for name in imports(path)}
    assert found - sys.stdlib_module_names == {"aigaq_verify", "cbor2", "cryptography", "nacl"}
