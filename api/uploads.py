"""Uploads on the local disk: forms come in, pictures go out.

With S3-compatible storage neither path is used: clients post to the bucket and read from it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.files import FOR_EVER, HARMLESS, not_found, refusal
from domain.errors import DomainError, ErrorCode
from domain.uploads import EXTENSIONS, MAX_BYTES, ContentRejected
from gateways.storage.local import FormRefused, Grant, LocalStorage
from services import uploads

FIELDS_BYTES = 16 * 1_024
"""Ours have some 300 bytes; the rest is what the form's own lines take."""
MAX_FIELDS = 16
MAX_BODY_BYTES = max(MAX_BYTES.values()) + 4 * FIELDS_BYTES
_CHUNK = 64 * 1_024
_CONTENT_TYPES = {ending: content_type for content_type, ending in EXTENSIONS.items()}


class FormNotAccepted(DomainError):
    """The form is not ours, was changed, was used, or is over."""

    code = ErrorCode.NOT_ALLOWED
    message = "This form is not ours, or was used or is over. Please ask for another one."


class BodyTooLarge(MultiPartException):
    """More bytes come than any form of ours allows."""


async def take(request: Request) -> Response:
    """Take a form's file: its fields must be signed by us, and the file what was announced."""
    storage = request.app.state.process.ports.pictures
    if not isinstance(storage, LocalStorage):
        return not_found()
    try:
        form = await _read(request)
    except BodyTooLarge:
        return _fail(413, f"A form holds at most {MAX_BODY_BYTES} bytes.")
    except MultiPartException as error:
        return _fail(400, error.message)
    except ClientDisconnect:
        return _fail(400, "The connection was closed.")
    try:
        return await _take_form(request, form, storage)
    finally:
        await form.close()


async def _read(request: Request) -> FormData:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLarge("declared")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise MultiPartException("The body is a form: multipart/form-data.")
    parser = MultiPartParser(
        request.headers,
        _bounded(request),
        max_files=1,
        max_fields=MAX_FIELDS,
        max_part_size=FIELDS_BYTES,
    )
    return await parser.parse()


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    """Pass the body on as it comes, and stop where no honest one goes."""
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > MAX_BODY_BYTES:
            raise BodyTooLarge("come")
        yield chunk


async def _take_form(request: Request, form: FormData, storage: LocalStorage) -> Response:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        return _fail(400, "The picture goes under `file`.")
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    now = datetime.now(UTC)
    try:
        grant = storage.verify_form(fields, now=now)
    except FormRefused:
        return _told(request, FormNotAccepted(), 403)
    if not await uploads.is_awaited(grant.key, now=now):
        return _told(request, FormNotAccepted(), 409)
    try:
        url = await _keep(grant, file, storage)
    except DomainError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return _told(request, FormNotAccepted(), 409)
        return refusal(request, error)
    return JSONResponse({"url": url}, 201, {"cache-control": "no-store"})


async def _keep(grant: Grant, file: UploadFile, storage: LocalStorage) -> str:
    try:
        await storage.save(grant, _chunks(file))
    except ContentRejected:
        await uploads.refuse(grant.key)
        raise
    return await uploads.arrived(grant.key, storage)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK):
        yield chunk


async def show(request: Request) -> Response:
    """Show a picture that was accepted; what was not is nowhere to be found."""
    storage = request.app.state.process.ports.pictures
    key = request.path_params["key"]
    path = storage.public_path(key) if isinstance(storage, LocalStorage) else None
    if path is None:
        return not_found()
    content_type = _CONTENT_TYPES[key.rpartition(".")[2]]
    headers = {**HARMLESS, "cache-control": FOR_EVER}
    return FileResponse(path, headers=headers, media_type=content_type)


def _told(request: Request, error: DomainError, status: int) -> Response:
    response = refusal(request, error)
    response.status_code = status
    return response


def _fail(status: int, message: str) -> Response:
    headers = {"cache-control": "no-store"}
    return JSONResponse({"code": "BAD_REQUEST", "message": message}, status, headers)


upload_routes: list[BaseRoute] = [
    Route("/uploads", take, methods=["POST"]),
    Route("/uploads/{key:path}", show, methods=["GET"]),
]
