"""Builds the flash gate out of the settings."""

from __future__ import annotations

from domain.flash_tickets import mac_key
from gateways.redis.connection import RedisClient
from gateways.redis.flash_gate import FlashGate, FlashGateConfig
from gateways.redis.limits import Limit
from settings import Rate, Settings


def ticket_keys_of(settings: Settings) -> tuple[bytes, ...]:
    """Return what tickets are signed with, the first one new ones: the secret key, old and new."""
    secrets = (settings.secret_key, settings.secret_key_previous)
    return tuple(mac_key(each) for secret in secrets if (each := secret.get_secret_value()))


def flash_gate_of(settings: Settings, redis: RedisClient) -> FlashGate:
    """Return the gate of flash sales; its tickets are signed under the secret key."""
    return FlashGate(
        redis,
        FlashGateConfig(
            ticket_keys=ticket_keys_of(settings),
            shards=settings.flash_shards,
            member_limit=_limit(settings, settings.limit_claim_member),
            address_limit=_limit(settings, settings.limit_claim_address),
            exempt=settings.unlimited_networks,
            hash_key=settings.phone_index_key.get_secret_value(),
        ),
    )


def _limit(settings: Settings, rate: Rate) -> Limit | None:
    return Limit(rate.times, rate.seconds) if settings.rate_limits else None
