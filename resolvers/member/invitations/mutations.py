"""acceptInvitation."""

from __future__ import annotations

import strawberry


@strawberry.type
class InvitationsMutation:
    pass
