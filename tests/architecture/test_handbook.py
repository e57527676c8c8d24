"""The documents say what is: folders, functions, settings, words and links that they name exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, build_schema
from tortoise.models import Model

from api.schema import member_schema
from models.tables import MODULES
from settings import Settings
from tests.architecture.sources import PROJECT, files, modules, packages

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
_NAMES = [str(path.relative_to(PROJECT)) for path in DOCUMENTS]
_CODE = re.compile(r"`([^`\n]+)`")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_PATH = re.compile(r"[\w.-]*/[\w./-]*|[\w-]+\.(?:py|md|yaml|toml|graphql|po|txt)")

# In halves, so that this file does not name what it forbids.
_FORBIDDEN = (
    "sha" + "red/",
    "/wo" + "rk",
    "/t" + "mp",
    "/ro" + "ot",
    "py" + "pi",
    "npm" + "js",
    "age" + "nt",
)


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def table_rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the rows of the first table after a heading, its own head left out."""
    after = text[text.index(heading) :] if heading else text
    rows: list[list[str]] = []
    for line in after.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


@pytest.mark.parametrize("name", _NAMES)
def test_links_lead_somewhere(name: str) -> None:
    document = PROJECT / name
    links = re.findall(r"\]\(([^)\s]+)\)", text_of(name))
    local = [link for link in links if not re.match(r"https?:|mailto:", link)]
    broken = [link for link in local if not _resolves(document, link)]
    assert broken == []


def _resolves(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path) if path else document
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("name", [name for name in _NAMES if not name.startswith("tests/")])
def test_no_document_names_what_a_reader_cannot_have(name: str) -> None:
    text = text_of(name).lower()
    assert [word for word in _FORBIDDEN if re.search(rf"(?<![\w/]){word}", text)] == []


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
)
def test_the_documents_are_there(name: str) -> None:
    assert len(text_of(name).splitlines()) > 20


def test_architecture_has_its_length() -> None:
    """Two pages and a half at most; what doesn't fit is a decision record or a how-to."""
    assert len(text_of("ARCHITECTURE.md").split()) <= 1_400


def test_the_folder_map_is_complete() -> None:
    rows = table_rows(text_of("ARCHITECTURE.md"), "## Folders and the import rule")
    named = {folder for row in rows for folder in re.findall(r"`([\w-]+)/`", row[0])}
    assert all((PROJECT / folder).is_dir() for folder in named)
    assert set(packages()) <= named
    order = re.search(
        r"Imports point inward: (.+?)\. import-linter", text_of("ARCHITECTURE.md"), re.DOTALL
    )
    assert order is not None
    told = [
        [part.strip("` \n") for part in layer.split("|")]
        for layer in re.sub(r"`", "", order[1]).split("›")
    ]
    assert told == [[part.strip() for part in layer.split("|")] for layer in _layers()]


def _layers() -> list[str]:
    from tests.architecture.sources import pyproject

    contracts: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]
    return list(next(each["layers"] for each in contracts if each["id"] == "layers"))


@pytest.mark.parametrize(
    "name", [name for name in _NAMES if not name.startswith(("tests/", "wxsim/"))]
)
def test_paths_exist(name: str) -> None:
    """A path in backquotes is one of the project's, from its root or from a package's."""
    missing = [
        span
        for span in _CODE.findall(text_of(name))
        for path in [span.partition(":")[0].strip()]
        if _PATH.fullmatch(path) and _looks_ours(path) and not _exists(path)
    ]
    assert missing == []


def _looks_ours(path: str) -> bool:
    roots = {each.name for each in PROJECT.iterdir()}
    return Path(path).parts[0] in roots


def _exists(path: str) -> bool:
    return (PROJECT / path).exists() or path in _EXAMPLES


_EXAMPLES = {
    "domain/reviews.py",
    "services/reviews.py",
    "loaders/reviews.py",
    "tests/api/test_reviews.py",
    "api/member.breaking.txt",
}
"""The how-to's area, and a list that begins with the first breaking change."""


@cache
def _defined() -> set[str]:
    """Return every name that the sources define or assign."""
    found: set[str] = set()
    for path in modules(*packages(), "tests"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"(?:def|class) (\w+)", source))
        found |= set(re.findall(r"^\s*(\w+)\s*[:=]", source, re.MULTILINE))
        found |= set(re.findall(r'"(mall_\w+)"', source))  # Figures.
        found.add(path.stem)
        found.add(path.parent.name)
    return found


