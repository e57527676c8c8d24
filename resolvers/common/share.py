"""Cards for sharing into chats and onto posters, and absolute addresses."""

from __future__ import annotations

import strawberry

from domain.members import SceneKind

DEFAULT_SHARE_IMAGE = "/media/share.png"
"""Stands in where a thing has no picture; WeChat takes only PNG and JPEG."""


@strawberry.type(description="What a mini-program or H5 page needs to share something.")
class ShareCard:
    title: str = strawberry.field(description="The card's title.")
    image_url: str = strawberry.field(description="PNG or JPEG, 5:4.")
    path: str = strawberry.field(description="The mini-program's page with its query.")
    h5_url: str = strawberry.field(description="The same page of the H5 mall.")
    mini_program_code_url: str = strawberry.field(description="Ours, drawn on first view.")


def absolute_url(base_url: str, path: str) -> str:
    """Return the address under which the outside finds one of our own paths."""
    return f"{base_url}{path}" if path.startswith("/") else path


def mini_program_code_url(base_url: str, scene_code: str) -> str:
    """Return where the mini-program code of a scene is served; it is drawn on first view."""
    return f"{base_url}/codes/{scene_code}.png"


def share_card(
    base_url: str, *, kind: SceneKind, target: str, scene_code: str, title: str, image: str | None
) -> ShareCard:
    """Return the card of a thing that has a page of its own."""
    page = kind.value.lower().replace("_", "-")
    return ShareCard(
        title=title,
        image_url=absolute_url(base_url, image or DEFAULT_SHARE_IMAGE),
        path=f"pages/{page}/index?id={target}",
        h5_url=f"{base_url}/h5/{page}/{target}",
        mini_program_code_url=mini_program_code_url(base_url, scene_code),
    )
