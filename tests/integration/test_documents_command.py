"""`mall documents`: manifests out of a client's operations, and whether the schema takes them."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from executor.manifest import Manifest, TrustedDocument

HOME = "query HomePage { shop { ...Name } }"
NAME = "fragment Name on Shop { name }"
HOME_TEXT = "query HomePage {\n  shop {\n    ...Name\n  }\n}\n\nfragment Name on Shop {\n  name\n}"


def mall(*arguments: str | Path) -> tuple[int, str, str]:
    """Run a command; return its status, what it said, and what it said of trouble."""
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "home.graphql").write_text(HOME, encoding="utf-8")
    (folder / "names.gql").write_text(NAME, encoding="utf-8")
    return folder


def test_build_writes_a_manifest_and_shows_what_each_operation_asks(folder: Path) -> None:
    status, said, trouble = mall("documents", "build", folder)
    assert (status, trouble) == (0, "")
    file = folder.parent / "client.json"
    assert [(each.name, each.kind, each.text) for each in Manifest.read(file)] == [
        ("HomePage", "query", HOME_TEXT)
    ]
    cells = [re.split(r"\s*[│┃]\s*", line.strip("│┃ ")) for line in said.splitlines()]
    assert ["operation", "kind", "tokens", "depth", "cost"] in cells
    assert ["HomePage", "query", "16", "2", "2"] in cells
    assert ["at most", "", "2,000", "15", "50,000"] in cells
    assert said.replace("\n", "").endswith(f"Wrote {file}: 1 documents.")


def test_build_writes_where_it_is_told_and_a_module_for_the_client(
    folder: Path, tmp_path: Path
) -> None:
    out, module = tmp_path / "release-41.json", tmp_path / "documents.js"
    status, *_ = mall("documents", "build", folder, "--out", out, "--module", module)
    assert status == 0
    [document] = Manifest.read(out)
    assert not (tmp_path / "client.json").exists()
    text = HOME_TEXT.replace("\n", "\\n")
    assert module.read_text(encoding="utf-8").split("\n", 1)[1] == (
        f'export const HOME_PAGE = {{\n  id: "sha256:{document.hash}",\n  text: "{text}",\n}};\n'
    )


def test_build_tells_what_is_wrong_and_writes_nothing(folder: Path) -> None:
    (folder / "more.graphql").write_text("query More {\n  shop { nam } }\n", encoding="utf-8")
    status, said, trouble = mall("documents", "build", folder)
    assert (status, said) == (1, "")
    assert trouble == (
        f"{folder}/more.graphql:2: "
        "Cannot query field 'nam' on type 'Shop'. Did you mean 'name' or 'now'?\n"
    )
    assert not (folder.parent / "client.json").exists()


def test_build_tells_of_constants_of_one_name(folder: Path) -> None:
    (folder / "more.graphql").write_text("query HOME_PAGE { shop { name } }", encoding="utf-8")
    module = folder / "documents.js"
    status, said, trouble = mall("documents", "build", folder, "--module", module)
    assert (status, said) == (1, "")
    assert trouble == (
        f"mall: {folder} has HOME_PAGE and HomePage, which would both be HOME_PAGE.\n"
    )
    assert not module.exists()


def test_build_tells_of_a_folder_without_operations(tmp_path: Path) -> None:
    status, _, trouble = mall("documents", "build", tmp_path / "nowhere")
    assert status == 1
    assert trouble == f"{tmp_path}/nowhere: there is no *.graphql or *.gql file.\n"


def test_check_says_whether_the_schema_takes_them(folder: Path, tmp_path: Path) -> None:
    mall("documents", "build", folder)
    good, bad, none = folder.parent / "client.json", tmp_path / "bad.json", tmp_path / "none.json"
    assert mall("documents", "check", good) == (0, f"{good}: 1 of 1 documents are sound.\n", "")
    bad.write_bytes(
        Manifest(
            [
                TrustedDocument("Old", "query", "query Old { shop { gone } }"),
                TrustedDocument("Good", "query", "query Good { shop { name } }"),
                TrustedDocument("Two", "query", "query A { shop { name } } query B { me { id } }"),
            ]
        ).dump()
    )
    status, said, trouble = mall("documents", "check", good, bad, none)
    assert status == 1
    assert said.splitlines() == [
        f"{good}: 1 of 1 documents are sound.",
        f"{bad}: 1 of 3 documents are sound.",
    ]
    assert trouble.splitlines() == [
        f"{bad}: Old: Cannot query field 'gone' on type 'Shop'.",
        f"{bad}: Two: Must provide operation name if query contains multiple operations.",
        f"{none}: can't be read: No such file or directory",
    ]
