"""Trusted documents: the shop's own, and those of the clients that the settings name."""

from __future__ import annotations

from pathlib import Path

import structlog

from executor.documents import Documents
from executor.manifest import Manifest, ManifestError
from executor.trusted import DocumentSource
from settings import Settings
from settings.errors import Problem, SettingsError

SHOP = Path(__file__).with_name("documents") / "shop.json"
"""The demo shop is served by us, so what it asks is known whatever the settings say."""

log = structlog.get_logger(__name__)


def trusted_manifest(settings: Settings) -> Manifest:
    """Return all trusted documents, of as many releases of clients as there are.

    Raises:
        SettingsError: a file is no manifest.
    """
    documents = list(Manifest.read(SHOP))
    for file in settings.trusted_documents:
        try:
            documents += Manifest.read(file)
        except ManifestError as error:
            expected = "a file that `mall documents build` wrote"
            raise SettingsError(
                [Problem("TRUSTED_DOCUMENTS", f"{file} {error}", expected)]
            ) from error
    return Manifest(documents)


def trusted_source(settings: Settings, documents: Documents) -> DocumentSource:
    """Return where documents come from, the trusted ones compiled.

    One that the schema doesn't take is logged: its client is older, or newer, than the server.
    """
    source = DocumentSource(
        documents,
        trusted_manifest(settings),
        required=settings.trusted_documents_only,
        registers=not settings.in_production,
    )
    for document, errors in source.broken:
        log.warning(
            "trusted_document_broken", name=document.name, hash=document.hash, error=str(errors[0])
        )
    return source
