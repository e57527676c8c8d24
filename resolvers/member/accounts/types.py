"""A member's export of their data, and the code that they show at a till."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from domain.accounts import ExportStatus
from resolvers.common.context import Context
from resolvers.common.share import absolute_url
from services import data_export, member_codes

strawberry.enum(ExportStatus, name="DataExportStatus", description="How far an export is.")


@strawberry.type(description="All of a member's data, to be fetched.")
class DataExport:
    status: ExportStatus = strawberry.field(description="How far it is.")
    url: str | None = strawberry.field(
        description="A JSON file, while it is READY; whoever has the address can fetch it."
    )
    expires_at: datetime | None = strawberry.field(description="Until when it can be fetched.")

    @classmethod
    async def of(cls, member_id: UUID, context: Context) -> DataExport | None:
        """Show a member's latest export to themselves."""
        ports = context.ports
        shown = await data_export.latest(member_id, ports.personal_data, now=context.now)
        if shown is None:
            return None
        return cls(
            status=shown.status,
            url=absolute_url(ports.public_base_url, shown.path) if shown.path else None,
            expires_at=shown.expires_at,
        )


@strawberry.type(description="What a member shows at a till.")
class MemberCode:
    text: str = strawberry.field(description="18 digits, for a barcode; new every minute.")
    expires_at: datetime = strawberry.field(description="The first instant it is refused.")

    @classmethod
    def of(cls, member_no: str, context: Context) -> MemberCode:
        """Make the code of this minute."""
        keys = context.ports.personal_data
        text, expires_at = member_codes.show(member_no, keys, now=context.now)
        return cls(text=text, expires_at=expires_at)
