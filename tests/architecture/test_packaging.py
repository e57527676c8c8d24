"""What is shipped, and that it is ours."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.architecture.sources import PROJECT, files, packages, pyproject

# In halves, so that this file does not name what it forbids.
_FORBIDDEN = [
    "py" + "pi.org",
    "pythonhos" + "ted",
    "npm" + "js.",
    "deb.deb" + "ian",
    "docker" + ".io",
    "ghc" + "r.io",
    "/ro" + "ot/",
    "/wo" + "rk/",
]


@pytest.mark.parametrize("package", packages())
def test_package_is_the_projects_own(package: str) -> None:
    """A dependency with a module of the same name would shadow ours, or ours its."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(PROJECT / package)


def test_every_package_is_listed_and_no_test_is_shipped() -> None:
    found = {path.parent.name for path in PROJECT.glob("*/__init__.py")}
    assert found - {"tests", "benchmarks"} == set(packages())


def test_import_rules_cover_every_package() -> None:
    assert set(pyproject()["tool"]["importlinter"]["root_packages"]) == set(packages())


def test_pinned_requirements_hold_hashes_and_no_address() -> None:
    for path in (PROJECT / "requirements").glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("-")], path.name
        pins = [line for line in lines if "==" in line and not line.startswith(("#", " "))]
        assert pins
        assert all(line.endswith("\\") for line in pins), path.name


def test_no_file_names_a_package_host_or_a_machines_path() -> None:
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8").lower()
        except UnicodeDecodeError:
            continue  # A picture or a data file.
        found += [f"{path.relative_to(PROJECT)}: {word}" for word in _FORBIDDEN if word in text]
    assert found == []
