"""`mall schema explain`: the code that an operation is compiled to, and what it asks and costs."""

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.graphql import LIMITS
from api.schema import member_engine
from cli.main import app
from executor.collect import collect
from executor.documents import Documents
from tests.architecture.sources import PROJECT

FOLDERS = ("mini_program", "shop")
FIRST_LINE = "# query HomePage: 16 tokens, depth 2, 2 fields, 0 aliases, cost 2"
PUBLIC = "# Public: answered from memory for 30 s at most, until a change of rules"


def explain(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command; return its status, what it said, and what it said of trouble."""
    given = ["schema", "explain", *map(str, arguments)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, given)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "home.graphql"
    file.write_text("query HomePage { shop { ...Name } }", encoding="utf-8")
    fragment = "fragment Name on Shop { name }"
    (tmp_path / "names.gql").write_text(fragment, encoding="utf-8")
    return file


def test_the_how_to_shows_what_is_printed(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "how-to" / "declare-a-field.md").read_text(encoding="utf-8")
    asked = re.search(r"`(query Tree .*?)`", text)
    shown = re.search(r"^```text\n(# query Tree.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert asked is not None
    assert shown is not None
    file = tmp_path / "tree.graphql"
    file.write_text(asked[1], encoding="utf-8")
    printed = explain(file)[1]
    for part in shown[1].split("\n\n"):
        assert all(line in printed.splitlines() for line in part.splitlines())
    [function, _] = re.findall(
        r"^(?:async )?def .*?(?=\n\n|\Z)", shown[1].strip(), re.DOTALL | re.MULTILINE
    )
    assert function in printed


def operations_of(said: str) -> list[str]:
    """Return the kind and name of each operation that was explained."""
    words = [line.split() for line in said.splitlines() if " tokens, depth " in line]
    return [" ".join(line[1:3]).rstrip(":") for line in words]


def test_a_file_is_explained_with_the_fragments_beside_it(file: Path) -> None:
    status, said, trouble = explain(file)
    assert (status, trouble) == (0, "")
    assert said.splitlines()[:2] == [FIRST_LINE, PUBLIC]
    origin = "resolvers.member.shop.queries.ShopQuery.shop"
    assert f"\n# call_1        Query.shop, by its resolver: {origin}\n" in said
    functions = [each for each in ast.parse(said).body if isinstance(each, ast.stmt)]
    assert [getattr(each, "name", "") for each in functions] == ["operation", "root_1", "shop_1"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_page_of_ours_is_compiled_and_told(folder: str) -> None:
    documents = Documents(member_engine(), LIMITS)
    collected = collect(PROJECT / "api" / "documents" / folder, documents)
    assert collected.problems == []
    expected = [f"{each.kind} {each.name}" for each in collected.manifest]
    told = []
    for path in sorted((PROJECT / "api" / "documents" / folder).iterdir()):
        if path.name == "fragments.graphql":
            continue
        status, said, trouble = explain(path)
        assert (status, trouble) == (0, ""), path.name
        # Subscriptions run through graphql-core; nothing else does.
        assert said.count("Not compiled") == said.count("Not compiled, graphql-core runs it: A sub")
        ast.parse(said)
        told += operations_of(said)
    assert sorted(told) == sorted(expected)


def test_one_operation_of_several(file: Path) -> None:
    text = "query A { shop { name } } query B { shop { currency } }"
    file.write_text(text, encoding="utf-8")
    assert operations_of(explain(file)[1]) == ["query A", "query B"]
    assert operations_of(explain(file, "--operation", "B")[1]) == ["query B"]
    assert explain(file, "--operation", "C") == (
        1,
        "",
        f"{file}: there is no operation C; its operations: A, B.\n",
    )


def test_an_operation_without_a_name(file: Path) -> None:
    file.write_text("{ shop { name } }", encoding="utf-8")
    status, said, _ = explain(file)
    assert status == 0
    assert said.startswith("# query without a name: 6 tokens,")


def test_what_is_wrong_is_told_with_file_and_line(file: Path) -> None:
    file.write_text("query A {\n  shop { nam }\n}\nquery B { shop { name } }", encoding="utf-8")
    status, said, trouble = explain(file)
    assert status == 1
    assert operations_of(said) == ["query B"]
    assert trouble == (
        f"{file}:2: Cannot query field 'nam' on type 'Shop'. Did you mean 'name' or 'now'?\n"
    )
    file.write_text("query A {\n  shop {", encoding="utf-8")
    syntax = f"{file}:2: Syntax Error: Expected Name, found <EOF>.\n"
    assert explain(file) == (1, "", syntax)


def test_a_file_that_holds_nothing_to_run(file: Path) -> None:
    file.write_text("fragment F on Shop { name }", encoding="utf-8")
    there_is_none = f"{file}: there is no operation; its operations: none.\n"
    assert explain(file) == (1, "", there_is_none)


def test_why_something_is_not_compiled_is_told(file: Path) -> None:
    file.write_text("{ __schema { queryType { name } } }", encoding="utf-8")
    status, said, _ = explain(file)
    assert status == 0
    assert said.splitlines()[1:] == [
        "# Not public: It asks for the schema.",
        "# Not compiled, graphql-core runs it: Introspection.",
        "",
    ]


ONE = "query ($a: Boolean!) { shop { name @skip(if: $a) } }"
TWO = """query ($a: Boolean!, $b: Boolean = true) {
  shop { name @skip(if: $a) currency @include(if: $b) }
}"""


def ways(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("# With ")]


def test_only_the_code_that_is_asked_for(file: Path) -> None:
    file.write_text(TWO, encoding="utf-8")
    assert len(ways(explain(file)[1])) == 4
    said = explain(file, "--skip", "a=true", "--skip", "$b=false")[1]
    assert ways(said) == ["# With $a = true, $b = false:"]
    said = explain(file, "--variables", '{"a": false}')[1]
    assert ways(said) == ["# With $a = false, $b = true:"]
    said = explain(file, "--variables", '{"a": false}', "--skip", "b=false")[1]
    assert ways(said) == ["# With $a = false, $b = false:"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--skip", "b=true"], "Invalid value for --skip: no @skip or @include looks at $b."),
        (["--skip", "a"], "Invalid value for --skip: a is no VARIABLE=true|false."),
        (["--variables", "{"], "Invalid value for --variables: no JSON: "),
        (["--variables", "[]"], "Invalid value for --variables: a JSON object is expected."),
        (
            ["--variables", '{"a": 1}'],
            "Variable '$a' has invalid value: Boolean cannot represent a non boolean value: 1",
        ),
    ],
)
def test_options_that_make_no_sense(file: Path, options: list[str], told: str) -> None:
    file.write_text(ONE, encoding="utf-8")
    status, said, trouble = explain(file, *options)
    assert (status, said) == (2, "")
    assert told in trouble


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    status, said, trouble = explain(tmp_path / "none.graphql")
    assert (status, said) == (2, "")
    assert "does not exist" in trouble
