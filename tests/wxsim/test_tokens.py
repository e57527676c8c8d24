"""Access tokens of both lines and the JS-SDK ticket, with their exact lives."""

from typing import Any

from tests.wxsim.simulator import Simulator


async def try_token(sim: Simulator, token: str) -> int:
    """The errcode a call with this token gets; 40029 means the token itself was good."""
    data = await sim.post(
        "/api/wxa/business/getuserphonenumber", {"code": "none"}, access_token=token
    )
    return int(data["errcode"])


async def legacy(sim: Simulator) -> dict[str, Any]:
    return await sim.get(
        "/api/cgi-bin/token",
        grant_type="client_credential",
        appid=sim.appid,
        secret=sim.world.tokens.secret(sim.appid),
    )


async def test_stable_token_stays_until_its_last_five_minutes(sim: Simulator) -> None:
    first = await sim.stable_token()
    assert first["expires_in"] == 7200
    await sim.advance("6899s")
    same = await sim.stable_token()
    assert (same["access_token"], same["expires_in"]) == (first["access_token"], 301)
    await sim.advance("1s")
    second = await sim.stable_token()
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] == 7200
    # Both work for the next five minutes.
    assert await try_token(sim, first["access_token"]) == 40029
    await sim.advance("299s")
    assert await try_token(sim, first["access_token"]) == 40029
    await sim.advance("1s")
    assert await try_token(sim, first["access_token"]) == 40001
    assert await try_token(sim, second["access_token"]) == 40029


async def test_a_token_that_nobody_replaced_expires_with_42001(sim: Simulator) -> None:
    token = await sim.access_token()
    await sim.advance("7199s")
    assert await try_token(sim, token) == 40029
    await sim.advance("1s")
    assert await try_token(sim, token) == 42001


async def test_forcing_kills_the_previous_token_at_once(sim: Simulator) -> None:
    first = await sim.access_token()
    forced = await sim.stable_token(force_refresh=True)
    assert forced["access_token"] != first
    assert await try_token(sim, first) == 40001
    assert (await sim.stable_token())["access_token"] == forced["access_token"]


async def test_forcing_is_limited(sim: Simulator) -> None:
    assert "access_token" in await sim.stable_token(force_refresh=True)
    await sim.advance("29s")
    assert (await sim.stable_token(force_refresh=True))["errcode"] == 45011
    for _ in range(19):
        await sim.advance("30s")
        assert "access_token" in await sim.stable_token(force_refresh=True)
    await sim.advance("30s")
    assert (await sim.stable_token(force_refresh=True))["errcode"] == 45009
    await sim.advance("1d")
    assert "access_token" in await sim.stable_token(force_refresh=True)


async def test_every_legacy_call_replaces_the_last_with_five_minutes_of_grace(
    sim: Simulator,
) -> None:
    stable = await sim.access_token()
    first, second = await legacy(sim), await legacy(sim)
    assert first["access_token"] != second["access_token"]
    assert first["expires_in"] == 7200
    await sim.advance("299s")
    assert await try_token(sim, first["access_token"]) == 40029
    await sim.advance("1s")
    assert await try_token(sim, first["access_token"]) == 40001
    assert await try_token(sim, second["access_token"]) == 40029
    assert await try_token(sim, stable) == 40029  # The other line is untouched.


async def test_token_refusals(sim: Simulator) -> None:
    assert await try_token(sim, "nobody's") == 40001
    assert await try_token(sim, "") == 41001
    message = (await sim.post("/api/wxa/msg_sec_check", {}, access_token="x"))["errmsg"]
    words = "invalid credential, access_token is invalid or not latest rid: "
    assert message.startswith(words)
    wrong = await sim.post("/api/cgi-bin/stable_token", {"grant_type": "x"})
    assert wrong["errcode"] == 40002
    answer = await sim.http.post("/api/cgi-bin/stable_token", content=b"{")
    assert answer.json()["errcode"] == 47001


async def test_revoking_kills_every_token(sim: Simulator) -> None:
    stable, old = await sim.access_token(), (await legacy(sim))["access_token"]
    await sim.fault("token.revoke_now")
    assert await try_token(sim, stable) == 40001
    assert await try_token(sim, old) == 40001
    assert await try_token(sim, await sim.access_token()) == 40029


async def test_ticket_lives_two_hours(sim: Simulator) -> None:
    async def ticket(token: str) -> dict[str, Any]:
        return await sim.get("/api/cgi-bin/ticket/getticket", access_token=token, type="jsapi")

    first = await ticket(await sim.access_token(sim.oa_appid))
    assert (first["errcode"], first["expires_in"]) == (0, 7200)
    assert await ticket(await sim.access_token(sim.oa_appid)) == first
    await sim.advance("115m")
    second = await ticket(await sim.access_token(sim.oa_appid))
    assert second["ticket"] != first["ticket"]
    assert (await ticket(await sim.access_token()))["errcode"] == 48001


async def test_unknown_path(sim: Simulator) -> None:
    data = await sim.get("/api/cgi-bin/nothing")
    assert data["errcode"] == 40066
    assert data["errmsg"].startswith("invalid url rid: ")
