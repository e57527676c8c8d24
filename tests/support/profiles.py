"""Profile, consents, addresses and uploads over the API, as pages call them."""

from typing import Any

import httpx

from tests.support.graphql import GraphQLClient

_MEMBER = "nickname avatarUrl birthday birthdayEditable gender joinedAt"
_ADDRESS = "id name phone province city district detail isDefault regionCode"
_ERRORS = "userErrors { code message path retryAfterSeconds }"
MUTATIONS = {
    "updateProfile": f"member {{ {_MEMBER} }}",
    "setConsents": "member { joinedAt consents { kind version given at } }",
    "saveAddress": f"address {{ {_ADDRESS} }}",
    "deleteAddress": f"member {{ addresses {{ {_ADDRESS} }} }}",
    "createUpload": "upload { id url fileField fields { name value } expiresAt }",
}
FORM_ADDRESS: dict[str, Any] = {
    "name": "张三",
    "phone": "13800138000",
    "province": "广东省",
    "city": "深圳市",
    "district": "南山区",
    "detail": "科技园 1 号",
}


async def call(client: GraphQLClient, mutation: str, token: str | None, **input: Any) -> Any:
    """Run a mutation; returns its payload."""
    answer = await send(client, mutation, token, **input)
    return answer.data[mutation]


async def send(client: GraphQLClient, mutation: str, token: str | None, **input: Any) -> Any:
    """Run a mutation; returns the whole answer."""
    kind = mutation[0].upper() + mutation[1:]
    document = (
        f"mutation ($input: {kind}Input!) {{"
        f" {mutation}(input: $input) {{ {MUTATIONS[mutation]} {_ERRORS} }} }}"
    )
    return await client.gql(document, {"input": input}, token)


def refusal(payload: Any) -> tuple[str, list[str] | None]:
    """Code and path of the one refusal; there is nothing else in the payload."""
    [error] = payload.pop("userErrors")
    assert list(payload.values()) == [None]
    return error["code"], error["path"]


async def me(client: GraphQLClient, token: str) -> Any:
    """The profile as the member sees it."""
    return (await client.gql(f"{{ me {{ {_MEMBER} }} }}", token=token)).data["me"]


async def addresses(client: GraphQLClient, token: str) -> list[Any]:
    """The member's addresses as they see them."""
    answer = await client.gql(f"{{ me {{ addresses {{ {_ADDRESS} }} }} }}", token=token)
    found: list[Any] = answer.data["me"]["addresses"]
    return found


async def post_form(
    client: GraphQLClient,
    upload: Any,
    data: bytes,
    *,
    file_name: str = "tmp_1.png",
    **changed: str,
) -> httpx.Response:
    """Post a form as wx.uploadFile does: the fields, then the file; `changed` fields replace."""
    fields = {field["name"]: field["value"] for field in upload["fields"]}
    return await client.http.post(
        httpx.URL(upload["url"]).raw_path.decode(),
        data={**fields, **changed},
        files={upload["fileField"]: (file_name, data)},
    )


async def upload_of(
    client: GraphQLClient,
    token: str,
    data: bytes,
    *,
    purpose: str = "AVATAR",
    content_type: str = "image/png",
) -> Any:
    """Ask for a form for these bytes."""
    payload = await call(
        client, "createUpload", token, purpose=purpose, contentType=content_type, bytes=len(data)
    )
    assert payload["userErrors"] == []
    return payload["upload"]


async def sent(client: GraphQLClient, token: str, data: bytes, **facts: Any) -> str:
    """Send a picture; returns the upload's id."""
    upload = await upload_of(client, token, data, **facts)
    response = await post_form(client, upload, data)
    assert response.status_code == 201, response.text
    return str(upload["id"])
