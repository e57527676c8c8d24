"""Which document a request means: sent, trusted, or registered by an earlier request."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import build_schema, parse, print_ast
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.collect import Problem, collect, collect_file
from executor.documents import Document, Documents
from executor.engine import Engine
from executor.guard import Limits
from executor.manifest import Manifest, ManifestError, TrustedDocument
from executor.trusted import DocumentSource

SCHEMA = build_schema(
    """
    type Query { name: String item(id: ID): Item }
    type Mutation { change(name: String): Item }
    type Item { name: String item: Item }
    """
)
NAME = "query Name {\n  name\n}"
CHANGE = "mutation Change {\n  change {\n    name\n  }\n}"
MANIFEST = Manifest(
    [TrustedDocument("Name", "query", NAME), TrustedDocument("Change", "mutation", CHANGE)]
)
OTHER = "{ item { name } }"


@dataclass(frozen=True)
class Asked:
    """A request, as far as it says which document is meant."""

    query: str | None = None
    document_id: str | None = None
    extensions: dict[str, Any] | None = None


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def by_id(text: str, query: str | None = None) -> Asked:
    return Asked(query, f"sha256:{hash_of(text)}")


def by_apollo(text: str, query: str | None = None) -> Asked:
    persisted = {"version": 1, "sha256Hash": hash_of(text)}
    return Asked(query, extensions={"persistedQuery": persisted})


def documents(**options: Any) -> Documents:
    return Documents(Engine(SCHEMA), **options)


def source(manifest: Manifest | None = MANIFEST, **options: Any) -> DocumentSource:
    return DocumentSource(documents(), manifest, **options)


def told(document: Document) -> list[tuple[str, Any]]:
    return [(error.message, (error.extensions or {})["code"]) for error in document.errors]


FORMS = pytest.mark.parametrize("named", [by_id, by_apollo])
UNTRUSTED = (
    "Only documents that were registered when the client was built are run here: "
    "send `documentId` instead of `query`."
)


# Texts.


def test_a_text_is_its_document() -> None:
    found = source().find(Asked(OTHER))
    assert (found.text, found.errors) == (OTHER, ())
    assert told(source().find(Asked("{ nam }"))) == [
        ("Cannot query field 'nam' on type 'Query'. Did you mean 'name'?", "BAD_REQUEST")
    ]


def test_a_request_without_a_document_is_told_so() -> None:
    expected = [("There is no document: `query` is missing.", "BAD_REQUEST")]
    assert told(source().find(Asked())) == expected
    assert told(source().find(Asked(extensions={}))) == expected


def test_the_text_of_a_trusted_document_is_the_trusted_document() -> None:
    made = source()
    assert made.find(Asked(NAME)) is made.find(by_id(NAME))


# Trusted documents.


@FORMS
def test_a_trusted_document_is_found_by_its_hash(named: Any) -> None:
    made = source()
    found = made.find(named(NAME))
    assert (found.text, found.errors) == (NAME, ())
    assert made.find(named(NAME)) is found
    assert made.find(named(NAME, NAME)) is found


def test_trusted_documents_are_compiled_at_once_and_stay() -> None:
    kept = documents(size=1)
    made = DocumentSource(kept, MANIFEST)
    assert (len(made), made.broken) == (2, [])
    found = made.find(by_id(NAME))
    assert found._operations["Name"] is found.operation("Name")
    kept.get(OTHER)
    kept.get("{ item { item { name } } }")
    assert made.find(Asked(NAME)) is found


def test_what_the_schema_does_not_take_is_told_and_not_found() -> None:
    broken = TrustedDocument("Broken", "query", "query Broken {\n  nam\n}")
    made = source(Manifest([*MANIFEST, broken]), required=True)
    assert len(made) == 2
    [(document, [error])] = made.broken
    assert document is broken
    assert error.message == "Cannot query field 'nam' on type 'Query'. Did you mean 'name'?"
    [(_, code)] = told(made.find(by_id(broken.text)))
    assert code == "PERSISTED_QUERY_NOT_FOUND"


def test_an_unknown_id_is_told() -> None:
    for made in (source(), source(required=True), source(registers=True), source(None)):
        [(message, code)] = told(made.find(by_id(OTHER)))
        assert code == "PERSISTED_QUERY_NOT_FOUND"
        assert message == f"No document is known by the id 'sha256:{hash_of(OTHER)}'."


@pytest.mark.parametrize("document_id", ["Home", "sha256:", "md5:" + "0" * 32, "x" * 1_000])
def test_an_id_of_another_kind_is_unknown(document_id: str) -> None:
    found = source().find(Asked(document_id=document_id))
    message = f"No document is known by the id '{document_id[:80]}'."
    assert told(found) == [(message, "PERSISTED_QUERY_NOT_FOUND")]


def test_a_hash_in_capitals_is_unknown() -> None:
    found = source().find(Asked(document_id=f"sha256:{hash_of(NAME).upper()}"))
    assert [code for _, code in told(found)] == ["PERSISTED_QUERY_NOT_FOUND"]


# Only trusted documents.


def test_when_required_no_other_text_is_run() -> None:
    made = source(required=True)
    assert told(made.find(Asked(OTHER))) == [(UNTRUSTED, "PERSISTED_QUERY_NOT_FOUND")]
    assert told(made.find(Asked(NAME + " "))) == [(UNTRUSTED, "PERSISTED_QUERY_NOT_FOUND")]
    assert made.find(Asked(NAME)).text == NAME


@FORMS
def test_when_required_nothing_can_be_registered(named: Any) -> None:
    made = source(required=True, registers=True)
    assert told(made.find(named(OTHER, OTHER))) == [(UNTRUSTED, "PERSISTED_QUERY_NOT_FOUND")]
    assert [code for _, code in told(made.find(named(OTHER)))] == ["PERSISTED_QUERY_NOT_FOUND"]
    assert made.find(named(NAME)).text == NAME


def test_to_require_them_there_must_be_some() -> None:
    with pytest.raises(ValueError, match="there is no manifest"):
        source(None, required=True)


# Registered by an earlier request.


def test_apollo_registers_with_the_text_and_asks_without_it() -> None:
    made = source(None, registers=True)
    assert told(made.find(by_apollo(OTHER))) == [
        ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    ]
    found = made.find(by_apollo(OTHER, OTHER))
    assert (found.text, found.errors) == (OTHER, ())
    assert made.find(by_apollo(OTHER)) is found
    assert made.find(by_id(OTHER)) is found


def test_where_nothing_is_registered_apollo_is_told_to_stop_asking() -> None:
    made = source(None)
    expected = [("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")]
    assert told(made.find(by_apollo(OTHER))) == expected
    assert made.find(by_apollo(OTHER, OTHER)).text == OTHER
    assert told(made.find(by_apollo(OTHER))) == expected


@FORMS
@pytest.mark.parametrize("options", [{}, {"registers": True}, {"required": True}])
def test_a_hash_of_another_text_is_refused(named: Any, options: dict[str, Any]) -> None:
    made = source(**options)
    for hashed, sent in ((NAME, OTHER), (OTHER, NAME)):
        expected = [("The hash is not the one of the document.", "BAD_REQUEST")]
        assert told(made.find(named(hashed, sent))) == expected
    assert [code for _, code in told(made.find(named(OTHER)))] == ["PERSISTED_QUERY_NOT_FOUND"]


def test_what_is_refused_is_not_registered() -> None:
    made = source(None, registers=True)
    bad = "{ nam }"
    assert [code for _, code in told(made.find(by_apollo(bad, bad)))] == ["BAD_REQUEST"]
    assert told(made.find(by_apollo(bad))) == [
        ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    ]


def test_the_registered_texts_that_were_used_last_stay() -> None:
    made = source(None, registers=True, registered_size=2)
    texts = [f"query Q{number} {{ name }}" for number in range(3)]
    for text in texts[:2]:
        made.find(by_apollo(text, text))
    made.find(by_apollo(texts[0]))
    made.find(by_apollo(texts[2], texts[2]))
    found = [made.find(by_apollo(text)).text for text in texts]
    assert found == [texts[0], "", texts[2]]


def test_a_registered_document_that_was_pushed_out_is_read_again() -> None:
    made = DocumentSource(documents(size=1), registers=True)
    first = made.find(by_apollo(NAME, NAME))
    made.find(by_apollo(OTHER, OTHER))
    again = made.find(by_apollo(NAME))
    assert again is not first
    assert (again.text, again.errors) == (NAME, ())


@pytest.mark.parametrize(
    ("persisted", "message"),
    [
        (None, "`persistedQuery` has no version 1."),
        ([], "`persistedQuery` has no version 1."),
        ({}, "`persistedQuery` has no version 1."),
        ({"version": 2, "sha256Hash": ""}, "`persistedQuery` has no version 1."),
        ({"version": 1}, "`persistedQuery` has no text `sha256Hash`."),
        ({"version": 1, "sha256Hash": 5}, "`persistedQuery` has no text `sha256Hash`."),
    ],
)
def test_a_malformed_persisted_query_is_told(persisted: Any, message: str) -> None:
    found = source().find(Asked(NAME, extensions={"persistedQuery": persisted}))
    assert told(found) == [(message, "BAD_REQUEST")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.none() | st.text(),
    st.none() | st.text(),
    st.none() | st.fixed_dictionaries({"persistedQuery": JSON}),
    st.sampled_from([{}, {"registers": True}, {"required": True}]),
)
@settings(max_examples=200, deadline=None)
def test_no_request_makes_it_raise(
    query: str | None, document_id: str | None, extensions: Any, options: dict[str, Any]
) -> None:
    found = source(**options).find(Asked(query, document_id, extensions))
    assert found.errors or found.operation() is not None


# The manifest.


def test_a_manifest_says_which_operation_has_which_hash() -> None:
    assert orjson.loads(MANIFEST.dump()) == {
        "version": 1,
        "documents": {
            hash_of(CHANGE): {"name": "Change", "kind": "mutation", "document": CHANGE},
            hash_of(NAME): {"name": "Name", "kind": "query", "document": NAME},
        },
    }
    assert [document.name for document in Manifest.parse(MANIFEST.dump())] == ["Change", "Name"]
    assert Manifest(reversed([*MANIFEST])).dump() == MANIFEST.dump()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("[]", "is no manifest of version 1"),
        ('{"version": 2, "documents": {}}', "is no manifest of version 1"),
        ('{"version": 1}', "has no object `documents`"),
        ('{"version": 1, "documents": {"x": 1}}', "has a document x without name, kind and"),
        (
            '{"version": 1, "documents": {"x": {"name": "A", "kind": "query"}}}',
            "has a document x without name, kind and document",
        ),
        (
            '{"version": 1, "documents": {"x": {"name": "A", "kind": "q", "document": ""}}}',
            "has a document A of kind 'q'",
        ),
        (
            '{"version": 1, "documents": {"x": {"name": "A", "kind": "query", "document": ""}}}',
            "has a document A that isn't the one of its hash",
        ),
    ],
)
def test_what_is_no_manifest_is_told(given: str, message: str) -> None:
    with pytest.raises(ManifestError) as raised:
        Manifest.parse(given.encode())
    assert str(raised.value).startswith(message)


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(ManifestError, match="is no JSON"):
        Manifest.parse(b"{")


def test_a_manifest_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    with pytest.raises(ManifestError, match="can't be read: No such file"):
        Manifest.read(file)
    file.write_bytes(MANIFEST.dump())
    assert [document.text for document in Manifest.read(file)] == [CHANGE, NAME]


# Collecting a client's operations.


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_each_operation_becomes_a_document_with_the_fragments_that_it_needs(
    tmp_path: Path,
) -> None:
    folder = write(
        tmp_path,
        pages__home_graphql="# A page.\nquery Home { item { ...B, ...B } } query Plain{name}",
        pages__more_gql='"""Changes."""\nmutation Change($n: String) { change(name: $n) {...A} }',
        shared_graphql=(
            "fragment B on Item { item { ... { ...A } } } fragment A on Item { name }"
            " fragment Unused on Item { name }"
        ),
        readme_txt="not read",
    )
    found = collect(folder, documents())
    assert found.problems == []
    assert {document.name: document.kind for document in found.manifest} == {
        "Change": "mutation",
        "Home": "query",
        "Plain": "query",
    }
    texts = {document.name: document.text for document in found.manifest}
    a = "fragment A on Item {\n  name\n}"
    b = "fragment B on Item {\n  item {\n    ... {\n      ...A\n    }\n  }\n}"
    assert texts["Plain"] == "query Plain {\n  name\n}"
    assert texts["Home"] == (
        "query Home {\n  item {\n    ...B\n    ...B\n  }\n}\n\n" + a + "\n\n" + b
    )
    assert texts["Change"] == (
        '"""Changes."""\nmutation Change($n: String) {\n  change(name: $n) {\n    ...A\n  }\n}'
        "\n\n" + a
    )


def test_every_document_is_printed_as_graphql_js_prints_it(tmp_path: Path) -> None:
    write(tmp_path, a_graphql="query Name{name}")
    [document] = collect(tmp_path, documents()).manifest
    assert document.text == print_ast(parse(document.text))


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_graphql="query One { name }\nquery Two { nam }\n\n{ name }",
        b_graphql="query One { name }\nfragment F on Item { name }\nquery Three {\nitem { ...G } }",
        c_graphql="fragment F on Item { item { name } }\ntype A { b: Int }\nquery Four { ...L }",
        d_graphql="query {\n  name",
        e_graphql="fragment L on Query { ...L }\nquery Deep { item { item { item { name } } } }",
    )
    (tmp_path / "f.graphql").write_bytes(b"query Bad { name } # \xff")
    found = collect(tmp_path, documents(limits=Limits(depth=3)))
    assert [document.name for document in found.manifest] == ["One"]
    assert found.problems == [
        Problem("a.graphql", 2, "Cannot query field 'nam' on type 'Query'. Did you mean 'name'?"),
        Problem("a.graphql", 4, "An operation needs a name."),
        Problem("b.graphql", 1, "'One' is in a.graphql:1 already."),
        Problem("b.graphql", 4, "Unknown fragment 'G'."),
        Problem("c.graphql", 1, "'F' is in b.graphql:2 already."),
        Problem("c.graphql", 2, "Only operations and fragments are expected."),
        Problem("d.graphql", 2, "Syntax Error: Expected Name, found <EOF>."),
        Problem("e.graphql", 1, "Fragment 'L' spreads itself."),
        Problem("e.graphql", 2, "The document is 4 fields deep; the limit is 3."),
        Problem("f.graphql", 1, "This is not UTF-8."),
    ]
    assert str(found.problems[1]) == "a.graphql:4: An operation needs a name."


def test_an_operation_too_long_is_told_at_its_line(tmp_path: Path) -> None:
    write(tmp_path, a_graphql="\nquery Long { name name name name }")
    found = collect(tmp_path, documents(limits=Limits(tokens=5)))
    assert found.problems == [
        Problem(
            "a.graphql",
            2,
            "Syntax Error: Document contains more than 5 tokens. Parsing aborted.",
        )
    ]


def test_a_folder_without_documents_gives_an_empty_manifest(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        found = collect(folder, documents())
        assert (len(found.manifest), found.problems) == (0, [])


def test_one_file_borrows_the_fragments_that_it_lacks(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        home_graphql="query Home { item { ...A } } fragment B on Item { name }",
        plain_graphql="{ item { ...B } }",
        shared_graphql="fragment A on Item { ...B } fragment B on Item { item { name } }",
        z_gql="fragment A on Item { gone } query Other { nam }",
        sub__deep_graphql="fragment A on Item { name }",
    )
    found = collect_file(folder / "home.graphql", documents())
    # Its own fragments go first, then those of the first file that has one.
    assert [document.name for document in found.manifest] == ["Home"]
    assert found.problems == []
    [document] = found.manifest
    assert document.text.endswith(
        "fragment A on Item {\n  ...B\n}\n\nfragment B on Item {\n  name\n}"
    )


def test_an_operation_alone_in_its_file_needs_no_name(tmp_path: Path) -> None:
    write(tmp_path, a_graphql="{ name }", b_graphql="{ name } query Two { name }")
    [document] = collect_file(tmp_path / "a.graphql", documents()).manifest
    assert (document.name, document.text) == ("", "{\n  name\n}")
    found = collect_file(tmp_path / "b.graphql", documents())
    file = str(tmp_path / "b.graphql")
    assert found.problems == [Problem(file, 1, "An operation needs a name.")]


def test_what_is_wrong_with_a_file_beside_it_is_told_where_it_is_needed(tmp_path: Path) -> None:
    write(tmp_path, a_graphql="query A { name }", b_graphql="query B { item { ...F } }")
    write(tmp_path, c_graphql="fragment F on Item {\n  name")
    assert collect_file(tmp_path / "a.graphql", documents()).problems == []
    found = collect_file(tmp_path / "b.graphql", documents())
    assert found.problems == [
        Problem(str(tmp_path / "b.graphql"), 1, "Unknown fragment 'F'."),
        Problem(str(tmp_path / "c.graphql"), 2, "Syntax Error: Expected Name, found <EOF>."),
    ]
