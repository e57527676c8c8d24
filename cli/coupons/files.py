"""A campaign and its template as an operator writes them down: one JSON file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.coupons import (
    Audience,
    CampaignInvalid,
    CampaignKind,
    ReturnRule,
    Terms,
    Validity,
)
from domain.pricing import CouponKind, Scope, ScopeKind
from models import database
from services import campaign_admin
from services.campaign_admin import NewCampaign, PaidEvent

_PERCENT = 100
Fen = Annotated[int, Field(ge=0, le=9_007_199_254_740_991)]


class Part(BaseModel):
    """A part of an operator's file: nothing is in it that isn't known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScopeFile(Part):
    """The goods that coupons can be used for."""

    kind: ScopeKind = ScopeKind.ALL
    ids: frozenset[UUID] = frozenset()
    title: str = Field("", max_length=256)
    title_en: str = Field("", max_length=256)


class TermsFile(Part):
    """What coupons promise; amounts in fen."""

    name: str = Field(min_length=1, max_length=128)
    name_en: str = Field("", max_length=128)
    kind: CouponKind
    amount_off_fen: Fen = 0
    pay_percent: int | None = Field(None, ge=1, le=99)
    max_off_fen: Fen | None = None
    min_spend_fen: Fen = 0
    min_pieces: int = Field(0, ge=0, le=10_000)
    scope: ScopeFile = ScopeFile()
    stacks_with_campaigns: bool = False
    gift_sku_id: UUID | None = None
    return_rule: ReturnRule = ReturnRule.WHOLE_BEFORE_SHIPMENT
    description: str = ""
    description_en: str = ""

    def terms(self) -> Terms:
        """Return the terms."""
        return Terms(
            name=self.name,
            name_en=self.name_en or self.name,
            kind=self.kind,
            amount_off_fen=self.amount_off_fen,
            pay_bps=(self.pay_percent or _PERCENT) * _PERCENT,
            max_off_fen=self.max_off_fen,
            min_spend_fen=self.min_spend_fen,
            min_pieces=self.min_pieces,
            scope=Scope(self.scope.kind, self.scope.ids),
            scope_title=self.scope.title,
            scope_title_en=self.scope.title_en,
            stacks_with_campaigns=self.stacks_with_campaigns,
            gift_sku_id=self.gift_sku_id,
            return_rule=self.return_rule,
            description=self.description,
            description_en=self.description_en,
        )


class TemplateFile(TermsFile):
    """A template: its code, and when its coupons can be used; times with their offset."""

    code: str = Field(min_length=1, max_length=64)
    valid_days: int | None = Field(None, ge=1, le=3_650)
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class EventFile(Part):
    """The paid order that brings a coupon."""

    min_paid_fen: Fen | None = None
    category_id: UUID | None = None
    pieces: int | None = Field(None, ge=1, le=10_000)


class CampaignFile(Part):
    """A campaign."""

    template: TemplateFile
    kind: CampaignKind = CampaignKind.CLAIM
    name: str = Field(min_length=1, max_length=128)
    claim_from: AwareDatetime
    claim_until: AwareDatetime
    quantity: int | None = Field(None, ge=0, le=10**12)
    per_member_limit: int = 1
    points_price: int = Field(0, ge=0, le=10**9)
    min_tier_code: str | None = None
    audience: Audience = Audience.EVERYBODY
    members: tuple[str, ...] = ()
    """For LISTED: the numbers of those that may claim."""
    event: EventFile | None = None
    series: str | None = Field(None, max_length=64)


def told(refused: ValidationError) -> list[str]:
    """Return what is wrong in a file, a line each that begins with the field."""
    return [
        f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in refused.errors()
    ]


def read(file: Path) -> CampaignFile:
    """Read a campaign's file.

    Raises:
        CampaignInvalid: with everything that is wrong in it.
    """
    try:
        return CampaignFile.model_validate_json(file.read_bytes())
    except ValidationError as refused:
        raise CampaignInvalid(told(refused)) from None
    except OSError as error:
        raise CampaignInvalid([error.strerror or "can't be read"]) from None


async def put(wanted: CampaignFile) -> UUID:
    """Write a campaign with its template, and the members that it names; returns its id.

    Raises:
        CampaignInvalid: with everything that can't hold.
    """
    now = datetime.now(UTC)
    template, event = wanted.template, wanted.event
    validity = Validity(template.valid_days, template.valid_from, template.valid_until)
    async with database.in_transaction():
        template_id = await campaign_admin.put_template(
            template.code, template.terms(), validity, now=now
        )
        campaign_id = await campaign_admin.create(
            NewCampaign(
                template_id=template_id,
                kind=wanted.kind,
                name=wanted.name,
                claim_from=wanted.claim_from,
                claim_until=wanted.claim_until,
                quantity=wanted.quantity,
                per_member_limit=wanted.per_member_limit,
                points_price=wanted.points_price,
                min_tier_code=wanted.min_tier_code,
                audience=wanted.audience,
                event=None if event is None else PaidEvent(**event.model_dump()),
                series=wanted.series,
            ),
            now=now,
        )
        if wanted.members:
            await campaign_admin.list_members(
                campaign_id, await campaign_admin.members_by_number(wanted.members)
            )
        return campaign_id
