"""What coupons say in words: message templates with their facts, for every language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.clock import SHANGHAI, business_day, end_of_business_day, start_of_business_day
from domain.coupons import ReturnRule, Terms, Validity
from domain.pricing import CouponKind, ScopeKind
from domain.pricing.texts import OWN_TITLE

ALL_GOODS = "All goods"
ON_THE_DAY = "On the day of claiming"
FOR_DAYS = "For {days} days, with the day of claiming"
ON_ONE_DAY = "On {start}"
FROM_TO = "{start} to {end}"

MIN_SPEND = "The goods it is for come to {min_spend_fen} or more, after other discounts."
MIN_PIECES = "{pieces} pieces or more of the goods it is for."
AT_MOST = "At most {max_off_fen} off."
NO_CAMPAIGNS = "Not for flash-sale and group-buy prices."
BACK_BEFORE_SHIPMENT = (
    "It comes back only if the whole order is refunded before anything is shipped."
)
BACK = "It comes back only if the whole order is refunded."
NEVER_BACK = "It doesn't come back when an order is refunded."

_RETURNS: dict[ReturnRule, str] = {
    ReturnRule.WHOLE_BEFORE_SHIPMENT: BACK_BEFORE_SHIPMENT,
    ReturnRule.WHOLE: BACK,
    ReturnRule.NEVER: NEVER_BACK,
}


class Text(NamedTuple):
    """A message template and the facts that fill it."""

    message: str
    facts: Mapping[str, object]


def conditions_of(terms: Terms) -> Iterator[Text]:
    """Return the small print: what an order needs, and what a refund does."""
    if terms.min_spend_fen:
        yield Text(MIN_SPEND, {"min_spend_fen": terms.min_spend_fen})
    if terms.min_pieces > 1:
        yield Text(MIN_PIECES, {"pieces": terms.min_pieces})
    if terms.max_off_fen is not None and terms.kind is not CouponKind.AMOUNT_OFF:
        yield Text(AT_MOST, {"max_off_fen": terms.max_off_fen})
    if not terms.stacks_with_campaigns:
        yield Text(NO_CAMPAIGNS, {})
    yield Text(_RETURNS[terms.return_rule], {})


def scope_title(terms: Terms, *, in_english: bool) -> Text:
    """Return what the goods are called: in the brand's words, or in ours for all goods."""
    named = (in_english and terms.scope_title_en) or terms.scope_title
    if named or terms.scope.kind is not ScopeKind.ALL:
        return Text(OWN_TITLE, {"title": named})
    return Text(ALL_GOODS, {})


def validity_text(validity: Validity) -> Text:
    """Return when coupons can be used: the last day is one on which they can.

    Where a window doesn't begin or end with a day, the time is told too.
    """
    if validity.days is not None:
        return Text(FOR_DAYS if validity.days > 1 else ON_THE_DAY, {"days": validity.days})
    assert validity.valid_from is not None, "a validity has days or a window"
    assert validity.valid_until is not None, "a validity has days or a window"
    start, end = _beginning(validity.valid_from), _last(validity.valid_until)
    return Text(ON_ONE_DAY if start == end else FROM_TO, {"start": start, "end": end})


def _beginning(instant: datetime) -> str:
    day = business_day(instant)
    return str(day) if instant == start_of_business_day(day) else _minute(instant)


def _last(until: datetime) -> str:
    """Return the last day that lies before an instant, or the instant itself within a day."""
    day = business_day(until - timedelta(microseconds=1))
    return str(day) if until == end_of_business_day(day) else _minute(until)


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
