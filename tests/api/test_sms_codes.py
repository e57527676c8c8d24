"""SMS codes: sending, limits, guessing, signing in by phone."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from domain.phones import SmsUnavailable
from models import database as db
from models.members import Member, Session, SmsCode
from tests.factories.members import JOINING_INPUT, agreements
from tests.support.graphql import GraphQLClient
from tests.support.ports import ReplacePorts
from tests.support.sessions import (
    PHONE,
    Outcome,
    call,
    refresh,
    send_sms_code,
    sign_in_by_phone,
    sms_code,
    who,
)
from tests.support.simulator import Simulator

WRONG = ("SMS_CODE_INVALID", ["smsCode"])


async def _let_pass(**interval: float) -> None:
    """Move every code's times into the past."""
    await db.execute(
        "UPDATE sms_code SET sent_at = sent_at - $1::interval, expires_at = expires_at - $1",
        timedelta(**interval),
    )


async def _used(*, seconds_ago: float) -> None:
    """Say when the code was used."""
    await db.execute(
        "UPDATE sms_code SET used_at = now() - $1::interval", timedelta(seconds=seconds_ago)
    )


def _wrong(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 1_000_000:06d}"


async def _try(client: GraphQLClient, code: str, phone: str = PHONE) -> Outcome:
    return await call(client, "signInWithPhone", phone=phone, smsCode=code)


class BrokenSms:
    """A carrier that is away."""

    async def send_code(self, *_: str) -> None:
        raise SmsUnavailable


class OneWord:
    """A captcha whose answer is known."""

    async def accepts(self, token: str, *, client_ip: str) -> bool:
        return (token, client_ip) == ("right", "127.0.0.1")


class OpenDoors:
    """No limits by address."""

    async def knock(self, *_: str) -> None:
        return None


