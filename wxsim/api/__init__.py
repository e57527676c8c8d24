"""The host api.weixin.qq.com: login, tokens, OAuth, phone numbers, codes and text checks."""

from wxsim.api import content, login, oauth, tokens
from wxsim.api.manners import manners
from wxsim.exchange import Host
from wxsim.world import World


def build(world: World) -> Host:
    """The ASGI application to mount at /api."""
    routes = [
        *tokens.TokenCalls(world).routes(),
        *login.LoginCalls(world).routes(),
        *oauth.OAuthCalls(world).routes(),
        *content.ContentCalls(world).routes(),
    ]
    return Host(
        "api",
        routes,
        manners(world),
        clock=world.clock,
        faults=world.faults,
        journal=world.journal,
        stats=world.stats,
        revoke_tokens=world.tokens.revoke_all,
    )
