"""A manifest of trusted documents: what a client's release may ask, written when it is built.

    {"version": 1, "documents": {"<sha256>": {"name": "Home", "kind": "query", "document": "..."}}}

A document holds one operation and the fragments that it needs. Its key is the SHA-256 of its text
in UTF-8, in lower-case hexadecimal digits (GraphQL over HTTP, appendix "Persisted Documents").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from graphql import OperationType

VERSION = 1
_KINDS = frozenset(kind.value for kind in OperationType)
_MEMBERS = ("name", "kind", "document")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class ManifestError(ValueError):
    """This is no manifest, or it was changed by hand."""


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A document of one operation. `kind` is "query", "mutation" or "subscription"."""

    name: str
    kind: str
    text: str

    @property
    def hash(self) -> str:
        """The SHA-256 that a client asks by."""
        return document_hash(self.text)


class Manifest:
    """Trusted documents by hash, in the order of their operations' names."""

    def __init__(self, documents: Iterable[TrustedDocument] = ()) -> None:
        ordered = sorted(documents, key=lambda document: document.name)
        self.documents = {document.hash: document for document in ordered}

    def __iter__(self) -> Iterator[TrustedDocument]:
        return iter(self.documents.values())

    def __len__(self) -> int:
        return len(self.documents)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest from a file.

        Raises:
            ManifestError: the file can't be read, or holds no sound manifest.
        """
        try:
            return cls.parse(path.read_bytes())
        except OSError as error:
            raise ManifestError(f"can't be read: {error.strerror or error}") from error

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Read a manifest; each document must have the hash that it is filed under.

        Raises:
            ManifestError: tells what isn't as it should be.
        """
        try:
            given = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ManifestError(f"is no JSON: {error}") from error
        if not isinstance(given, dict) or given.get("version") != VERSION:
            raise ManifestError(f"is no manifest of version {VERSION}")
        documents = given.get("documents")
        if not isinstance(documents, dict):
            raise ManifestError("has no object `documents`")
        return cls(_document(hash_, entry) for hash_, entry in documents.items())

    def module(self) -> str:
        """Write a JavaScript module of constants, such as CART_PAGE = { id, text } for CartPage.

        Raises:
            ManifestError: two operations would be constants of the same name.
        """
        names: dict[str, str] = {}
        lines = [
            "// Generated from a client's operations. `id` is what a request's `documentId` takes."
        ]
        for hash_, each in self.documents.items():
            constant = _WORDS.sub("_", each.name).upper()
            other = names.setdefault(constant, each.name)
            if other != each.name:
                raise ManifestError(f"has {other} and {each.name}, which would both be {constant}")
            text = orjson.dumps(each.text).decode()
            lines.append(
                f'export const {constant} = {{\n  id: "sha256:{hash_}",\n  text: {text},\n}};'
            )
        return "\n".join(lines) + "\n"

    def dump(self) -> bytes:
        """Write the manifest: the same bytes for the same documents."""
        documents = {
            hash_: {"name": each.name, "kind": each.kind, "document": each.text}
            for hash_, each in self.documents.items()
        }
        given = {"version": VERSION, "documents": documents}
        return orjson.dumps(given, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def document_hash(text: str) -> str:
    """Return the SHA-256 of a document's text, as clients and manifests write it."""
    # Half a surrogate pair can't be in a document, but asking for its hash shouldn't raise.
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _document(hash_: str, entry: Any) -> TrustedDocument:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(m), str) for m in _MEMBERS):
        raise ManifestError(f"has a document {hash_} without name, kind and document")
    document = TrustedDocument(*(entry[member] for member in _MEMBERS))
    if document.kind not in _KINDS:
        raise ManifestError(f"has a document {document.name} of kind {document.kind!r}")
    if document.hash != hash_:
        raise ManifestError(f"has a document {document.name} that isn't the one of its hash")
    return document