async def test_a_phone_that_nobody_has_makes_a_member(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await agreements()
    signed_in = await sign_in_by_phone(client, wxsim, consents=JOINING_INPUT)
    member = signed_in.session["member"]
    assert signed_in.session["isNewMember"] is True
    assert member["phone"] == "138****5678"
    assert member["joinedAt"] is not None
    assert await who(client, signed_in.token) == signed_in.member_id


async def test_a_phone_that_somebody_has_signs_them_in(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    first = await sign_in_by_phone(client, wxsim)
    await _let_pass(minutes=2)
    code = await sms_code(client, wxsim)
    second = await _try(client, code, "+86 138 1234 5678")
    assert second.member_id == first.member_id
    assert second.session["isNewMember"] is False
    assert await Member.all().count() == 1


async def test_nothing_readable_of_phone_and_code_is_stored(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await sms_code(client, wxsim)
    await _try(client, code)
    stored = await SmsCode.get()
    member = await Member.get()
    assert member.phone_encrypted is not None
    assert member.phone_hash is not None
    for kept in (stored.phone_hash, stored.code_hash, member.phone_encrypted, member.phone_hash):
        assert PHONE.encode() not in kept
        assert code.encode() not in kept


async def test_nothing_personal_is_logged(client: GraphQLClient, wxsim: Simulator) -> None:
    with structlog.testing.capture_logs() as logged:
        code = await sms_code(client, wxsim)
        await _try(client, _wrong(code))
        signed_in = await _try(client, code)
        await refresh(client, signed_in.refresh_token)
    told = repr(logged)
    assert not [secret for secret in (PHONE, code, signed_in.token) if secret in told]


async def test_a_code_is_sent_again_after_a_minute(client: GraphQLClient, wxsim: Simulator) -> None:
    first = await sms_code(client, wxsim)
    again = await send_sms_code(client)
    assert again.refusal == ("RATE_LIMITED", ["phone"])
    wait = again.payload["userErrors"][0]["retryAfterSeconds"]
    assert again.payload["retryAfterSeconds"] == wait
    assert 58 <= wait <= 60
    await _let_pass(seconds=60)
    second = await sms_code(client, wxsim)
    if first != second:
        assert (await _try(client, first)).refusal == WRONG  # Only the newest holds.
    assert (await _try(client, second)).code == "OK"


async def test_ten_codes_a_day_are_enough_for_a_phone(
    client: GraphQLClient, wxsim: Simulator, replace_ports: ReplacePorts
) -> None:
    replace_ports(limits=OpenDoors())
    for _ in range(10):
        await sms_code(client, wxsim)
        await _let_pass(minutes=2)
    refused = await send_sms_code(client)
    assert refused.refusal == ("RATE_LIMITED", ["phone"])
    wait = refused.payload["retryAfterSeconds"]
    assert 86_400 - 20 * 60 - 60 < wait <= 86_400 - 20 * 60
    assert (await send_sms_code(client, "13912345678")).code == "OK"


async def test_an_address_gets_only_so_many_codes(client: GraphQLClient) -> None:
    phones = [f"139{number:08d}" for number in range(11)]
    outcomes = [await send_sms_code(client, phone) for phone in phones]
    assert [outcome.code for outcome in outcomes] == ["OK"] * 10 + ["RATE_LIMITED"]
    assert outcomes[-1].payload["userErrors"][0]["retryAfterSeconds"] in range(500, 601)
    assert await SmsCode.all().count() == 10


async def test_simultaneous_requests_send_one_code(client: GraphQLClient, wxsim: Simulator) -> None:
    outcomes = await asyncio.gather(*(send_sms_code(client) for _ in range(10)))
    assert sorted(outcome.code for outcome in outcomes) == ["OK"] + ["RATE_LIMITED"] * 9
    assert len(await wxsim.sms(phone=PHONE)) == 1


async def test_known_and_unknown_phones_are_answered_alike(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await sign_in_by_phone(client, wxsim)
    await _let_pass(minutes=2)
    known = await send_sms_code(client)
    unknown = await send_sms_code(client, "13912345678")
    assert known.payload == unknown.payload == {"retryAfterSeconds": 60, "userErrors": []}


@pytest.mark.parametrize("phone", ["", "12345", "+85291234567", "010-65551234", "x" * 1_000])
async def test_other_numbers_get_no_code(client: GraphQLClient, phone: str) -> None:
    assert (await send_sms_code(client, phone)).refusal == ("INVALID_INPUT", ["phone"])
    outcome = await _try(client, "123456", phone)
    assert outcome.refusal == ("INVALID_INPUT", ["phone"])
    assert await SmsCode.all().count() == 0


async def test_a_code_that_could_not_be_sent_leaves_nothing(
    client: GraphQLClient, replace_ports: ReplacePorts
) -> None:
    replace_ports(sms=BrokenSms())
    assert (await send_sms_code(client)).refusal == ("BUSY", None)
    assert await SmsCode.all().count() == 0


async def test_where_a_captcha_is_set_up_it_is_required(
    client: GraphQLClient, replace_ports: ReplacePorts
) -> None:
    replace_ports(captcha=OneWord())
    required = ("CAPTCHA_REQUIRED", ["captchaToken"])
    assert (await send_sms_code(client)).refusal == required
    assert (await send_sms_code(client, captchaToken="wrong")).refusal == required
    assert await SmsCode.all().count() == 0
    assert (await send_sms_code(client, captchaToken="right")).code == "OK"


async def test_five_wrong_guesses_spend_a_code(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await sms_code(client, wxsim)
    for step in range(1, 6):
        assert (await _try(client, _wrong(code, step))).refusal == WRONG
    assert (await _try(client, code)).refusal == WRONG
    assert await Member.all().count() == 0


async def test_four_wrong_guesses_do_not(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await sms_code(client, wxsim)
    for step in range(1, 5):
        assert (await _try(client, _wrong(code, step))).refusal == WRONG
    assert (await _try(client, code)).code == "OK"


async def test_parallel_guessing_gets_no_more_guesses(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await sms_code(client, wxsim)
    guesses = [_wrong(code, step) for step in range(1, 31)]
    outcomes = await asyncio.gather(*(_try(client, guess) for guess in guesses))
    assert {outcome.code for outcome in outcomes} == {"SMS_CODE_INVALID"}
    assert (await SmsCode.get()).attempts_left == 0
    assert (await _try(client, code)).refusal == WRONG


@pytest.mark.parametrize(
    "guess", ["", "1", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6]
)
async def test_what_is_no_code_is_wrong(
    client: GraphQLClient, wxsim: Simulator, guess: str
) -> None:
    await sms_code(client, wxsim)
    assert (await _try(client, guess)).refusal == WRONG


async def test_a_code_is_good_for_five_minutes(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await sms_code(client, wxsim)
    await _let_pass(minutes=5)
    assert (await _try(client, code)).refusal == WRONG


async def test_a_code_is_good_once(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await sms_code(client, wxsim)
    assert (await _try(client, code)).code == "OK"
    await _used(seconds_ago=11)
    assert (await _try(client, code)).refusal == WRONG
    assert await Session.all().count() == 1


async def test_a_second_tap_answers_with_the_same_session(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await sms_code(client, wxsim)
    first = await _try(client, code)
    await _used(seconds_ago=9)
    again = await _try(client, code)
    assert (again.code, again.refresh_token) == ("OK", first.refresh_token)
    await refresh(client, first.refresh_token)
    assert (await _try(client, code)).refusal == WRONG
    assert await Session.all().count() == 1


async def test_a_code_just_used_is_not_guessed(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await sms_code(client, wxsim)
    assert (await _try(client, code)).code == "OK"
    for step in range(1, 6):
        assert (await _try(client, _wrong(code, step))).refusal == WRONG
    assert (await _try(client, code)).refusal == WRONG


async def test_a_code_is_good_for_its_own_phone_only(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await sms_code(client, wxsim)
    assert (await _try(client, code, "13912345678")).refusal == WRONG
    await sms_code(client, wxsim, "13912345678")
    assert (await _try(client, code)).code == "OK"


async def test_without_a_code_sent_there_is_none_to_guess(client: GraphQLClient) -> None:
    assert (await _try(client, "000000")).refusal == WRONG


async def test_a_code_sent_many_times_at_once_opens_one_session(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await sms_code(client, wxsim)
    outcomes = await asyncio.gather(*(_try(client, code) for _ in range(20)))
    assert [outcome.code for outcome in outcomes] == ["OK"] * 20
    assert len({outcome.refresh_token for outcome in outcomes}) == 1
    assert await Member.all().count() == await Session.all().count() == 1


async def test_two_codes_of_two_phones_at_once_make_two_members(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    codes = [await sms_code(client, wxsim, phone) for phone in (PHONE, "13912345678")]
    outcomes = await asyncio.gather(_try(client, codes[0]), _try(client, codes[1], "13912345678"))
    assert len({outcome.member_id for outcome in outcomes}) == 2


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_closed_account_is_not_signed_in_by_phone(
    client: GraphQLClient, wxsim: Simulator, status: str
) -> None:
    await sign_in_by_phone(client, wxsim)
    await _let_pass(minutes=2)
    await Member.all().update(status=status)
    assert (await sign_in_by_phone(client, wxsim)).refusal == ("ACCOUNT_BLOCKED", None)
    assert await Session.all().count() == 1
