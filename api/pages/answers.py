"""Answers that are pages."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(text: str, *, pictures: str = "'self' data:") -> Response:
    """Return a page of ours, which may run our scripts and load nothing else from elsewhere.

    `pictures` are the places that pictures may come from, as a content security policy has them.
    """
    return HTMLResponse(
        text,
        headers={
            "content-security-policy": CONTENT_SECURITY_POLICY.format(pictures=pictures),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )
