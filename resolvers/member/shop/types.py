"""The shop as a client needs it at launch."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.clock import business_day, same_day_months_later
from domain.members import AgreementKind
from domain.messages import MessageEvent
from domain.rules import MessageTemplateRules, Rules
from domain.rules import PointsRules as PointsRulesDocument
from executor.hints import public
from models.public_changes import PublicTag
from resolvers.common.context import Context, Info
from resolvers.common.messages import Language
from resolvers.common.public import CLOCK_SECONDS, KEPT_SECONDS
from resolvers.common.share import absolute_url
from resolvers.member.checkin.types import CheckInRules
from services.consents import CurrentAgreement, current_agreements

CURRENCY = "CNY"


@strawberry.type(description="An agreement in force.")
class Agreement:
    kind: AgreementKind = strawberry.field(description="Which agreement.")
    version: str = strawberry.field(description="To be sent along with the answer.")
    title: str = strawberry.field(description="Its title.")
    url: str = strawberry.field(description="Where its text stands.")
    required: bool = strawberry.field(description="Nobody is a member without it.")

    @classmethod
    def of(cls, agreement: CurrentAgreement, context: Context) -> Agreement:
        """Show an agreement in the caller's language."""
        is_english = context.language == "en"
        return cls(
            kind=agreement.kind,
            version=agreement.version,
            title=agreement.title_en if is_english else agreement.title,
            url=absolute_url(context.ports.public_base_url, agreement.url),
            required=agreement.is_required,
        )


@strawberry.type(description="How points are earned, spent, and end.")
class PointsRules:
    points_per_yuan: int = strawberry.field(description="Earned on a yuan paid for goods.")
    points_per_yuan_off: int = strawberry.field(description="Spent for one yuan off.")
    max_share_basis_points: int = strawberry.field(
        description="The largest part of the goods that points pay: 5000 is a half."
    )
    min_points_to_spend: int = strawberry.field(description="Fewer can't be spent on an order.")
    lifetime_days: int | None = strawberry.field(
        description="How long points earned today can be spent."
    )

    @classmethod
    def of(cls, rules: PointsRulesDocument, now: datetime) -> PointsRules:
        """Show the rules in force."""
        today = business_day(now)
        return cls(
            points_per_yuan=rules.points_per_yuan,
            points_per_yuan_off=rules.points_per_yuan_off,
            max_share_basis_points=rules.max_share_bps,
            min_points_to_spend=rules.min_points_to_spend,
            lifetime_days=(same_day_months_later(today, rules.lifetime_months) - today).days,
        )


@strawberry.type(description="A subscription message that may be asked for.")
class MessageTemplate:
    id: str = strawberry.field(description="For wx.requestSubscribeMessage.")
    event: MessageEvent = strawberry.field(description="What it tells of.")
    title: str = strawberry.field(description="What it is called.")

    @classmethod
    def of(cls, template: MessageTemplateRules, language: Language) -> MessageTemplate:
        """Show a template in the caller's language."""
        return cls(
            id=template.id,
            event=MessageEvent(template.event),
            title=template.title_en if language == "en" else template.title,
        )


@strawberry.type(description="The brand, its rules, and the server's clock.")
class Shop:
    name: str = strawberry.field(description="What the shop is called.")
    now: datetime = strawberry.field(
        metadata=public(seconds=CLOCK_SECONDS),
        description="The server's clock; countdowns run by it.",
    )
    currency: str = strawberry.field(description="ISO 4217.")
    points_rules: PointsRules = strawberry.field(description="The rules of points in force.")
    check_in_rules: CheckInRules = strawberry.field(
        description="The rules of the check-in in force."
    )
    message_templates: list[MessageTemplate] = strawberry.field(
        description="At launch, since wx.requestSubscribeMessage works only straight on a tap."
    )
    hot_searches: list[str] = strawberry.field(description="What others look for.")
    service_phone: str | None = strawberry.field(description="Customer service.")

    @strawberry.field(
        metadata=public(PublicTag.AGREEMENTS, seconds=KEPT_SECONDS),
        description="The agreements in force, those that are required first.",
    )
    async def agreements(self, info: Info) -> list[Agreement]:
        in_force = await current_agreements(now=info.context.now)
        return [
            Agreement.of(in_force[kind], info.context) for kind in AgreementKind if kind in in_force
        ]

    @classmethod
    def of(cls, rules: Rules, context: Context) -> Shop:
        """Show the brand of the rules in force."""
        brand, language = rules.brand, context.language
        return cls(
            name=brand.name_en if language == "en" else brand.name,
            now=context.now,
            currency=CURRENCY,
            points_rules=PointsRules.of(rules.points, context.now),
            check_in_rules=CheckInRules.of(rules.check_in),
            message_templates=[
                MessageTemplate.of(each, language) for each in rules.message_templates
            ],
            hot_searches=list(rules.hot_searches),
            service_phone=brand.service_phone or None,
        )
