"""Requests are verified and answers are signed, both for real."""

from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.wxsim.simulator import Simulator
from wxsim import keys

TARGET = "/v3/pay/transactions/out-trade-no/T00000001?mchid=1900006891"


async def send(sim: Simulator, authorization: str, **headers: str) -> httpx.Response:
    given = {"Accept": "application/json", "User-Agent": "tests"} | headers
    if authorization:
        given["Authorization"] = authorization
    return await sim.http.get(f"/mch{TARGET}", headers=given)


async def test_a_signed_request_is_let_in(sim: Simulator) -> None:
    answer = await send(sim, sim.authorization("GET", TARGET))
    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_EXIST")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mchid": "1900000000"}, "mchid"),
        ({"serial_no": "5A" * 20}, "serial_no"),
        ({"timestamp": "1"}, "timestamp"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"timestamp": "9" * 5_000}, "timestamp"),
        ({"signature": "bm90IGl0"}, "signature"),
        ({"signature": "not base64!"}, "signature"),
        ({"surplus": "x"}, "Authorization"),
    ],
)
async def test_a_wrong_authorization_is_told_where(
    sim: Simulator, changes: dict[str, Any], field: str
) -> None:
    answer = await send(sim, sim.authorization("GET", TARGET, **changes))
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert answer.json()["detail"]["field"] == field
    assert sim.is_sealed(answer, sim.world.keys.platform[-1].key.public_key())


@pytest.mark.parametrize("header", ["", "Basic eDp5", "WECHATPAY2-SHA256-RSA2048 mchid=1"])
async def test_no_proper_authorization(sim: Simulator, header: str) -> None:
    answer = await send(sim, header)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(("skew", "status"), [(-302, 401), (-298, 404), (298, 404), (302, 401)])
async def test_timestamps_may_be_five_minutes_off(sim: Simulator, skew: int, status: int) -> None:
    at = str(int(sim.world.clock.wall()) + skew)
    answer = await send(sim, sim.authorization("GET", TARGET, timestamp=at))
    assert answer.status_code == status


async def test_simulated_time_does_not_age_signatures(sim: Simulator) -> None:
    await sim.advance("2h")
    answer = await send(sim, sim.authorization("GET", TARGET))
    assert answer.status_code == 404
    age = sim.world.clock.wall() - int(answer.headers["wechatpay-timestamp"])
    assert age < 300


async def test_a_request_works_once(sim: Simulator) -> None:
    header = sim.authorization("GET", TARGET)
    assert (await send(sim, header)).status_code == 404
    again = await send(sim, header)
    assert (again.status_code, again.json()["detail"]["detail"]["issue"]) == (401, "nonce reused")


async def test_the_signature_covers_method_path_query_and_body(sim: Simulator) -> None:
    strange = keys.new_key()
    for header in (
        sim.authorization("POST", TARGET),
        sim.authorization("GET", f"/mch{TARGET}"),
        sim.authorization("GET", TARGET.partition("?")[0]),
        sim.authorization("GET", TARGET, b"{}"),
        sim.authorization("GET", TARGET, key=strange),
    ):
        answer = await send(sim, header)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    detail = answer.json()["detail"]
    assert detail["detail"]["issue"] == "sign not match"
    information = detail["sign_information"]
    assert (information["method"], information["url"]) == ("GET", TARGET)
    assert information["truncated_sign_message"].startswith(f"GET\n{TARGET}\n")


async def test_the_raw_path_is_what_is_signed(sim: Simulator) -> None:
    target = "/v3/pay/transactions/out-trade-no/T%7C00001?mchid=1900006891"
    answer = await sim.http.get(
        f"/mch{target}",
        headers={"Authorization": sim.authorization("GET", target), "User-Agent": "tests"},
    )
    assert answer.json()["code"] == "ORDER_NOT_EXIST"


async def test_other_bytes_of_the_same_json_are_another_body(sim: Simulator) -> None:
    target = "/v3/pay/transactions/jsapi"
    tight, loose = b'{"mchid":"1900006891"}', b'{"mchid": "1900006891"}'
    answer = await sim.http.post(
        f"/mch{target}",
        content=loose,
        headers={"Authorization": sim.authorization("POST", target, tight)},
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


async def test_accept_and_user_agent_are_required(sim: Simulator) -> None:
    header = sim.authorization("GET", TARGET)
    assert (await send(sim, header, Accept="text/html")).status_code == 406
    assert (await send(sim, header, **{"User-Agent": ""})).status_code == 400
    await sim.control("settings", require_headers=False)
    assert (await send(sim, header, Accept="text/html")).status_code == 404


async def test_the_request_chooses_the_key_of_the_answer(sim: Simulator) -> None:
    by_public = await sim.mch("GET", TARGET, serial=sim.world.keys.public_id)
    assert by_public.headers["wechatpay-serial"] == sim.world.keys.public_id
    assert sim.is_sealed(by_public)
    platform = sim.world.keys.platform[0]
    by_certificate = await sim.mch("GET", TARGET, serial=platform.serial)
    assert by_certificate.headers["wechatpay-serial"] == platform.serial
    assert sim.is_sealed(by_certificate, platform.key.public_key())
    unasked = await sim.mch("GET", TARGET, serial="unknown")
    assert unasked.headers["wechatpay-serial"] == platform.serial
    assert unasked.headers["request-id"] != by_public.headers["request-id"]


async def test_every_kind_of_answer_is_signed(sim: Simulator) -> None:
    order = await sim.order()
    closed = await sim.mch(
        "POST", "/v3/pay/transactions/out-trade-no/T00000001/close", {"mchid": sim.mchid}
    )
    unknown = await sim.mch("GET", "/v3/nothing")
    wrong = await sim.order("T00000002", total=0)
    statuses = [answer.status_code for answer in (order, closed, unknown, wrong)]
    assert statuses == [200, 204, 404, 400]
    assert closed.content == b""
    assert all(sim.is_sealed(answer) for answer in (order, closed, unknown, wrong))


async def certificates(sim: Simulator) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = (await sim.mch("GET", "/v3/certificates")).json()["data"]
    return data


async def test_certificates_open_with_the_apiv3_key(sim: Simulator) -> None:
    (entry,) = await certificates(sim)
    sealed = entry["encrypt_certificate"]
    assert sealed["algorithm"] == "AEAD_AES_256_GCM"
    assert sealed["associated_data"] == "certificate"
    certificate = x509.load_pem_x509_certificate(sim.decrypt_bytes(sealed))
    assert f"{certificate.serial_number:X}" == entry["serial_no"]
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    answer = await sim.mch("GET", TARGET, serial=entry["serial_no"])
    assert sim.is_sealed(answer, public)


async def test_rotation_adds_a_certificate(sim: Simulator) -> None:
    (old,) = await certificates(sim)
    await sim.fault("cert.rotate")
    entries = await certificates(sim)
    assert [entries[0]["serial_no"], len(entries)] == [old["serial_no"], 2]
    await sim.fault("notify.cert_signed")
    await sim.paid()
    (mail,) = sim.inbox.mails
    assert mail.headers["Wechatpay-Serial"] == entries[1]["serial_no"]


async def test_a_new_merchant_has_no_certificate(sim: Simulator) -> None:
    await sim.control("settings", platform_certificates=False)
    answer = await sim.mch("GET", "/v3/certificates", serial="none")
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert answer.headers["wechatpay-serial"] == sim.world.keys.public_id


async def test_a_large_body_is_refused_unread(sim: Simulator) -> None:
    answer = await sim.http.post("/mch/v3/pay/transactions/jsapi", content=b"x" * (1 << 20 | 1))
    assert answer.status_code == 413
