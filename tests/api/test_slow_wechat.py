"""WeChat that takes its time, or forever."""

import pytest

from models import database as db
from settings import Settings
from tests.factories.shop import a_sku
from tests.support.graphql import GraphQLClient
from tests.support.shopping import a_shopper
from tests.support.simulator import Simulator

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"wechat_timeout_seconds": 0.3})


@pytest.mark.parametrize("fault", [{"kind": "latency", "ms": 900}, {"kind": "timeout"}])
async def test_a_prepay_without_an_answer_keeps_its_number(
    client: GraphQLClient, wxsim: Simulator, fault: dict[str, object]
) -> None:
    shopper = await a_shopper(client, wxsim)
    order = await shopper.place(await a_sku(9_900))
    await wxsim.post("/faults", **fault, match={"host": "mch"}, times=1)
    payload = await shopper.pay_payload(order["id"], key="k")
    assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_UNAVAILABLE"]
    prepay_id = await shopper.prepay(order["id"], key="k")
    await wxsim.pay(prepay_id=prepay_id)
    assert (await shopper.refresh(order["id"]))["order"]["status"] == "AWAITING_SHIPMENT"
    assert await db.fetch_value("SELECT count(*) FROM payment") == 1


async def test_the_database_is_free_while_wechat_is_slow(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    """Nothing remote happens inside a transaction: no connection is held, no row is locked."""
    shopper = await a_shopper(client, wxsim)
    order = await shopper.place(await a_sku(9_900))
    await wxsim.post("/faults", kind="timeout", match={"host": "mch"}, times=1)
    await shopper.pay_payload(order["id"])
    idle = await db.fetch_value(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'
        """
    )
    assert idle == 0
