"""checkIn, makeUpCheckIn."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import cast
from uuid import UUID

import strawberry

from domain.errors import DomainError, ErrorCode
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.messages import translate
from resolvers.member.checkin.types import CheckInDay
from resolvers.member.coupons.types import MemberCoupon, coupons_by_ids
from resolvers.member.members.types import Member
from services import checkin
from services.checkin import CheckedIn, MakeUpCheckIn

_ALREADY = "You have checked in today."


@strawberry.input(description="A missed day to make up for.")
class MakeUpCheckInInput:
    date: date = strawberry.field(description="The missed day, in Shanghai.")
    idempotency_key: str = strawberry.field(description="The same key makes up once.")


@strawberry.type(description="The day, and how the member stands after it.")
class CheckInPayload:
    day: CheckInDay | None = strawberry.field(
        default=None, description="The day that is checked in now, or was before."
    )
    streak: int | None = strawberry.field(
        default=None, description="Days in a row, with what stands today."
    )
    coupon: MemberCoupon | None = strawberry.field(
        default=None, description="The coupon that the day gave."
    )
    member: Member | None = strawberry.field(default=None, description="The viewer.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked; else why not."
    )


@strawberry.type
class CheckinMutation:
    @strawberry.mutation(
        description="Checks the viewer in for today. Idempotent by day: a repeat is"
        " ALREADY_CHECKED_IN with that day's result filled in."
    )
    async def check_in(self, info: Info) -> CheckInPayload:
        member_id = info.context.require_member()
        payload, done = await _payload(
            checkin.check_in(member_id, now=info.context.now), member_id, info
        )
        if done is not None and not done.is_new:
            message = translate(_ALREADY, info.context.language)
            payload.user_errors.append(
                UserError(code=ErrorCode.ALREADY_CHECKED_IN, message=message)
            )
        return payload

    @strawberry.mutation(
        description="Makes up for a missed day: it costs points and restores the streak."
    )
    async def make_up_check_in(self, info: Info, input: MakeUpCheckInInput) -> CheckInPayload:
        member_id = info.context.require_member()
        command = MakeUpCheckIn(
            member_id=member_id, day=input.date, idempotency_key=input.idempotency_key
        )
        work = checkin.make_up(command, now=info.context.now)
        payload, _ = await _payload(work, member_id, info)
        return payload


async def _payload(
    work: Awaitable[CheckedIn], member_id: UUID, info: Info
) -> tuple[CheckInPayload, CheckedIn | None]:
    """Do the work and show the day, or tell the refusal."""
    try:
        done = await work
    except DomainError as error:
        refusal = UserError.of(error, info.context.language)
        return CheckInPayload(user_errors=[refusal]), None
    info.context.loaders.forget()
    [coupon] = await coupons_by_ids(info.context, [done.coupon_id])
    return (
        CheckInPayload(
            day=cast("CheckInDay", done.as_row()),
            streak=done.streak,
            coupon=coupon,
            member=await Member.load(info, member_id),
        ),
        done,
    )
