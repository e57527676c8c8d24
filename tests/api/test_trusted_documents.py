"""Trusted documents: the manifests are in step, and the server runs them, or nothing else."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from api.app import create_app
from api.graphql import LIMITS
from api.schema import member_engine
from api.trusted import trusted_manifest
from executor.collect import Collected, collect
from executor.documents import Documents
from executor.manifest import Manifest, TrustedDocument
from settings import Settings
from settings.errors import SettingsError
from tests.factories.members import signed_in_member
from tests.factories.orders import placed
from tests.factories.shop import a_sku, an_address
from tests.support.application import PROJECT, lifespan
from tests.support.graphql import GraphQLClient
from tests.support.sockets import open_socket

FOLDER = PROJECT / "api" / "documents"
CLIENTS = ("mini_program", "shop")
MODULE = PROJECT / "api" / "pages" / "assets" / "documents.js"
ARRIVED = {
    "Launch",
    "LaunchScene",
    "Join",
    "Home",
    "Category",
    "ProductPage",
    "CartPage",
    "Checkout",
    "Place",
    "Pay",
    "OrderPage",
    "MemberCentre",
    "Points",
    "CheckIn",
    "Invite",
    "Inbox",
    "Read",
    "Settings",
    "Export",
    "Leave",
}
"""Pages of the mini-program that must not get lost."""


def collected(client: str) -> Collected:
    return collect(FOLDER / client, Documents(member_engine(), LIMITS))


# In step.


@pytest.mark.parametrize("client", CLIENTS)
def test_manifests_are_what_is_written_and_what_the_schema_takes(client: str) -> None:
    found = collected(client)
    assert found.problems == []
    written = (FOLDER / f"{client}.json").read_bytes()
    assert written == found.manifest.dump(), "run `make documents`"


def test_the_shop_s_module_is_of_its_manifest() -> None:
    assert MODULE.read_text(encoding="utf-8") == collected("shop").manifest.module()


def test_every_document_that_the_shop_imports_is_in_its_module() -> None:
    exported = set(re.findall(r"^export const (\w+)", MODULE.read_text("utf-8"), re.MULTILINE))
    imported: set[str] = set()
    for script in MODULE.parent.glob("*.js"):
        for names in re.findall(
            r'import \{([^}]*)\} from "\./documents\.js"', script.read_text("utf-8")
        ):
            imported |= {name.strip() for name in names.split(",") if name.strip()}
    assert imported == exported


def test_the_pages_of_the_mini_program_are_there() -> None:
    names = {document.name for document in Manifest.read(FOLDER / "mini_program.json")}
    assert ARRIVED - names == set()


# At work.


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_documents": (FOLDER / "mini_program.json",)})


@pytest.fixture
async def strict(app: ASGIApp, settings: Settings) -> AsyncIterator[GraphQLClient]:
    """The mall, running trusted documents alone."""
    async with calling(settings.model_copy(update={"trusted_documents_only": True})) as client:
        yield client


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[GraphQLClient]:
    """A second application with other settings, beside the `app` whose pool it uses."""
    app = create_app(settings)
    async with lifespan(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as http:
            yield GraphQLClient(http)


def hash_of(client: str, name: str) -> str:
    [found] = [each.hash for each in Manifest.read(FOLDER / f"{client}.json") if each.name == name]
    return found


async def asked(client: GraphQLClient, **request: Any) -> tuple[int, Any]:
    headers = {"accept": "application/graphql-response+json"}
    answer = await client.http.post("/graphql", json=request, headers=headers)
    return answer.status_code, answer.json()


async def test_a_subscription_is_asked_for_by_its_id(live: str, settings: Settings) -> None:
    member = await signed_in_member(settings)
    await an_address(member.id)
    order_id = str(await placed(member.id, (await a_sku(), 1), now=datetime.now(UTC)))
    document_id = f"sha256:{hash_of('mini_program', 'OrderChanged')}"
    payload = {"documentId": document_id, "variables": {"id": order_id}}
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        await socket.say({"id": "1", "type": "subscribe", "payload": payload})
        event = (await socket.event("1"))["orderChanged"]
        assert (event["id"], event["status"]) == (order_id, "AWAITING_PAYMENT")


async def test_a_document_is_asked_for_by_its_id(client: GraphQLClient) -> None:
    for given in (
        {"documentId": f"sha256:{hash_of('shop', 'Badge')}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of("shop", "Badge")}}},
    ):
        assert await asked(client, **given) == (200, {"data": {"me": None}})
    suggest = f"sha256:{hash_of('mini_program', 'Suggest')}"
    answer = await client.http.get(
        "/graphql", params={"documentId": suggest, "variables": '{"t": "nothing at all"}'}
    )
    assert answer.json() == {"data": {"searchSuggestions": []}}


async def test_a_mutation_is_not_asked_for_by_get(client: GraphQLClient) -> None:
    answer = await client.http.get(
        "/graphql", params={"documentId": f"sha256:{hash_of('shop', 'SignOut')}"}
    )
    assert answer.status_code == 405


async def test_apollo_registers_what_it_asks(client: GraphQLClient) -> None:
    text = "{ shop { __typename } }"
    persisted = {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}
    given: dict[str, Any] = {"extensions": {"persistedQuery": persisted}}
    assert await asked(client, **given) == (
        400,
        {
            "errors": [
                {
                    "message": "PersistedQueryNotFound",
                    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
                }
            ]
        },
    )
    expected: Any = (200, {"data": {"shop": {"__typename": "Shop"}}})
    assert await asked(client, query=text, **given) == expected
    assert await asked(client, **given) == expected


async def test_only_trusted_documents_are_run(strict: GraphQLClient) -> None:
    told = {
        "message": "Only documents that were registered when the client was built are run here: "
        "send `documentId` instead of `query`.",
        "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
    }
    assert await asked(strict, query="{ me { id } }") == (400, {"errors": [told]})
    assert await asked(strict, query="{ __schema { types { name } } }") == (400, {"errors": [told]})
    for client in CLIENTS:
        document_id = f"sha256:{hash_of(client, 'Suggest')}"
        variables = {"t": "x"} if client == "mini_program" else {"text": "x"}
        expected: Any = (200, {"data": {"searchSuggestions": []}})
        assert await asked(strict, documentId=document_id, variables=variables) == expected


# Settings.


def test_all_releases_that_are_in_use_are_trusted(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "a.graphql").write_text("query Mine { shop { name } }", encoding="utf-8")
    other.write_bytes(collect(folder, Documents(member_engine(), LIMITS)).manifest.dump())
    both = settings.model_copy(update={"trusted_documents": (*settings.trusted_documents, other)})
    names = [document.name for document in trusted_manifest(both)]
    assert names == sorted(names)
    assert {"Mine", "SignOut", "LaunchScene"} <= set(names)
    assert names.count("Suggest") == 2


def test_a_file_that_is_no_manifest_is_told(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        trusted_manifest(settings.model_copy(update={"trusted_documents": (file,)}))
    assert str(raised.value) == (
        f"TRUSTED_DOCUMENTS: {file} is no manifest of version 1; "
        "expected a file that `mall documents build` wrote"
    )


async def test_a_document_that_the_schema_does_not_take_leaves_the_others(
    app: ASGIApp, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "old.json"
    old = TrustedDocument("Old", "query", "query Old {\n  gone\n}")
    file.write_bytes(Manifest([old]).dump())
    async with calling(settings.model_copy(update={"trusted_documents": (file,)})) as client:
        assert "trusted_document_broken" in capsys.readouterr().out
        status, body = await asked(client, documentId=f"sha256:{old.hash}")
        assert status == 400
        assert [error["extensions"] for error in body["errors"]] == [
            {"code": "PERSISTED_QUERY_NOT_FOUND"}
        ]
        badge = f"sha256:{hash_of('shop', 'Badge')}"
        assert await asked(client, documentId=badge) == (200, {"data": {"me": None}})
