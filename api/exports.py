"""GET /exports/<id>.<proof>: a member's own data, for whoever holds the link they were shown."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.files import not_found
from services import data_export


async def _show(request: Request) -> Response:
    """Send an export as a file to keep; nothing on the way may keep it."""
    export_id: UUID = request.path_params["export_id"]
    document = await data_export.fetch(
        export_id,
        request.path_params["proof"],
        request.app.state.process.ports.personal_data,
        now=datetime.now(UTC),
    )
    if document is None:
        return not_found()
    return Response(
        document,
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="my-data.json"',
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


export_routes = [Route("/exports/{export_id:uuid}.{proof:str}", _show)]
