"""What `mall` says when it can't do what it was asked."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from cli.embedded.ports import free_port
from settings import Settings
from tests.support.commands import mall

FIXTURE = "tests/fixtures/complete_journey"
WECHAT = ("wechat_mini_program_appid", "wechat_mch_id", "wechat_pay_public_key")


def _elsewhere(settings: Settings, **parts: str) -> Settings:
    """Lead to the tests' PostgreSQL with a part of its address changed."""
    url = urlsplit(settings.postgres_url)
    user, password = parts.get("user", url.username), parts.get("password", url.password)
    port, name = parts.get("port", url.port), parts.get("name", url.path[1:])
    changed = url._replace(netloc=f"{user}:{password}@{url.hostname}:{port}", path=f"/{name}")
    return settings.model_copy(update={"database_url": SecretStr(changed.geturl())})


@pytest.mark.parametrize("command", ["verify", "migrate"])
@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"port": "free"},
            "PostgreSQL does not answer where DATABASE_URL says (ConnectionRefusedError).",
        ),
        (
            {"password": "wrong"},
            "PostgreSQL refuses the user or the password of DATABASE_URL.",
        ),
        ({"name": "nowhere"}, "PostgreSQL has no database of the name in DATABASE_URL."),
    ],
    ids=["away", "password", "name"],
)
async def test_a_database_out_of_reach_is_one_line(
    settings: Settings, command: str, parts: dict[str, str], said: str
) -> None:
    given = {name: str(free_port()) if name == "port" else text for name, text in parts.items()}
    assert await mall(_elsewhere(settings, **given), command) == (1, f"mall: {said}\n")


@pytest.mark.parametrize(
    "command", [("verify",), ("seed",), ("replay", "--baskets", "1", "--data", FIXTURE)], ids=str
)
async def test_a_database_without_tables_is_one_line(
    settings: Settings, command: tuple[str, ...]
) -> None:
    empty = _elsewhere(settings, name="template1")
    said = "The database lacks tables of this release. Run `mall migrate` first."
    assert await mall(empty, *command) == (1, f"mall: {said}\n")


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_what_leads_to_wechat_is_asked_for(settings: Settings, command: str) -> None:
    lacking = settings.model_copy(update=dict.fromkeys(WECHAT, ""))
    expected = "expected the value of the simulator's /_sim/config.json, as `mall up` sets it"
    lines = [f"mall: {name.upper()}: is not set; {expected}\n" for name in WECHAT]
    assert await mall(lacking, command) == (2, "".join(lines))


async def test_a_manifest_that_is_none_is_one_line(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text("{}", encoding="utf-8")
    broken = settings.model_copy(update={"trusted_documents": (file,)})
    wrong = f"{file} is no manifest of version 1"
    expected = "expected a file that `mall documents build` wrote"
    said = f"mall: TRUSTED_DOCUMENTS: {wrong}; {expected}\n"
    assert await mall(broken, "serve") == (2, said)
