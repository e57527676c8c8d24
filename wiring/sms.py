"""The sender of SMS codes that the settings name."""

from __future__ import annotations

import httpx

from gateways.sms.senders import NoSms, SimulatorSms, WebhookSms
from gateways.sms.tencent import TencentConfig, TencentSms
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
    if settings.sms_sender is Choice.TENCENT:
        return TencentSms(client, _tencent(settings))
    return NoSms()


def _tencent(settings: Settings) -> TencentConfig:
    return TencentConfig(
        secret_id=settings.sms_tencent_secret_id,
        secret_key=settings.sms_tencent_secret_key.get_secret_value(),
        sdk_app_id=settings.sms_tencent_sdk_app_id,
        sign_name=settings.sms_tencent_sign_name,
        template_id=settings.sms_tencent_template_id,
    )
