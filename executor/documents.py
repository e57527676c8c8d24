"""Documents, parsed, guarded and validated once, and kept while they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    parse,
)

from executor.engine import Engine
from executor.guard import Guard, GuardReport, Limits, too_much
from executor.operation import MAX_VARIANTS, Operation
from executor.validation import validator

# What documents take in memory: upper bounds, measured by a test.
BYTES_A_DOCUMENT = 15_000
BYTES_A_TOKEN = 800
"""Of the syntax tree."""
BYTES_A_PROGRAM = 24_000
BYTES_A_FIELD = 1_800
"""Of the code for it, which is written anew wherever fragments spread it."""
BYTES_AN_ERROR = 1_000


class Document:
    """A document that may run, or what is wrong with it.

    `errors` is empty, or says all that the client is told; only then `ast` and `report` are None.
    """

    __slots__ = ("_engine", "_operations", "ast", "errors", "report", "text", "tokens")

    def __init__(
        self,
        engine: Engine,
        text: str,
        *,
        ast: DocumentNode | None = None,
        report: GuardReport | None = None,
        errors: Iterable[GraphQLError] = (),
    ) -> None:
        self.text = text
        self.ast = ast
        self.report = report
        self.errors = tuple(errors)
        self.tokens = ast.token_count if ast is not None else 0
        self._engine = engine
        self._operations: dict[str | None, Operation] = {}

    @property
    def size(self) -> int:
        """How many bytes it takes at most, once all that can be compiled of it is."""
        size = BYTES_A_DOCUMENT + len(self.text) + BYTES_AN_ERROR * len(self.errors)
        if self.report is not None:
            operations = [measure.fields for _, measure in self.report.operations]
            program = BYTES_A_PROGRAM * len(operations) + BYTES_A_FIELD * sum(operations)
            variants = min(MAX_VARIANTS, 2 ** len(self.report.conditions))
            size += BYTES_A_TOKEN * self.tokens + program * variants
        return size

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
            (self._refused if found.errors else self._good).put(text, found, found.size)
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
            return self._read(text)
        except RecursionError:
            return self._refuse(text, _bad("The document is nested too deeply."))

    def check(self, ast: DocumentNode) -> list[GraphQLError]:
        """Return what is wrong with a parsed document: what is too much, else what is invalid."""
        return self._guard.report(ast).errors or self._validate(ast)

    def _read(self, text: str) -> Document:
        limits = self.limits
        if len(text) > limits.characters:
            return self._refuse(text, too_much("characters", len(text), limits.characters))
        if not text.isascii() and not _is_unicode(text):
            return self._refuse(text, _bad("The document holds half of a surrogate pair."))
        try:
            ast = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            return self._refuse(text, _syntax_error(error, limits))
        _unlink_tokens(ast)
        report = self._guard.report(ast)
        errors = report.errors or self._validate(ast)
        if errors:
            return self._refuse(text, *errors)
        return Document(self.engine, text, ast=ast, report=report)

    def _refuse(self, text: str, *errors: GraphQLError) -> Document:
        return Document(self.engine, text, errors=[_without_tree(error) for error in errors])


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


def _unlink_tokens(ast: DocumentNode) -> None:
    """Let tokens know their next neighbours alone.

    With both, a document that is no longer kept would be a circle of thousands of objects, and wait
    for a full garbage collection, which makes everybody wait.
    """
    token = ast.loc.start_token if ast.loc is not None else None
    while token is not None:
        token.prev = None
        token = token.next


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
