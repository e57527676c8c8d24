"""The project's own files, for tests that read them."""

import ast
import os
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
_NOT_OURS = {"__pycache__", "node_modules", "build", "dist"}


@cache
def files() -> tuple[Path, ...]:
    """Return every file of the project that could be committed."""
    return tuple(sorted(_walk(PROJECT)))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _NOT_OURS and not _is_hidden_folder(entry.name):
                yield from _walk(path)
        elif not entry.name.endswith(".pyc"):
            yield path


def _is_hidden_folder(name: str) -> bool:
    return name.startswith(".") and name != ".ci"


@cache
def pyproject() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def packages() -> list[str]:
    """Return the top-level packages that are shipped."""
    listed: list[str] = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    return listed


def modules(*roots: str) -> list[Path]:
    """Return the Python files below these top-level folders."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and path.relative_to(PROJECT).parts[0] in roots
    ]


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    """Name a place in a file, for a failure's message."""
    line = f":{getattr(node, 'lineno', 0)}" if node is not None else ""
    return f"{path.relative_to(PROJECT)}{line}"
