"""What /metrics tells of GraphQL."""

from __future__ import annotations

from prometheus_client import REGISTRY

from api.figures import OperationTimes
from api.schema import member_engine
from executor.documents import Documents
from executor.manifest import Manifest, TrustedDocument
from executor.outcome import Outcome
from executor.trusted import DocumentSource
from tests.support.graphql import GraphQLClient

TEXT = "query TrustedShop { shop { name } }"


def runs(way: str) -> float:
    return REGISTRY.get_sample_value("mall_graphql_runs_total", {"way": way}) or 0.0


def counted(operation: str) -> float:
    labels = {"operation": operation}
    return REGISTRY.get_sample_value("mall_graphql_operation_seconds_count", labels) or 0.0


def test_only_trusted_operations_have_a_name() -> None:
    documents = Documents(member_engine())
    manifest = Manifest([TrustedDocument("TrustedShop", "query", TEXT)])
    times = OperationTimes(DocumentSource(documents, manifest).operations())
    before = counted("TrustedShop"), counted("other")
    times(documents.get(TEXT).operation(), Outcome({}), 0.001)
    # Somebody else's operation of the same name is somebody else's.
    times(documents.get(TEXT + " ").operation(), Outcome({}), 0.001)
    times(documents.get("query Made_up { __typename }").operation(), Outcome({}), 0.001)
    assert (counted("TrustedShop"), counted("other")) == (before[0] + 1, before[1] + 2)
    assert counted("Made_up") == 0


async def test_runs_are_counted_by_the_way_they_went(client: GraphQLClient) -> None:
    before = {way: runs(way) for way in ("compiled", "interpreted", "fallback")}
    times = counted("other")
    assert (await client.gql("query Quiet { tiers { code } }")).data["tiers"]
    assert (await client.gql("{ __schema { queryType { name } } }")).data
    assert (await client.gql("mutation { clearCart { userErrors { code } } }")).error_codes
    after = {way: runs(way) - count for way, count in before.items()}
    assert after == {"compiled": 1, "interpreted": 2, "fallback": 1}
    assert counted("other") - times == 3
    figures = (await client.http.get("/metrics")).text
    assert 'mall_graphql_runs_total{way="compiled"}' in figures
    assert 'mall_graphql_operation_seconds_bucket{le="0.001",operation="other"}' in figures
