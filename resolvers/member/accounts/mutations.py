"""deleteAccount and requestDataExport."""

from __future__ import annotations

import strawberry


@strawberry.type
class AccountsMutation:
    pass
