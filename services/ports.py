"""The outside world as the services see it: one `Ports` for each process, built at the edges.

Each port is a Protocol beside its use; this is only the bundle that the context carries.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ports:
    """Every gateway that a use case may be handed.

    `public_base_url` is how the outside reaches the web server, without a slash at the end.
    """

    public_base_url: str
