"""Builds the flash gate out of the settings."""

from __future__ import annotations

from domain.flash_tickets import mac_key
from gateways.redis.connection import RedisClient
from gateways.redis.flash_gate import FlashGate, FlashGateConfig
from gateways.redis.limits import Limit
from settings import Rate, Settings


def flash_gate_of(settings: Settings, redis: RedisClient) -> FlashGate:
    """Return the gate of flash sales; its tickets are signed under the secret key."""
    current, previous = settings.secret_key, settings.secret_key_previous
    secrets = [secret.get_secret_value() for secret in (current, previous)]
    return FlashGate(
        redis,
        FlashGateConfig(
            ticket_keys=[mac_key(secret) for secret in secrets if secret],
            shards=settings.flash_shards,
            member_limit=_limit(settings, settings.limit_claim_member),
            address_limit=_limit(settings, settings.limit_claim_address),
            exempt=settings.unlimited_networks,
            hash_key=settings.phone_index_key.get_secret_value(),
        ),
    )


def _limit(settings: Settings, rate: Rate) -> Limit | None:
    return Limit(rate.times, rate.seconds) if settings.rate_limits else None
