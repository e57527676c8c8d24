"""The tokens' keys and lifetimes out of the settings."""

from __future__ import annotations

from datetime import timedelta

from gateways.tokens import TokenConfig, Tokens
from settings import Settings


def tokens_of(settings: Settings) -> Tokens:
    """Return the maker and reader of this installation's tokens."""
    secrets = (settings.secret_key, settings.secret_key_previous)
    return Tokens(
        TokenConfig(
            secrets=[given for secret in secrets if (given := secret.get_secret_value())],
            issuer=settings.access_token_issuer,
            audience=settings.access_token_audience,
            access_lifetime=timedelta(seconds=settings.access_token_lifetime_seconds),
            refresh_lifetime=timedelta(seconds=settings.refresh_token_lifetime_seconds),
        )
    )
