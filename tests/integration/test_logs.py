"""Logs tell what happened and never to whom: both processes at DEBUG, nothing personal there."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cli.embedded.ports import free_port
from cli.embedded.process import die_with_parent
from models import database as db
from settings import LogFormat, Settings
from tests.factories.members import JOINING_INPUT, agreements
from tests.factories.shop import a_sku
from tests.support import sessions
from tests.support.application import PROJECT, ServerProcess, environment_of
from tests.support.graphql import GraphQLClient
from tests.support.shopping import PAY, PLACE
from tests.support.simulator import Simulator

PHONE = "13987654321"
NAME = "欧阳小满"
DETAIL = "幸福里小区 7 号楼 1203"
WRONG_CODE = "wx-code-that-nobody-gave"

SAVE_ADDRESS = """
mutation ($input: SaveAddressInput!) { saveAddress(input: $input) {
  address { id } userErrors { code } } }
"""


@pytest.fixture(params=[LogFormat.JSON, LogFormat.CONSOLE])
async def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Everything is logged that anybody could wish for."""
    changes = {"log_level": "DEBUG", "log_format": request.param, "port": free_port()}
    return settings.model_copy(update=changes)


@pytest.fixture
async def web(database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    process = await ServerProcess.start(settings, tmp_path / "web.log")
    yield process
    await process.stop()


@pytest.fixture
async def worker_log(web: ServerProcess, settings: Settings, tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "worker.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "worker"),
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env=environment_of(settings),
            preexec_fn=die_with_parent(),
        )
    yield path
    if process.returncode is None:
        process.terminate()
        await process.wait()


async def test_nothing_personal_is_logged(
    web: ServerProcess, worker_log: Path, wxsim: Simulator, settings: Settings
) -> None:
    await agreements()
    secrets = {"phone": PHONE, "name": NAME, "detail": DETAIL, "wrong code": WRONG_CODE}
    token = await _join(web.client, wxsim, secrets)
    await _meet_refusals(web, token, settings.wechat_mch_id)
    await _buy(web, wxsim, token, secrets)
    for row in await db.fetch("SELECT appid, openid, unionid FROM identity"):
        secrets |= {"openid": row["openid"], "unionid": row["unionid"] or row["openid"]}
    payer = await db.fetch_one("SELECT payer_openid, prepay_id FROM payment")
    assert payer is not None
    secrets |= {"payer": payer["payer_openid"], "prepay": payer["prepay_id"]}

    await web.stop()
    for path, event in ((web.log, "notification_refused"), (worker_log, "worker_ready")):
        text = path.read_text(encoding="utf-8")
        assert event in text
        shown = [name for name, secret in secrets.items() if _stands_in(secret, text)]
        assert shown == [], path.name


async def test_a_failure_of_the_database_is_logged_without_its_row(
    web: ServerProcess, wxsim: Simulator
) -> None:
    """PostgreSQL's error repeats the whole row that it refused, openid and all."""
    user = await wxsim.user(phone=PHONE)
    await db.execute("ALTER TABLE identity ADD CONSTRAINT nobody CHECK (openid = '') NOT VALID")
    try:
        document = 'mutation { signInWithMiniProgram(input: {code: "%s"}) { __typename } }'
        answer = await web.client.gql(document % await wxsim.login_code(user))
    finally:
        await db.execute("ALTER TABLE identity DROP CONSTRAINT nobody")
    assert answer.error_codes == ["INTERNAL"]
    assert (await sessions.sign_in(web.client, await wxsim.login_code(user))).code == "OK"
    openid = await db.fetch_value("SELECT openid FROM identity")
    await web.stop()
    text = web.log.read_text(encoding="utf-8")
    assert "CheckViolationError" in text
    assert "nobody" in text
    assert openid not in text


def _stands_in(secret: str, text: str) -> bool:
    """Look for the text itself, and as JSON or a repr would write it."""
    forms = {secret, json.dumps(secret)[1:-1], ascii(secret)[1:-1]}
    return any(form in text for form in forms)


async def _join(client: GraphQLClient, wxsim: Simulator, secrets: dict[str, str]) -> str:
    """Sign in by code, bind the phone, sign in once more by SMS, refresh; note what is secret."""
    user = await wxsim.user(phone=PHONE)
    login, phone = await wxsim.login_code(user), await wxsim.phone_code(user)
    first = await sessions.sign_in(client, login)
    bound = await sessions.call(
        client, "bindPhone", first.token, wechatCode=phone, consents=JOINING_INPUT
    )
    sms = await sessions.sms_code(client, wxsim, PHONE)
    by_sms = await sessions.call(client, "signInWithPhone", phone=PHONE, smsCode=sms)
    refreshed = await sessions.refresh(client, by_sms.refresh_token)
    secrets |= {"login code": login, "phone code": phone}
    for name, outcome in {"first": first, "bound": bound, "sms": by_sms, "new": refreshed}.items():
        secrets |= {f"{name} token": outcome.token, f"{name} refresh": outcome.refresh_token}
    return refreshed.token


async def _meet_refusals(web: ServerProcess, token: str, mchid: str) -> None:
    """Do what goes wrong in life: errors are where personal data slips into logs."""
    client = web.client
    assert (await sessions.sign_in(client, WRONG_CODE)).code == "WECHAT_CODE_INVALID"
    wrong = await sessions.call(client, "signInWithPhone", phone=PHONE, smsCode="000000")
    assert wrong.code == "SMS_CODE_INVALID"
    assert await sessions.who(client, f"{token}x") == "UNAUTHENTICATED"
    broken = await client.gql(f'{{ order(id: "{DETAIL}") {{ nothing }} }}', token=token)
    assert broken.error_codes == ["BAD_REQUEST"]
    forged = {"id": "1", "resource": {"ciphertext": PHONE}}
    answer = await web.http.post(f"/wechat/pay/notify/{mchid}", json=forged)
    assert answer.status_code == 401


async def _buy(web: ServerProcess, wxsim: Simulator, token: str, secrets: dict[str, str]) -> None:
    client = web.client
    sku = await a_sku()
    address = {
        "name": NAME,
        "phone": PHONE,
        "province": "上海市",
        "city": "上海市",
        "district": "浦东新区",
        "detail": DETAIL,
    }
    saved = (await client.gql(SAVE_ADDRESS, {"input": address}, token)).data["saveAddress"]
    assert saved["userErrors"] == []
    draft = {"lines": [{"skuId": str(sku.id), "quantity": 1}]}
    wanted = {"draft": draft, "remark": f"请打 {PHONE}", "idempotencyKey": "order"}
    order = (await client.gql(PLACE, {"i": wanted}, token)).data["placeOrder"]["order"]
    given = {"orderId": order["id"], "method": "WECHAT_MINI_PROGRAM", "idempotencyKey": "pay"}
    payment = (await client.gql(PAY, {"i": given}, token)).data["payOrder"]["payment"]
    secrets["signature"] = payment["paySign"]
    await wxsim.pay(prepay_id=payment["package"].removeprefix("prepay_id="), wait=True)
    async with asyncio.timeout(30):
        while await _status(order["id"]) != "AWAITING_SHIPMENT":  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)


async def _status(order_id: str) -> Any:
    return await db.fetch_value(
        "SELECT status FROM sales_order WHERE id = $1::text::uuid", order_id
    )
