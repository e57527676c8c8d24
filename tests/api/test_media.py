"""The brand's own files."""

import pytest

from settings import Settings
from tests.support.graphql import GraphQLClient
from tests.support.pictures import jpeg, png


@pytest.fixture
def media(settings: Settings) -> Settings:
    folder = settings.home / "media"
    (folder / "demo").mkdir(parents=True)
    (folder / "demo" / "apple-1.png").write_bytes(png())
    (folder / "demo" / "apple.jpg").write_bytes(jpeg())
    (folder / "demo" / ".secret.png").write_bytes(png())
    (folder / "notes.txt").write_text("not for everybody")
    (folder / "privacy-2026.01.html").write_text("<h1>隐私政策</h1>")
    (settings.home / "outside.png").write_bytes(png())
    return settings


async def test_pictures_and_pages_are_shown_and_kept_for_a_day(
    client: GraphQLClient, media: Settings
) -> None:
    for name, content_type, data in (
        ("demo/apple-1.png", "image/png", png()),
        ("demo/apple.jpg", "image/jpeg", jpeg()),
        ("privacy-2026.01.html", "text/html; charset=utf-8", "<h1>隐私政策</h1>".encode()),
    ):
        shown = await client.http.get(f"/media/{name}")
        assert (shown.status_code, shown.content) == (200, data)
        assert shown.headers["content-type"] == content_type
        assert shown.headers["cache-control"] == "public, max-age=86400"
        assert shown.headers["x-content-type-options"] == "nosniff"
        head = await client.http.head(f"/media/{name}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(data))


async def test_what_the_client_has_is_not_sent_again(
    client: GraphQLClient, media: Settings
) -> None:
    first = await client.http.get("/media/demo/apple-1.png")
    etag = first.headers["etag"]
    again = await client.http.get("/media/demo/apple-1.png", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    (media.home / "media" / "demo" / "apple-1.png").write_bytes(png(9, 9))
    changed = await client.http.get("/media/demo/apple-1.png", headers={"if-none-match": etag})
    assert (changed.status_code, changed.content) == (200, png(9, 9))


async def test_the_brands_share_picture_stands_before_the_shipped_one(
    client: GraphQLClient, media: Settings
) -> None:
    shipped = await client.http.get("/media/share.png")
    assert shipped.status_code == 200
    (media.home / "media" / "share.png").write_bytes(png(5, 4))
    assert (await client.http.get("/media/share.png")).content == png(5, 4)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing.png",
        "demo",
        "demo/",
        "demo/.secret.png",
        "notes.txt",
        "../outside.png",
        "%2e%2e/outside.png",
        "..%2foutside.png",
        "demo/..%2f..%2foutside.png",
        "/etc/passwd.png",
        "demo/apple-1.png/x.png",
        "a%00.png",
        "%e5%ad%97.png",
        "a/" * 100 + "a.png",
        "a" * 5_000 + ".png",
    ],
)
async def test_nothing_else_can_be_read(client: GraphQLClient, media: Settings, name: str) -> None:
    response = await client.http.get(f"/media/{name}")
    assert response.status_code == 404
    assert "cache-control" not in response.headers or (
        response.headers["cache-control"] == "no-store"
    )
