"""What WeChat Pay's error codes mean for us. Anything not listed leaves the outcome unknown."""

from __future__ import annotations

import structlog

from domain.errors import WechatUnavailable
from domain.payments import RefusalReason, WechatPayRefused

_LOG = structlog.get_logger(__name__)

# WeChat's pages spell codes both with and without underscores, so they are compared without.
_REFUSALS = {
    "ORDERPAID": RefusalReason.ALREADY_PAID,
    "ORDERCLOSED": RefusalReason.CLOSED,
    "ORDERNOTEXIST": RefusalReason.NOT_FOUND,
    "RESOURCENOTEXISTS": RefusalReason.NOT_FOUND,
    "OUTTRADENOUSED": RefusalReason.NUMBER_USED,
    "NOTENOUGH": RefusalReason.NOT_ENOUGH,
    "PARAMERROR": RefusalReason.OTHER,
    "INVALIDREQUEST": RefusalReason.OTHER,
    "INVALIDTRANSACTIONID": RefusalReason.OTHER,
    "OPENIDMISMATCH": RefusalReason.OTHER,
    "TRADEERROR": RefusalReason.OTHER,
    "RULELIMIT": RefusalReason.OTHER,
    "ACCOUNTERROR": RefusalReason.OTHER,
    "USERACCOUNTABNORMAL": RefusalReason.OTHER,
}
# Nothing was done, but not because of this payment: our own set-up is wrong.
_OURS_TO_MEND = {"SIGNERROR", "NOAUTH", "APPIDMCHIDNOTMATCH", "MCHNOTEXISTS"}


def raise_for(status: int, code: str) -> None:
    """Raise what an error answer means.

    The code decides before the status: WeChat also answers definite refusals with 500.
    """
    plain = code.replace("_", "").upper()
    if plain in _OURS_TO_MEND:
        _LOG.error("wechat_pay_misconfigured", code=code, status=status)
        raise WechatPayRefused(RefusalReason.OTHER, code)
    if (reason := _REFUSALS.get(plain)) is not None:
        raise WechatPayRefused(reason, code)
    _LOG.warning("wechat_pay_outcome_unknown", code=code, status=status)
    raise WechatUnavailable
