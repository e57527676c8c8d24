"""A small S3, for the few calls of the upload storage: what the documents say, nothing more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ACCESS_KEY, SECRET_KEY, REGION, BUCKET = "AKIDTEST", "secret", "ap-test-1", "mall"


class S3Server:
    """One bucket in memory: `objects` by key, each with its content type and bytes."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.failing = False
        self.app = Starlette(
            routes=[
                Route(f"/{BUCKET}", self._post, methods=["POST"]),
                Route(f"/{BUCKET}/{{key:path}}", self._head_or_get, methods=["GET", "HEAD"]),
                Route(f"/{BUCKET}/{{key:path}}", self._put, methods=["PUT"]),
                Route(f"/{BUCKET}/{{key:path}}", self._delete, methods=["DELETE"]),
            ]
        )

    async def _post(self, request: Request) -> Response:
        """POST Object: the policy must be ours, in time, and met by every field."""
        form = dict(await request.form())
        file = form.pop("file")
        assert isinstance(file, UploadFile)
        fields = {name: str(value) for name, value in form.items()}
        policy = json.loads(base64.b64decode(fields["policy"]))
        expires = datetime.fromisoformat(policy["expiration"])
        content = await file.read()
        met = all(_meets(each, fields, len(content)) for each in policy["conditions"])
        if not (_is_signed(fields) and datetime.now(UTC) < expires and met):
            return Response(status_code=403)
        self.objects[fields["key"]] = (fields["Content-Type"], content)
        return Response(status_code=204)

    async def _head_or_get(self, request: Request) -> Response:
        if self.failing:
            return Response(status_code=500)
        key = request.path_params["key"]
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        content_type, content = self.objects[key]
        headers = {"ETag": _etag(content), "Content-Type": content_type}
        if request.headers.get("if-match", headers["ETag"]) != headers["ETag"]:
            return _error(412, "PreconditionFailed")
        if request.method == "HEAD":
            return Response(headers={**headers, "Content-Length": str(len(content))})
        if "range" not in request.headers:
            return Response(content, headers=headers)
        start, end = request.headers["range"].removeprefix("bytes=").split("-")
        return Response(content[int(start) : int(end) + 1], 206, headers)

    async def _put(self, request: Request) -> Response:
        if "x-amz-copy-source" in request.headers:
            return await self._copy(request)
        content_type = request.headers["content-type"]
        self.objects[request.path_params["key"]] = (content_type, await request.body())
        return Response()

    async def _copy(self, request: Request) -> Response:
        source = unquote(request.headers["x-amz-copy-source"]).removeprefix(f"{BUCKET}/")
        if request.headers["x-amz-copy-source-if-match"] != _etag(self.objects[source][1]):
            return _error(412, "PreconditionFailed")
        assert request.headers["x-amz-metadata-directive"] == "REPLACE"
        content = self.objects[source][1]
        self.objects[request.path_params["key"]] = (request.headers["content-type"], content)
        result = f"<CopyObjectResult><ETag>{_etag(content)}</ETag></CopyObjectResult>"
        return Response(result, media_type="application/xml")

    async def _delete(self, request: Request) -> Response:
        self.objects.pop(request.path_params["key"], None)
        return Response(status_code=204)


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    return Response(body, status, media_type="application/xml")


def _meets(condition: Any, fields: dict[str, str], size: int) -> bool:
    if isinstance(condition, dict):
        ((name, value),) = condition.items()
        return bool(name == "bucket" or fields.get(name) == value)
    kind, first, second = condition
    assert kind == "content-length-range"
    return bool(first <= size <= second)


def _is_signed(fields: dict[str, str]) -> bool:
    """Check AWS Signature Version 4 over a POST policy."""
    access_key, day, region, service, kind = fields["x-amz-credential"].split("/")
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, region, service, kind, fields["policy"]):
        key = hmac.digest(key, part.encode(), "sha256")
    return (
        fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
        and (access_key, region, service, kind) == (ACCESS_KEY, REGION, "s3", "aws4_request")
        and hmac.compare_digest(key.hex(), fields["x-amz-signature"])
    )
