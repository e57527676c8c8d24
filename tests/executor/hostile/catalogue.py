"""All kinds together."""

from __future__ import annotations

from tests.executor.hostile import documents, requests, sockets, variables
from tests.executor.hostile.kinds import Kind

KINDS: tuple[Kind, ...] = (
    *documents.KINDS,
    *variables.KINDS,
    *requests.KINDS,
    *sockets.KINDS,
)
NAMES = frozenset(kind.name for kind in KINDS)
