"""docs/rules.md names the tests that prove its rules; every one of them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
PROOF = re.compile(r"(test_\w+)::(\w+)")


def names_by_file() -> dict[str, set[str]]:
    """The names of all test functions, without `test_`, by their file's name."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = re.findall(r"^ *(?:async )?def test_(\w+)", path.read_text("utf-8"), re.MULTILINE)
        found.setdefault(path.stem, set()).update(names)
    return found


@pytest.mark.parametrize("section", range(12))
def test_every_section_is_there(section: int) -> None:
    assert re.search(rf"^## {section}\. \w+", TEXT, re.MULTILINE)


def test_every_proof_is_a_test() -> None:
    existing = names_by_file()
    named = PROOF.findall(TEXT)
    assert [f"{file}::{name}" for file, name in named if name not in existing.get(file, ())] == []
    assert len(named) > 100
