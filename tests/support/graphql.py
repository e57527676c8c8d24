"""A GraphQL client for tests: one call, a typed answer."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def data(self) -> Any:
        """The data of an answer without top-level errors.

        An answer with some fails the test here.
        """
        assert self.status == 200, (self.status, self.body)
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The top-level errors, empty when there are none."""
        errors: list[dict[str, Any]] = self.body.get("errors", [])
        return errors

    @property
    def error_codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class GraphQLClient:
    """Posts documents to /graphql, in process or over a socket."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def gql(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Run one document, as the member whose access token is given."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        response = await self.http.post(
            "/graphql", json={"query": document, "variables": variables or {}}, headers=sent
        )
        return Answer(response.status_code, response.json(), response.headers)
