"""Rules that import contracts cannot show."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import modules, packages, place, tree

_IMPURE = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "time",
}
_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}
_EDGES = ("api", "jobs", "cli")
_LONGEST_FILE_LINES = 500
_LONGEST_FUNCTION_LINES = 60


def imported(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Yield the modules that a file imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node, node.module


def calls(path: Path) -> Iterator[tuple[ast.Call, str, str]]:
    """Yield each call as (node, owner, name): ("asyncio", "gather") or ("", "print")."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    yield node, owner, name
                case ast.Attribute(value=ast.Attribute(attr=owner), attr=name):
                    yield node, owner, name
                case ast.Name(id=name):
                    yield node, "", name


def test_domain_imports_the_standard_library_alone() -> None:
    foreign = [
        f"{place(path, node)} {name}"
        for path in modules("domain")
        for node, name in imported(path)
        if (root := name.split(".")[0]) in _IMPURE
        or (root not in sys.stdlib_module_names and root != "domain")
    ]
    assert foreign == []


def test_domain_never_waits() -> None:
    waiting = [
        place(path, node)
        for path in modules("domain")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert waiting == []


def test_only_the_edges_read_the_clock() -> None:
    inner = ("domain", "services", "loaders", "resolvers", "models")
    reading = [
        f"{place(path, node)} {owner}.{name}"
        for path in modules(*inner)
        for node, owner, name in calls(path)
        if (owner, name) in _CLOCKS
    ]
    assert reading == []


def test_resolvers_open_no_transaction_and_send_no_sql() -> None:
    crossing = [
        f"{place(path, node)} {name}"
        for path in modules("resolvers")
        for node, name in imported(path)
        if name == "models.database"
    ]
    assert crossing == []


def test_queries_of_a_transaction_run_one_after_another() -> None:
    """One connection takes one query at a time: `gather` inside a transaction fails under load."""
    parallel = [
        place(path, inner)
        for path in modules("services", "jobs", "loaders")
        for block in ast.walk(tree(path))
        if isinstance(block, ast.AsyncWith) and "in_transaction" in ast.unparse(block.items[0])
        for inner in ast.walk(block)
        if isinstance(inner, ast.Call)
        and ast.unparse(inner.func) in ("asyncio.gather", "gather", "asyncio.create_task")
    ]
    assert parallel == []


def test_nothing_stands_on_base_http_middleware() -> None:
    """Each costs 150 µs a request and more; middleware here is plain ASGI."""
    using = [
        place(path, node)
        for path in modules("api", "wiring", "cli")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name | ast.Attribute) and "BaseHTTPMiddleware" in ast.unparse(node)
    ]
    assert using == []


# The ratchet: what is longer than the house's measure, and how long at most. Numbers only fall.
_LONGER_FILES: dict[str, int] = {}
_LONGER_FUNCTIONS = {
    "domain/pricing/engine.py::quote": 64
}  # The steps of the rules, in their order.


_MEASURED = [package for package in packages() if package != "migrations"]


@pytest.mark.parametrize("root", _MEASURED)
def test_files_and_functions_keep_their_measure(root: str) -> None:
    long = []
    for path in modules(root):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > _LONGER_FILES.get(place(path), _LONGEST_FILE_LINES):
            long.append(f"{place(path)}: {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                name = f"{place(path)}::{node.name}"
                if length > _LONGER_FUNCTIONS.get(name, _LONGEST_FUNCTION_LINES):
                    long.append(f"{name}: {length} lines")
    assert long == []
