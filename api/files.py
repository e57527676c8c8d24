"""Answers that are files, and refusals for whoever asked for one."""

from __future__ import annotations

from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import DomainError, ErrorCode
from resolvers.common.messages import preferred_language, translate

FOR_EVER = "public, max-age=31536000, immutable"
"""For addresses whose content never changes."""
A_DAY = "public, max-age=86400"
HARMLESS = {
    # What strangers sent is shown as what it was checked to be, and runs nothing.
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
    "cross-origin-resource-policy": "cross-origin",
}
_STATUS = {
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.WECHAT_UNAVAILABLE: 503,
    ErrorCode.BUSY: 503,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONTENT_REJECTED: 422,
}
_RETRY_SECONDS = 5


def shown(request: Request, data: bytes, *, content_type: str, cache_control: str) -> Response:
    """Show a file, or say that the client has it already."""
    etag = f'"{blake2b(data, digest_size=16).hexdigest()}"'
    headers = {**HARMLESS, "cache-control": cache_control, "etag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=content_type, headers=headers)


def not_found() -> Response:
    """Say that nothing is there; it may be there later."""
    return Response("Not found.", 404, {"cache-control": "no-store"}, media_type="text/plain")


def refusal(request: Request, error: DomainError) -> Response:
    """Tell a refusal in the caller's language; nobody may keep it."""
    status = _STATUS.get(error.code, 400)
    headers = {"cache-control": "no-store"}
    if status in (429, 503):
        headers["retry-after"] = str(error.retry_after_seconds or _RETRY_SECONDS)
    language = preferred_language(request.headers.get("accept-language"))
    message = translate(error.message, language, **error.facts)
    return JSONResponse({"code": error.code.value, "message": message}, status, headers)
