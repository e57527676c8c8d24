"""The host api.mch.weixin.qq.com: WeChat Pay v3 for one merchant, and its H5 pay page."""

from wxsim.exchange import Host
from wxsim.mch import certificates, orders, pay_page, refunds
from wxsim.mch.manners import manners
from wxsim.world import World


def build(world: World) -> Host:
    """The ASGI application to mount at /mch."""
    routes = [
        *orders.OrderCalls(world).routes(),
        *refunds.RefundCalls(world).routes(),
        *certificates.CertificateCalls(world).routes(),
        *pay_page.PayPage(world).routes(),
    ]
    return Host(
        "mch",
        routes,
        manners(world),
        clock=world.clock,
        faults=world.faults,
        journal=world.journal,
        stats=world.stats,
        revoke_tokens=world.tokens.revoke_all,
    )
