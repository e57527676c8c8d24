"""The documents name commands that exist."""

import re
from pathlib import Path

import pytest
import typer.main

from cli.main import app
from tests.architecture.sources import PROJECT, files

_DOCUMENTS = [path for path in files() if path.suffix == ".md"]
_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
_COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_commands_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    made = set(re.findall(r"`make ([a-z-]+)", text)) | set(
        re.findall(r"^ *make ([a-z-]+)", text, re.MULTILINE)
    )
    called = set(re.findall(r"`mall ([a-z-]+)", text)) | set(
        re.findall(r"^ *mall ([a-z-]+)", text, re.MULTILINE)
    )
    assert made - _TARGETS == set()
    assert called - _COMMANDS == set()


def test_help_lists_every_target() -> None:
    helped = re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert set(helped) == _TARGETS
