"""scene."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.members import SceneKind
from executor.hints import public
from resolvers.common.context import Info
from resolvers.common.public import KEPT_SECONDS
from services.scenes import SceneFound, find_scene

strawberry.enum(SceneKind, name="SceneKind", description="Where a poster's QR leads.")


@strawberry.type(description="What a poster's QR code means.")
class Scene:
    code: str = strawberry.field(description="What WeChat hands over as `scene`.")
    kind: SceneKind = strawberry.field(description="Which page to open.")
    target_id: strawberry.ID | None = strawberry.field(description="The thing on that page.")
    invite_code: str | None = strawberry.field(
        description="Whose invitation it is; to be sent along when signing in."
    )

    @classmethod
    def of(cls, found: SceneFound) -> Scene:
        """Show a scene."""
        return cls(
            code=found.code,
            kind=found.kind,
            target_id=strawberry.ID(found.target_id) if found.target_id else None,
            invite_code=found.invite_code,
        )


@strawberry.type
class ScenesQuery:
    @strawberry.field(
        # A code never changes its meaning. That it ends, or that who invited leaves, is seen late.
        metadata=public(seconds=KEPT_SECONDS),
        description="What a QR code means; null when it means nothing, or no longer.",
    )
    async def scene(
        self,
        info: Info,
        scene_code: Annotated[
            str, strawberry.argument(description="As WeChat hands it over, or from a link.")
        ],
    ) -> Scene | None:
        found = await find_scene(scene_code, now=info.context.now)
        return None if found is None else Scene.of(found)
