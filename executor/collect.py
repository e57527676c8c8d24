"""Collects a client's operations from its files into a manifest of trusted documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    parse,
    print_ast,
)

from executor.documents import Documents
from executor.manifest import Manifest, TrustedDocument

SUFFIXES = (".graphql", ".gql")
Definition = TypeVar("Definition", OperationDefinitionNode, FragmentDefinitionNode)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What keeps an operation out of a manifest, and where that is written."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(slots=True)
class Collected:
    """The manifest of the operations that are sound, and what is wrong with the others."""

    manifest: Manifest
    problems: list[Problem]


def collect(directory: Path, documents: Documents) -> Collected:
    """Read every *.graphql and *.gql file below a directory.

    A fragment may stand in another file than the operations that spread it. Each operation becomes
    a document of its own with the fragments that it needs, printed the canonical way. It must have
    a name that no other has, be valid, and stay within the limits of `documents`.
    """
    return _Collector(documents).run(directory)


def collect_file(file: Path, documents: Documents) -> Collected:
    """Read the operations of one file; fragments that it lacks may stand in the files beside it.

    An operation that is alone in its file needs no name.
    """
    return _Collector(documents).run_file(file)


class _Collector:
    """What a client's files define, and what is wrong with it."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._operations: dict[str, OperationDefinitionNode] = {}
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._problems: list[Problem] = []

    def run(self, directory: Path) -> Collected:
        files = sorted(path for path in directory.rglob("*") if path.suffix in SUFFIXES)
        for path in files:
            for definition in self._read(path, path.relative_to(directory).as_posix()):
                self._define(definition)
        return self._collected()

    def run_file(self, file: Path) -> Collected:
        definitions = self._read(file, str(file))
        operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
        if len(operations) == 1 and operations[0].name is None:
            self._operations[""] = operations[0]
            definitions = tuple(each for each in definitions if each is not operations[0])
        for definition in definitions:
            self._define(definition)
        if any(self._lacks_fragments(operation) for operation in operations):
            self._borrow_fragments(file)
        return self._collected()

    def _collected(self) -> Collected:
        trusted = [
            document
            for operation in self._operations.values()
            if (document := self._document(operation)) is not None
        ]
        # Operations that share a broken fragment all tell the same.
        return Collected(Manifest(trusted), sorted(set(self._problems)))

    def _borrow_fragments(self, file: Path) -> None:
        for path in sorted(file.parent.iterdir()):
            if path.suffix in SUFFIXES and path != file:
                for definition in self._read(path, str(path)):
                    if isinstance(definition, FragmentDefinitionNode):
                        self._fragments.setdefault(definition.name.value, definition)

    def _read(self, path: Path, name: str) -> tuple[DefinitionNode, ...]:
        try:
            return parse(Source(path.read_text(encoding="utf-8"), name)).definitions
        except UnicodeDecodeError:
            self._problems.append(Problem(name, 1, "This is not UTF-8."))
        except GraphQLSyntaxError as error:
            self._problems.append(_problem(error))
        return ()

    def _define(self, definition: DefinitionNode) -> None:
        if isinstance(definition, FragmentDefinitionNode):
            self._add(definition.name.value, definition, self._fragments)
        elif not isinstance(definition, OperationDefinitionNode):
            self._say(definition, "Only operations and fragments are expected.")
        elif definition.name is None:
            self._say(definition, "An operation needs a name.")
        else:
            self._add(definition.name.value, definition, self._operations)

    def _add(self, name: str, definition: Definition, known: dict[str, Definition]) -> None:
        first = known.setdefault(name, definition)
        if first is not definition:
            there = _problem(GraphQLError("", first))
            self._say(definition, f"'{name}' is in {there.file}:{there.line} already.")

    def _say(self, definition: DefinitionNode, message: str) -> None:
        self._problems.append(_problem(GraphQLError(message, definition)))

    def _document(self, operation: OperationDefinitionNode) -> TrustedDocument | None:
        """Return the document of an operation; None, with the problems told, if it isn't sound."""
        tree = DocumentNode(definitions=(operation, *self._needed(operation)))
        errors = self._documents.check(tree)
        text = print_ast(tree)
        if not errors and (limits := self._documents.read(text).errors):
            # The length of the text, which has no place in a file of its own.
            errors = [GraphQLError(error.message, operation) for error in limits]
        if errors:
            self._problems += [_problem(error, operation) for error in errors]
            return None
        name = operation.name.value if operation.name else ""
        return TrustedDocument(name, operation.operation.value, text)

    def _lacks_fragments(self, operation: OperationDefinitionNode) -> bool:
        return None in self._spread(operation).values()

    def _needed(self, operation: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
        """Return the fragments that an operation spreads, and those that they spread, by name."""
        return [found for _, found in sorted(self._spread(operation).items()) if found is not None]

    def _spread(
        self, operation: OperationDefinitionNode
    ) -> dict[str, FragmentDefinitionNode | None]:
        """Return what an operation spreads, by name; None for a fragment that isn't there."""
        spread: dict[str, FragmentDefinitionNode | None] = {}
        waiting = [operation.selection_set]
        while waiting:
            for selection in waiting.pop().selections:
                if not isinstance(selection, FragmentSpreadNode):
                    below: SelectionSetNode | None = getattr(selection, "selection_set", None)
                    if below is not None:
                        waiting.append(below)
                    continue
                name = selection.name.value
                if name in spread:
                    continue
                spread[name] = self._fragments.get(name)
                if (fragment := spread[name]) is not None:
                    waiting.append(fragment.selection_set)
        return spread


def _problem(error: GraphQLError, otherwise: DefinitionNode | None = None) -> Problem:
    """Tell an error with its file and line; those of a definition, if it has none itself."""
    if error.source is None or not error.locations:
        error = GraphQLError(error.message, otherwise)
    assert error.source is not None, "what was parsed from a file knows its place"
    assert error.locations, "what was parsed from a file knows its place"
    return Problem(error.source.name, error.locations[0].line, error.message)
