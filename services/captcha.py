"""Telling people from programs, where the brand has set up a captcha."""

from __future__ import annotations

from typing import Protocol

from domain.phones import CaptchaRequired


class Captcha(Protocol):
    """Tells people from programs."""

    async def accepts(self, token: str, *, client_ip: str) -> bool:
        """Tell whether the token proves that a person is there; a token is good once."""


async def require_person(captcha: Captcha | None, token: str | None, *, client_ip: str) -> None:
    """Let pass who has solved the captcha, or everybody where none is set up.

    Raises:
        CaptchaRequired: there is no token, or not a good one.
    """
    if captcha is not None and not (token and await captcha.accepts(token, client_ip=client_ip)):
        raise CaptchaRequired
