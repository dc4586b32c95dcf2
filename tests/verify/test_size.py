"""An auditor reads all of the verifier: it stays small, and rests on nothing but three packages."""

import ast
import sys
from pathlib import Path

import aigaq_verify

FILES = sorted(Path(aigaq_verify.__file__).parent.glob("*.py"))


def code_lines(path: Path) -> int:
    """Lines with code on them: no blank ones, no comments, no docstrings."""
    source = path.read_text()
    tree = ast.parse(source)
    words = [n for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    told = {line for n in words if isinstance(n.value.value, str) for line in range(n.lineno, (n.end_lineno or 0) + 1)}
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for number, line in lines if number not in told and line.strip() and not line.strip().startswith("#"))


def test_it_is_read_in_an_afternoon():
    assert sum(map(code_lines, FILES)) <= 1_370


def test_it_imports_three_packages_and_the_standard_library():
    found: set[str] = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
    assert found - sys.stdlib_module_names == {"aigaq_verify", "cbor2", "cryptography", "nacl"}
