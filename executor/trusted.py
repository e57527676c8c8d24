"""Which document a request means: one that is sent, or one that is named by its hash.

Three forms name one: `documentId: "sha256:..."` (GraphQL over HTTP, appendix "Persisted
Documents"), Apollo's `extensions.persistedQuery`, and the text itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from graphql import GraphQLError

from executor.documents import Document, Documents
from executor.engine import UnknownOperation
from executor.manifest import Manifest, TrustedDocument, document_hash
from executor.operation import Operation

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
_PREFIX = "sha256:"
_LONGEST_SHOWN = 80
_UNTRUSTED = (
    "Only documents that were registered when the client was built are run here: "
    "send `documentId` instead of `query`."
)


class Asked(Protocol):
    """What of a request says which document is meant."""

    @property
    def query(self) -> str | None: ...
    @property
    def document_id(self) -> str | None: ...
    @property
    def extensions(self) -> Mapping[str, Any] | None: ...


class DocumentSource:
    """Finds the documents of requests, for HTTP and WebSocket alike.

    With a manifest, its documents are compiled here, once and for good; `broken` tells those that
    the schema doesn't take. When `required`, no other document is run. When `registers`, a client
    may send a text with its hash and from then on the hash alone (Apollo's automatic persisted
    queries): for development, since anybody may fill that memory. It is bounded all the same.
    """

    def __init__(
        self,
        documents: Documents,
        manifest: Manifest | None = None,
        *,
        required: bool = False,
        registers: bool = False,
        registered_size: int = 256,
    ) -> None:
        if required and manifest is None:
            raise ValueError("no document could be run: there is no manifest of trusted ones")
        self.documents = documents
        self.required = required
        self.registers = registers and not required
        self.broken: list[tuple[TrustedDocument, tuple[GraphQLError, ...]]] = []
        self._operations: list[Operation] = []
        self._trusted: dict[str, Document] = {}
        self._trusted_texts: dict[str, Document] = {}
        self._registered: OrderedDict[str, str] = OrderedDict()
        self._registered_size = registered_size
        for trusted in manifest or ():
            self._trust(trusted)

    def __len__(self) -> int:
        """Return how many trusted documents there are."""
        return len(self._trusted)

    def operations(self) -> list[Operation]:
        """Return the operation of each trusted document."""
        return list(self._operations)

    def find(self, request: Asked) -> Document:
        """Return the document of a request. Never raises: what is wrong is in its `errors`."""
        extensions = request.extensions
        if request.document_id is not None:
            return self._by_id(request.document_id, request.query)
        if extensions is not None and "persistedQuery" in extensions:
            return self._by_apollo(extensions["persistedQuery"], request.query)
        if request.query is None:
            return self._refused("BAD_REQUEST", "There is no document: `query` is missing.")
        return self._by_text(request.query)

    def _trust(self, trusted: TrustedDocument) -> None:
        document = self.documents.pin(trusted.text)
        if document.errors:
            self.broken.append((trusted, document.errors))
            return
        try:
            operation = document.operation()
        except UnknownOperation as error:
            self.broken.append((trusted, (GraphQLError(str(error)),)))
            return
        operation.prepare()
        self._operations.append(operation)
        self._trusted[trusted.hash] = self._trusted_texts[trusted.text] = document

    def _by_text(self, text: str) -> Document:
        if not self.required:
            return self.documents.get(text)
        return self._trusted_texts.get(text) or self._refused(NOT_FOUND, _UNTRUSTED)

    def _by_id(self, document_id: str, text: str | None) -> Document:
        if document_id.startswith(_PREFIX):
            found = self._by_hash(document_id.removeprefix(_PREFIX), text)
            if found is not None:
                return found
        shown = document_id[:_LONGEST_SHOWN]
        return self._refused(NOT_FOUND, f"No document is known by the id '{shown}'.")

    def _by_apollo(self, persisted: Any, text: str | None) -> Document:
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            return self._refused("BAD_REQUEST", "`persistedQuery` has no version 1.")
        hash_ = persisted.get("sha256Hash")
        if not isinstance(hash_, str):
            return self._refused("BAD_REQUEST", "`persistedQuery` has no text `sha256Hash`.")
        found = self._by_hash(hash_, text)
        if found is not None:
            return found
        # Clients look for these two messages: after the first they send the text with the hash,
        # after the second they stop naming documents by hash.
        if self.registers or self.required or self._trusted:
            return self._refused(NOT_FOUND, "PersistedQueryNotFound")
        return self._refused(NOT_SUPPORTED, "PersistedQueryNotSupported")

    def _by_hash(self, hash_: str, text: str | None) -> Document | None:
        if text is not None and document_hash(text) != hash_:
            return self._refused("BAD_REQUEST", "The hash is not the one of the document.")
        trusted = self._trusted.get(hash_)
        if trusted is not None:
            return trusted
        if text is None:
            known = self._registered.get(hash_)
            if known is None:
                return None
            self._registered.move_to_end(hash_)
            return self.documents.get(known)
        document = self._by_text(text)
        if self.registers and not document.errors:
            self._register(hash_, text)
        return document

    def _register(self, hash_: str, text: str) -> None:
        self._registered[hash_] = text
        self._registered.move_to_end(hash_)
        if len(self._registered) > self._registered_size:
            self._registered.popitem(last=False)

    def _refused(self, code: str, message: str) -> Document:
        error = GraphQLError(message, extensions={"code": code})
        return Document(self.documents.engine, "", errors=[error])
