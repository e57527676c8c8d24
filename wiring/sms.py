"""The sender of SMS codes that the settings name."""

from __future__ import annotations

import httpx

from gateways.sms.senders import NoSms, SimulatorSms, WebhookSms
from services.sms_codes import SmsSender
from settings import Settings
from settings import SmsSender as Choice


def sms_of(settings: Settings, client: httpx.AsyncClient) -> SmsSender:
    """Return the sender."""
    if settings.sms_sender is Choice.SIMULATOR:
        return SimulatorSms(client, settings.simulator_url)
    if settings.sms_sender is Choice.WEBHOOK:
        return WebhookSms(
            client, settings.sms_webhook_url, settings.sms_webhook_secret.get_secret_value()
        )
    return NoSms()
