"""The pages that people see: what is served where, and that what they ask is in the schema."""

import re
from pathlib import Path

import httpx
import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from starlette.applications import Starlette

from api.pages import page_routes
from api.schema import member_schema
from settings import Profile, Settings
from tests.support.graphql import GraphQLClient

ASSETS = Path(__file__).parents[2] / "api" / "pages" / "assets"
OPERATION = re.compile(
    r"""[`"]((?:#[^\n]*\n)*(?:query|mutation) [A-Z]\w*\b[^`]*?)[`"][;,]?\s*$""", re.MULTILINE
)
SCRIPTS = sorted(path for path in ASSETS.glob("*.js") if path.name != "documents.js")
"""The shop's own documents are trusted ones: `make documents` writes that script."""
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return build_schema(member_schema().as_str())


async def test_the_explorer_is_what_a_browser_gets(client: GraphQLClient) -> None:
    page = await client.http.get("/graphql", headers=HTML)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>GraphQL explorer" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_a_query_by_get_is_answered_to_browsers_too(client: GraphQLClient) -> None:
    answer = await client.http.get("/graphql", params={"query": "{ __typename }"}, headers=HTML)
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_graphiql_is_there_for_those_with_internet(client: GraphQLClient) -> None:
    page = await client.http.get("/graphql?ide=graphiql", headers=HTML)
    assert "GraphiQL" in page.text


@pytest.mark.parametrize("name", ["explorer.html", "shop.html"])
async def test_everything_that_a_page_names_is_served(client: GraphQLClient, name: str) -> None:
    page = (ASSETS.parent / name).read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="(pages/[^"]+)"', page)
    assert named
    for path in named:
        answer = await client.http.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-cache"


def test_the_pages_bring_all_they_need() -> None:
    for file in [*ASSETS.parent.glob("*.html"), *ASSETS.glob("*.*")]:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_every_document_of_the_pages_is_in_the_schema(script: Path, schema: GraphQLSchema) -> None:
    text = script.read_text(encoding="utf-8")
    for document in _documents(text):
        assert validate(schema, parse(document)) == []


def test_the_documents_of_the_pages_are_found() -> None:
    found = {path.name: len(_documents(path.read_text(encoding="utf-8"))) for path in SCRIPTS}
    assert {name: count for name, count in found.items() if count} == {
        "examples.js": 8,
        "explorer.js": 1,
        "schema.js": 1,
    }


def _documents(script: str) -> list[str]:
    """Return the operations of a script, with the constants that they are put together from."""
    parts = dict(re.findall(r"const ([A-Z_]+) =\s*[`\"]([^`\"]*)[`\"];", script))
    texts = OPERATION.findall(script)
    return [_filled(text, parts) for text in texts]


def _filled(text: str, parts: dict[str, str]) -> str:
    while "${" in text:
        text = re.sub(r"\$\{([A-Z_]+)\}", lambda match: parts[match[1]], text)
    return text


@pytest.mark.parametrize(
    ("path", "accepted", "lang"),
    [
        ("/", None, "zh"),
        ("/", "en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("/", "fr", "zh"),
        ("/?lang=en", "zh-CN", "en"),
        ("/?lang=zh", "en", "zh"),
        ('/?lang="><script>', "en", "zh"),
    ],
)
async def test_the_shop_speaks_the_visitors_language(
    client: GraphQLClient, path: str, accepted: str | None, lang: str
) -> None:
    page = await client.http.get(path, headers={"accept-language": accepted or ""})
    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 's")


async def test_the_shop_moves_to_the_address_that_wechat_sends_people_back_to(
    client: GraphQLClient, settings: Settings
) -> None:
    moved = await client.http.get(f"http://localhost:{settings.port}/?lang=en")
    assert moved.status_code == 307
    assert moved.headers["location"] == f"http://127.0.0.1:{settings.port}/?lang=en"


async def test_scripts_come_compressed(client: GraphQLClient) -> None:
    answer = await client.http.get("/pages/words.js")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_pages_know_where_people_sign_in(client: GraphQLClient, settings: Settings) -> None:
    config = (await client.http.get("/pages/config.json")).json()
    assert config == {
        "baseUrl": settings.base_url,
        "appId": settings.wechat_official_account_appid,
        "authorizeUrl": f"{settings.wechat_open_base}/connect/oauth2/authorize",
        "simulatorUrl": f"{settings.simulator_url}/_sim/",
    }


async def test_production_shows_no_page(settings: Settings) -> None:
    production = settings.model_copy(update={"profile": Profile.PRODUCTION})
    assert page_routes(production) == []


async def test_production_with_the_explorer_serves_its_files_only(settings: Settings) -> None:
    production = settings.model_copy(update={"profile": Profile.PRODUCTION, "graphiql": True})
    transport = httpx.ASGITransport(app=Starlette(routes=page_routes(production)))
    async with httpx.AsyncClient(transport=transport, base_url="http://mall.test") as http:
        assert (await http.get("/pages/explorer.js")).status_code == 200
        assert (await http.get("/pages/config.json")).status_code == 404
        assert (await http.get("/")).status_code == 404