@pytest.mark.parametrize(
    "name", ["ARCHITECTURE.md", *[n for n in _NAMES if n.startswith("docs/adr/")]]
)
def test_functions_exist(name: str) -> None:
    """Names like `placing.place_order` or `_mark_prepaid` are the code's own."""
    missing = [
        part
        for span in _CODE.findall(text_of(name))
        if re.fullmatch(r"[A-Za-z_][\w.]*(?:: [\w.]+)?", span) and ("_" in span or "." in span)
        for part in re.split(r"[.:\s]+", re.sub(r"\.py\b", "", span))
        if "_" in part and part.lower() == part and part not in _defined() | _columns()
    ]
    assert missing == []


def _columns() -> set[str]:
    return (
        {name for table in _tables().values() for name in table._meta.fields_map}
        | set(_tables())
        | _SQL
    )


_SQL = {
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "out_trade_no",
    "pg_notify",
    "set_aside",
    "timeout_due_at",
}


@cache
def _tables() -> dict[str, type[Model]]:
    found = {}
    for module in map(import_module, MODULES):
        for each in vars(module).values():
            if (
                isinstance(each, type)
                and issubclass(each, Model)
                and each.__module__ == module.__name__
            ):
                found[each._meta.db_table] = each
    return found


def _environment_names() -> dict[str, Any]:
    return {
        (field.alias or name).upper(): field.default
        for name, field in Settings.model_fields.items()
    }


def test_every_setting_is_told_with_its_default() -> None:
    rows = table_rows(text_of("docs/how-to/go-to-production.md"), "## Every setting")
    told = {row[0].strip("`"): row[1] for row in rows}
    assert list(told) == list(_environment_names())
    wrong = {
        name: (told[name], default)
        for name, default in _environment_names().items()
        if (shown := _shown(default)) is not None and told[name] != shown
    }
    assert wrong == {}


def _shown(default: Any) -> str | None:
    """Return a default as the table writes it; None where words say more."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, StrEnum | int | float | Path):
        return str(default)
    if isinstance(default, tuple) and default:
        return ",".join(str(each) for each in default)
    if isinstance(default, str) and default:
        return default
    return None


def test_what_production_needs_is_told_and_passed_on() -> None:
    rows = table_rows(text_of("docs/how-to/go-to-production.md"), "## Every setting")
    needed = {row[0].strip("`") for row in rows if row[2] == "yes"}
    compose = text_of("compose.yaml")
    assert [name for name in sorted(needed) if f"{name}:" not in compose] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_settings_of_the_readme_exist(name: str) -> None:
    known = _environment_names()
    named = {
        span for span in _CODE.findall(text_of(name)) if re.fullmatch(r"[A-Z][A-Z0-9_]+\*?", span)
    }
    unknown = [
        span
        for span in named
        if not any(re.fullmatch(span.replace("*", ".*"), setting) for setting in known)
    ]
    assert unknown == []


def test_every_setting_is_read() -> None:
    """A setting that nothing reads promises what isn't so."""
    sources = [
        path.read_text(encoding="utf-8")
        for path in [*modules("api", "cli", "jobs", "wiring"), PROJECT / "settings/model.py"]
    ]
    unread = [
        name
        for name in Settings.model_fields
        if not any(re.search(rf"(?:settings|self)\.{name}\b", source) for source in sources)
    ]
    assert unread == []


def _glossary() -> list[list[str]]:
    return table_rows(text_of("docs/glossary.md"), "")


def test_the_glossary_is_in_order_and_bilingual() -> None:
    terms = [row[0] for row in _glossary()]
    assert terms == sorted(terms, key=str.casefold)
    assert len(set(terms)) == len(terms)
    assert [
        row[0] for row in _glossary() if not _HAN.search(row[1]) and "openid" not in row[1]
    ] == []
    assert [row[0] for row in _glossary() if not row[2]] == []


_NO_TERMS = {"Mutation", "PageInfo", "Query"}
"""Types that GraphQL wants, and no words of the field."""


def test_the_glossary_has_a_word_for_every_type_and_table() -> None:
    called = {span for row in _glossary() for span in _CODE.findall(row[3])}
    types = {
        each.name
        for each in _schema_types()
        if isinstance(each, GraphQLObjectType)
        and not each.name.startswith("__")
        and not each.name.endswith(("Payload", "Connection", "Edge"))
    }
    assert types - _NO_TERMS - called == set()
    assert set(_tables()) - called == set()


def test_the_glossary_calls_things_by_their_names() -> None:
    known = set(_tables())
    for each in _schema_types():
        known.add(each.name)
        known |= {f"{each.name}.{name}" for name in getattr(each, "fields", {})}
        if isinstance(each, GraphQLEnumType):
            known |= set(each.values)
    called = {span for row in _glossary() for span in _CODE.findall(row[3])}
    assert called - known == set()


def _schema_types() -> Iterator[Any]:
    yield from build_schema(member_schema().as_str()).type_map.values()


def test_decisions_are_numbered_and_have_their_parts() -> None:
    records = sorted((PROJECT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], path.name
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path.name
