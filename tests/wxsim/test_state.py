"""What survives a restart, and where the simulator refuses to start."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.wxsim.simulator import Simulator, frozen
from wxsim import RefusedInProduction, create_app
from wxsim.__main__ import main
from wxsim.config import PROFILE_VARIABLES
from wxsim.store import StateInUse


async def restarted(sim: Simulator, folder: Path) -> Simulator:
    await sim.close()
    again = Simulator(frozen(state_dir=folder, seed=None))
    again.world.resume()
    return again


async def test_a_restart_finds_users_orders_tokens_and_keys(tmp_path: Path) -> None:
    sim = Simulator(frozen(state_dir=tmp_path, seed=None))
    config = (await sim.http.get("/_sim/config.json")).json()
    user = await sim.user(nickname="小红")
    prepay_id = (await sim.order(payer={"openid": user["openids"]["mini_program"]})).json()[
        "prepay_id"
    ]
    await sim.paid("T00000002")
    await sim.refund("R1", 1, out_trade_no="T00000002")
    token = await sim.access_token()
    await sim.advance("1m")
    sim = await restarted(sim, tmp_path)
    try:
        assert (await sim.http.get("/_sim/config.json")).json() == config
        users = (await sim.http.get("/_sim/users")).json()["users"]
        assert users[-1] == user
        assert await sim.access_token() == token
        assert (await sim.http.get("/_sim/clock")).json()["offset_seconds"] == 60
        assert await sim.state("T00000002") == "REFUND"
        assert (await sim.mch("GET", "/v3/refund/domestic/refunds/R1")).json()["status"] == (
            "SUCCESS"
        )
        paid = await sim.control("pay", prepay_id=prepay_id, wait=True)
        assert paid["out_trade_no"] == "T00000001"
        numbers = {order.transaction_id for order in sim.world.payments.orders.values()}
        assert len(numbers) == 2
        assert (await sim.user())["id"] not in {u["id"] for u in users}
    finally:
        await sim.close()


async def test_a_restart_goes_on_with_what_was_under_way(tmp_path: Path) -> None:
    sim = Simulator(frozen(state_dir=tmp_path, seed=None))
    sim.inbox.always = 500
    await sim.paid()
    await sim.refund("R1", 1)
    await sim.fault("cert.rotate")
    serials = [certified.serial for certified in sim.world.keys.platform]
    sim = await restarted(sim, tmp_path)
    try:
        assert [certified.serial for certified in sim.world.keys.platform] == serials
        await sim.advance("5s")
        events = [mail.data["event_type"] for mail in sim.inbox.mails]
        assert sorted(events) == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]
        assert all(mail.signed_by(sim.public_key()) for mail in sim.inbox.mails)
    finally:
        await sim.close()


async def test_a_reset_forgets_on_disk_too(tmp_path: Path) -> None:
    sim = Simulator(frozen(state_dir=tmp_path, seed=None))
    config = (await sim.http.get("/_sim/config.json")).json()
    await sim.paid()
    await sim.control("reset")
    sim = await restarted(sim, tmp_path)
    try:
        assert (await sim.http.get("/_sim/orders")).json() == {"orders": []}
        assert (await sim.http.get("/_sim/config.json")).json() == config
    finally:
        await sim.close()


async def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    sim = Simulator(frozen(state_dir=tmp_path, seed=None))
    await sim.close()
    files = sorted((tmp_path / "keys").iterdir())
    assert [file.name for file in files] == ["merchant.pem", "platform-0000.pem", "public.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_two_simulators_do_not_share_a_state(tmp_path: Path) -> None:
    sim = Simulator(frozen(state_dir=tmp_path, seed=None))
    try:
        with pytest.raises(StateInUse, match="Is a simulator running"):
            create_app(frozen(state_dir=tmp_path))
    finally:
        await sim.close()


@pytest.mark.parametrize("name", PROFILE_VARIABLES)
def test_production_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "Production")
    with pytest.raises(RefusedInProduction, match=f"{name}=Production"):
        create_app()
    assert main(["--port", "0"]) == 2


def test_sigterm_saves_and_ends_well(tmp_path: Path) -> None:
    """The real process: it serves, saves on SIGTERM, and finds its users again."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "wxsim", "--port", "0", "--state", str(tmp_path)]

    def run(user_calls: str) -> list[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, trust_env=False) as http:
                if user_calls == "create":
                    http.post("/_sim/users", json={"nickname": "甲"})
                users = http.get("/_sim/users").json()["users"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.communicate()
        return [user["nickname"] for user in users]

    assert run("create") == ["甲"]
    assert run("look") == ["甲"]
