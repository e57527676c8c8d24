"""Documents, parsed, guarded and validated once, and kept while they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)

from executor.engine import Engine
from executor.guard import Guard, Limits, too_much
from executor.measure import Measure
from executor.operation import Operation
from executor.validation import validator

BYTES_A_TOKEN = 600
"""What the syntax tree takes for each token of the text; an upper bound, measured by a test."""
BYTES_AN_ERROR = 1_000


class Document:
    """A document that may run, or what is wrong with it.

    `errors` is empty, or says all that the client is told; only then `ast` is None.
    """

    __slots__ = ("_engine", "_operations", "ast", "errors", "text", "tokens")

    def __init__(
        self,
        engine: Engine,
        text: str,
        *,
        ast: DocumentNode | None = None,
        errors: Iterable[GraphQLError] = (),
    ) -> None:
        self.text = text
        self.ast = ast
        self.errors = tuple(errors)
        self.tokens = ast.token_count if ast is not None else 0
        self._engine = engine
        self._operations: dict[str | None, Operation] = {}

    def operation(self, name: str | None = None) -> Operation:
        """Return an operation, compiled when it is asked for first: the same object ever after.

        Raises:
            UnknownOperation: the document has none of this name, or several and none was named.
        """
        assert self.ast is not None, "only a document without errors has operations"
        found = self._operations.get(name)
        if found is None:
            # Names that aren't there raise, so no client can fill the dictionary.
            found = self._engine.operation(self.ast, name)
            found = self._operations.setdefault(found.name, found)
            self._operations[name] = found
        return found


class Documents:
    """Turns texts into documents, and keeps the last ones that were asked for.

    Bounded in number and in bytes (an estimate of what they take). Refused ones are kept apart, in
    a quarter of the room, so that a flood of them doesn't push out those that members ask for.
    """

    def __init__(
        self,
        engine: Engine,
        limits: Limits | None = None,
        *,
        size: int = 256,
        max_bytes: int = 32 * 1_024 * 1_024,
    ) -> None:
        self.engine = engine
        self.limits = limits or Limits()
        self._guard = Guard(engine.schema, self.limits)
        self._validate = validator(engine.schema, self.limits)
        self._pinned: dict[str, Document] = {}
        self._good = _Recent(size, max_bytes)
        self._refused = _Recent(max(1, size // 4), max_bytes // 4)

    def get(self, text: str) -> Document:
        """Return the document of a text. Never raises: what is wrong is in its `errors`."""
        found = self._pinned.get(text) or self._good.get(text) or self._refused.get(text)
        if found is None:
            found = self.read(text)
            if len(text) > self.limits.characters:
                # It would take more room than it takes time to refuse it again.
                return found
            if found.errors:
                size = len(found.text) + BYTES_AN_ERROR * len(found.errors)
                self._refused.put(text, found, size)
            else:
                self._good.put(text, found, len(found.text) + BYTES_A_TOKEN * found.tokens)
        return found

    def pin(self, text: str) -> Document:
        """Return the document of a text, and keep it for good if nothing is wrong with it."""
        found = self.get(text)
        if not found.errors:
            self._pinned[text] = found
        return found

    def read(self, text: str) -> Document:
        """Return the document of a text, made anew and not kept."""
        try:
            ast, errors = self._checked(text)
        except RecursionError:
            ast, errors = None, [_bad("The document is nested too deeply.")]
        return Document(
            self.engine,
            text,
            ast=None if errors else ast,
            errors=[_without_tree(error) for error in errors],
        )

    def check(self, ast: DocumentNode) -> list[GraphQLError]:
        """Return what is wrong with a parsed document: what is too much, else what is invalid."""
        return self._guard.report(ast).errors or self._validate(ast)

    def measure(self, document: Document) -> list[tuple[OperationDefinitionNode, Measure]]:
        """Return what each operation of a document asks."""
        assert document.ast is not None, "only a document without errors has operations"
        return self._guard.report(document.ast).operations

    def _checked(self, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
        limits = self.limits
        if len(text) > limits.characters:
            return None, [too_much("characters", len(text), limits.characters)]
        if not text.isascii() and not _is_unicode(text):
            return None, [_bad("The document holds half a surrogate pair, which is no character.")]
        try:
            ast = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            return None, [_syntax_error(error, limits)]
        return ast, self.check(ast)


class _Recent:
    """Documents by text, the last used last; bounded in number and in bytes."""

    def __init__(self, size: int, max_bytes: int) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, tuple[Document, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> Document | None:
        kept = self._kept.get(text)
        if kept is None:
            return None
        self._kept.move_to_end(text)
        return kept[0]

    def put(self, text: str, document: Document, size: int) -> None:
        """Keep a document, unless it alone takes more than there is room for."""
        if size > self._max_bytes:
            return
        self._kept[text] = document, size
        self._bytes += size
        while len(self._kept) > self._size or self._bytes > self._max_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _syntax_error(error: GraphQLSyntaxError, limits: Limits) -> GraphQLError:
    error.extensions = {"code": "BAD_REQUEST"}
    for kind in ("tokens", "comments"):
        if error.message.startswith(
            f"Syntax Error: Document contains more than {limits.tokens} {kind}"
        ):
            error.extensions |= {"limit": "tokens", "maximum": limits.tokens}
    return error


def _without_tree(error: GraphQLError) -> GraphQLError:
    """Return the same error without nodes and frames, which would keep the whole tree in memory."""
    bare = GraphQLError(error.message, extensions=error.extensions)
    # Given a source, the constructor would search the text for its lines once more.
    bare.locations = error.locations
    return bare
