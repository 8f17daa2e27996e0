"""House rules that a machine can check."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import weft

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src/weft").rglob("*.py"))
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(weft.__path__, "weft.") if not module.name.endswith("__main__")
)
FILE_LINES, FUNCTION_LINES = 600, 80
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")


def ids(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_files_and_functions_are_short_and_finished(path):
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES
    assert not UNFINISHED.search(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < FUNCTION_LINES, f"{node.name} is too long"


@pytest.mark.parametrize("name", [name for name in MODULES if ".migrations" not in name])
def test_what_a_module_exports_is_there(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    exported = getattr(module, "__all__", ())
    assert len(set(exported)) == len(exported)
    for one in exported:
        assert hasattr(module, one), f"{name}.__all__ names {one}, which is not there"


def test_packages_say_what_they_do():
    for path in (ROOT / "src/weft").iterdir():
        if (path / "__init__.py").exists():
            doc = ast.get_docstring(ast.parse((path / "__init__.py").read_text()))
            assert doc, f"{path.name} has no docstring"


def test_nothing_tells_of_one_machine():
    """Tracked text names no home directory, no temporary tree and no package index."""
    telling = re.compile(r"/r[o]ot/|/h[o]me/[a-z]+/|/Users/[a-z]+/")
    for folder in ("src", "tests", "bench", "scripts", "docs", "frontend/src", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".ts", ".tsx", ".mjs", ".yaml", ".toml", ""} and path.is_file():
                if path == Path(__file__).resolve() or "node_modules" in path.parts or "__pycache__" in path.parts:
                    continue
                found = telling.search(path.read_text(errors="ignore"))
                assert not found, f"{path.relative_to(ROOT)}: {found[0]}"
