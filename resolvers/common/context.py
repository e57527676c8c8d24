"""What a field function may use: who asks, when, in which language, the loaders and the ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from strawberry.types.info import Info as StrawberryInfo

from resolvers.common.errors import unauthenticated
from resolvers.common.messages import Language

if TYPE_CHECKING:
    from loaders import Loaders
    from services.ports import Ports


@dataclass(slots=True)
class Context:
    """One request. `now` is read once at the edge; `member_id` is the verified token's."""

    now: datetime
    language: Language
    loaders: Loaders
    ports: Ports
    member_id: UUID | None = None
    session_id: UUID | None = None
    client_ip: str = ""
    request_id: str = ""
    clock: Callable[[], datetime] | None = None
    """For subscriptions alone, whose events come long after they were opened."""
    was_busy: bool = False
    """Whether something could not be read, so that a subscription tries its event again."""
    memo: dict[Any, Any] = field(default_factory=dict)
    executor_loaders: dict[Any, Any] | None = None
    """Where the executor keeps the loaders of batched fields."""

    def require_member(self) -> UUID:
        """Return the signed-in member's id.

        Raises:
            ApiError: UNAUTHENTICATED without a token.
        """
        if self.member_id is None:
            raise unauthenticated()
        return self.member_id

    def renew(self) -> None:
        """Begin an event of a subscription: it has its own instant, and nothing was read for it."""
        assert self.clock is not None, "the edge gives a clock to whatever may subscribe"
        self.now = self.clock()
        self.loaders.begin(self.now)
        self.memo.clear()
        self.executor_loaders = None
        self.was_busy = False

    def act_as(self, member_id: UUID, session_id: UUID) -> None:
        """Let the rest of the request be the member's own: what follows a sign-in is theirs."""
        self.member_id = member_id
        self.session_id = session_id
        self.loaders.view_as(member_id)


Info = StrawberryInfo[Context, None]
"""The `info` of our field functions."""
