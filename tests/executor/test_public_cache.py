"""The public cache: what is shared, for how long, and what never is."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import strawberry
from graphql import parse

from executor.asgi import Headers
from executor.engine import Engine
from executor.hints import public, signed_in
from executor.operation import Operation
from executor.outcome import Outcome
from executor.public_cache import OVERHEAD_BYTES, PLACES, Answer, Kept, Place, PublicCache
from executor.versions import Versions

JSON = "application/json"
NO_HEADERS: Headers = {}


@strawberry.type
class Query:
    @strawberry.field(metadata=public("products", "stock", seconds=30))
    def product(self, id: int = 0) -> str:
        return f"product {id}"

    @strawberry.field(metadata=public("stores", seconds=60))
    def store(self) -> str:
        return "store"

    @strawberry.field
    def secret(self) -> str:
        return "secret"

    @strawberry.field(metadata=signed_in())
    def me(self) -> str | None:
        return None


ENGINE = Engine(strawberry.Schema(Query))


def an_operation(text: str = "query ($id: Int) { product(id: $id) }") -> Operation:
    return ENGINE.operation(parse(text))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Runs:
    """Counts runs; each answers with its number, or as it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.answers: Callable[[int], Answer] = lambda number: answered(f"answer {number}")
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> Answer:
        self.count += 1
        number = self.count
        await self.may_end.wait()
        return self.answers(number)


def answered(text: str, *, status: int = 200, errors: Any = None) -> Answer:
    body = orjson.dumps({"data": {"product": text}})
    return Answer(status, body, Outcome({"product": text}, errors))


class Harness:
    """A cache, its versions and clock, one operation, and a count of its runs."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.versions = Versions()
        self.cache = PublicCache(
            self.versions,
            clock=self.clock,
            vary=lambda headers: headers.get(b"accept-language"),
            vary_headers=["Accept-Language"],
            **options,
        )
        self.operation = an_operation()
        self.runs = Runs()

    def place(self, raw: bytes = b"{}", headers: Headers = NO_HEADERS) -> Place | None:
        return self.cache.place(headers, raw, is_get=False, media_type=JSON)

    async def ask(
        self,
        variables: dict[str, Any] | None = None,
        *,
        raw: bytes | None = None,
        operation: Operation | None = None,
        headers: Headers = NO_HEADERS,
    ) -> str:
        """Ask as the endpoint does; return what the body says."""
        written = orjson.dumps(variables) if raw is None else raw
        place = self.place(written, headers)
        assert place is not None
        kept = self.cache.find(place)
        if kept is None:
            operation = operation or self.operation
            made = await self.cache.share(place, operation, variables, self.runs)
        else:
            made = kept
        return str(orjson.loads(made.body)["data"]["product"])

    def several(self, number: int) -> list[asyncio.Task[str]]:
        return [asyncio.create_task(self.ask()) for _ in range(number)]


@pytest.fixture
def harness() -> Harness:
    return Harness()


async def settled() -> None:
    """Let every task go as far as it can by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_second_is_answered_from_memory(harness: Harness) -> None:
    assert [await harness.ask(), await harness.ask()] == ["answer 1", "answer 1"]
    assert harness.runs.count == 1
    told = harness.cache.statistics
    assert (told.hits, told.shared, told.misses, told.stale, told.evicted) == (1, 0, 1, 0, 0)


async def test_requests_that_are_written_differently_share_an_answer(harness: Harness) -> None:
    assert await harness.ask({"id": 1}, raw=b'{"id":1}') == "answer 1"
    assert await harness.ask({"id": 1}, raw=b'{ "id": 1 }') == "answer 1"
    # Nobody asks for a variable that the operation doesn't declare.
    assert await harness.ask({"id": 1, "nonce": 7}) == "answer 1"
    assert len(harness.cache) == 1
    assert harness.cache.statistics.hits == 2
    for raw in (b'{"id":1}', b'{ "id": 1 }', b'{"id":1,"nonce":7}'):
        place = harness.place(raw)
        assert place is not None
        assert harness.cache.find(place) is not None


async def test_what_determines_the_answer_keeps_answers_apart(harness: Harness) -> None:
    other = an_operation("{ store }")
    asked = [
        await harness.ask(),
        await harness.ask({"id": 1}),
        await harness.ask({"id": None}),
        await harness.ask({"id": 1}, headers={b"accept-language": b"en"}),
        await harness.ask(operation=other, raw=b"other"),
    ]
    assert asked == [f"answer {number}" for number in (1, 2, 3, 4, 5)]
    place = harness.cache.place({}, b"null", is_get=False, media_type="application/other")
    assert place is not None
    made = await harness.cache.share(place, harness.operation, None, harness.runs)
    assert orjson.loads(made.body)["data"]["product"] == "answer 6"


async def test_get_and_post_share_an_answer(harness: Harness) -> None:
    await harness.ask()
    place = harness.cache.place({}, b"query=x", is_get=True, media_type=JSON)
    assert place is not None
    assert harness.cache.find(place) is None
    made = await harness.cache.share(place, harness.operation, {}, harness.runs)
    assert orjson.loads(made.body)["data"]["product"] == "answer 1"
    assert harness.cache.find(place) is made
    # A body that looks like a query string is no query string.
    same = harness.place(b"query=x")
    assert same is not None
    assert harness.cache.find(same) is None


@pytest.mark.parametrize("name", [b"authorization", b"cookie"])
def test_credentials_lead_nowhere(harness: Harness, name: bytes) -> None:
    assert harness.place(headers={name: b""}) is None
    assert harness.place(headers={name: b"anything"}) is None


def test_which_headers_are_credentials_is_the_hosts_to_say() -> None:
    harness = Harness(credentials=["X-Api-Key"])
    assert harness.place(headers={b"x-api-key": b"secret"}) is None
    assert harness.place(headers={b"authorization": b"secret"}) is not None


async def test_operations_without_a_policy_are_run_each_time(harness: Harness) -> None:
    operation = an_operation("{ product secret }")
    asked = [await harness.ask(operation=operation) for _ in range(2)]
    assert asked == ["answer 1", "answer 2"]
    assert len(harness.cache) == 0
    assert harness.cache.statistics.misses == 0  # Nobody missed anything.


@pytest.mark.parametrize(
    "answer",
    [
        answered("x", errors=[ValueError()]),
        answered("x", status=400),
        Answer(200, b'{"data":{"product":"x"}}', Outcome(None)),
        Answer(200, b'{"data":{"product":"x"}}', Outcome({"product": "x", "viewer": "somebody"})),
    ],
    ids=["errors", "status", "no data", "a member's data"],
)
async def test_only_whole_answers_are_kept(harness: Harness, answer: Answer) -> None:
    harness.runs.answers = lambda _number: answer
    operation = an_operation("{ product viewer: me }")
    for _ in range(2):
        assert await harness.ask(operation=operation) == "x"
    assert harness.runs.count == 2
    assert (len(harness.cache), harness.cache.bytes) == (0, 0)


async def test_variables_that_are_no_json_are_run(harness: Harness) -> None:
    place = harness.place()
    assert place is not None
    for _ in range(2):
        await harness.cache.share(place, harness.operation, {"id": 2**70}, harness.runs)
    assert harness.runs.count == 2


async def test_an_answer_lasts_its_seconds(harness: Harness) -> None:
    await harness.ask()
    harness.clock.now += 29.9
    assert await harness.ask() == "answer 1"
    harness.clock.now += 0.1
    assert await harness.ask() == "answer 2"
    assert harness.cache.statistics.stale == 1
    assert len(harness.cache) == 1


@pytest.mark.parametrize("tag", ["products", "stock"])
async def test_a_change_behind_any_of_its_tags_ends_an_answer(harness: Harness, tag: str) -> None:
    await harness.ask()
    harness.versions.bump(tag)
    assert await harness.ask() == "answer 2"
    assert await harness.ask() == "answer 2"


async def test_other_changes_are_none_of_its_business(harness: Harness) -> None:
    await harness.ask()
    harness.versions.bump("stores", "unheard of")
    assert await harness.ask() == "answer 1"


async def test_an_answer_that_changed_while_it_was_made_is_not_kept(harness: Harness) -> None:
    harness.runs.may_end.clear()
    asking = harness.several(1)
    await settled()
    harness.versions.bump("products")
    harness.runs.may_end.set()
    assert await asking[0] == "answer 1"
    assert (len(harness.cache), harness.cache.bytes) == (0, 0)
    assert await harness.ask() == "answer 2"


async def test_such_an_answer_is_kept_by_nobody_else_either(harness: Harness) -> None:
    harness.runs.may_end.clear()
    place = harness.place()
    assert place is not None
    asking = asyncio.create_task(harness.cache.share(place, harness.operation, None, harness.runs))
    await settled()
    harness.versions.bump("products")
    harness.runs.may_end.set()
    made = await asking
    assert isinstance(made, Kept)
    _, headers, _ = harness.cache.reply(made, is_get=True)
    assert dict(headers)[b"cache-control"] == b"public, max-age=0"


async def test_who_asks_after_a_change_waits_for_no_run_from_before(harness: Harness) -> None:
    harness.runs.may_end.clear()
    before = harness.several(2)
    await settled()
    harness.versions.bump("products")
    after = harness.several(2)
    await settled()
    assert harness.runs.count == 2
    harness.runs.may_end.set()
    assert await asyncio.gather(*before) == ["answer 1", "answer 1"]
    assert await asyncio.gather(*after) == ["answer 2", "answer 2"]
    assert await harness.ask() == "answer 2"


async def test_while_changes_go_unheard_nothing_comes_from_memory(harness: Harness) -> None:
    await harness.ask()
    harness.versions.lose()
    assert [await harness.ask(), await harness.ask()] == ["answer 2", "answer 3"]
    harness.versions.regain()
    # Anything may have happened meanwhile.
    assert [await harness.ask(), await harness.ask()] == ["answer 4", "answer 4"]


async def test_a_run_that_went_on_while_changes_went_unheard_is_not_kept(harness: Harness) -> None:
    harness.runs.may_end.clear()
    asking = harness.several(1)
    await settled()
    harness.versions.lose()
    harness.versions.regain()
    harness.runs.may_end.set()
    assert await asking[0] == "answer 1"
    assert await harness.ask() == "answer 2"


async def test_fifty_at_once_are_one_run(harness: Harness) -> None:
    harness.runs.may_end.clear()
    asking = harness.several(50)
    await settled()
    harness.runs.may_end.set()
    assert await asyncio.gather(*asking) == ["answer 1"] * 50
    assert harness.runs.count == 1
    assert (harness.cache.statistics.misses, harness.cache.statistics.shared) == (1, 49)


async def test_when_a_run_fails_one_of_the_others_runs(harness: Harness) -> None:
    def answers(number: int) -> Answer:
        if number == 1:
            raise OSError("gone")
        return answered(f"answer {number}")

    harness.runs.answers = answers
    asking = harness.several(50)
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [OSError]
    assert outcomes.count("answer 2") == 49
    assert harness.runs.count == 2


async def test_an_answer_with_errors_is_its_askers_alone(harness: Harness) -> None:
    harness.runs.answers = lambda number: answered(
        f"answer {number}", errors=[ValueError()] if number == 1 else None
    )
    assert await asyncio.gather(*harness.several(5)) == ["answer 1", *["answer 2"] * 4]


async def test_after_two_failures_nobody_waits_any_longer(harness: Harness) -> None:
    harness.runs.answers = lambda number: answered(f"answer {number}", errors=[ValueError()])
    asked = await asyncio.gather(*harness.several(10))
    assert sorted(asked, key=lambda text: int(text.split()[1])) == [
        f"answer {number}" for number in range(1, 11)
    ]
    assert harness.runs.count == 10


async def test_when_who_runs_is_cancelled_another_takes_over(harness: Harness) -> None:
    harness.runs.may_end.clear()
    asking = harness.several(10)
    await settled()
    asking[0].cancel()
    await settled()
    asking[1].cancel()
    await settled()
    harness.runs.may_end.set()
    assert await asyncio.gather(*asking[2:]) == ["answer 3"] * 8
    assert harness.runs.count == 3
    assert asking[0].cancelled()
    assert asking[1].cancelled()


async def test_who_waits_keeps_a_time_limit_of_their_own(harness: Harness) -> None:
    harness.runs.may_end.clear()
    leader, patient = harness.several(2)
    await settled()

    async def hasty() -> str:
        async with asyncio.timeout(0):
            return await harness.ask()

    with pytest.raises(TimeoutError):
        await hasty()
    harness.runs.may_end.set()
    assert [await leader, await patient] == ["answer 1", "answer 1"]
    assert harness.runs.count == 1


async def test_the_least_recently_used_goes_first() -> None:
    harness = Harness(max_entries=2)
    await harness.ask({"id": 1})
    await harness.ask({"id": 2})
    await harness.ask({"id": 1})
    await harness.ask({"id": 3})
    assert await harness.ask({"id": 1}) == "answer 1"
    assert await harness.ask({"id": 2}) == "answer 4"
    assert len(harness.cache) == 2
    assert harness.cache.statistics.evicted == 2


async def test_bytes_are_bounded_and_all_given_back() -> None:
    one = len(answered("answer 1").body) + len(b'{"id":1}') + 2 * OVERHEAD_BYTES
    harness = Harness(max_bytes=10 * one)
    for number in range(1, 100):
        await harness.ask({"id": number})
        assert harness.cache.bytes <= 10 * one
    assert len(harness.cache) >= 9
    assert harness.cache.statistics.evicted == 99 - len(harness.cache)
    harness.versions.bump("stock")
    for number in range(1, 100):
        place = harness.place(orjson.dumps({"id": number}))
        assert place is not None
        assert harness.cache.find(place) is None
    assert (len(harness.cache), harness.cache.bytes) == (0, 0)


async def test_what_is_too_large_is_answered_and_not_kept() -> None:
    harness = Harness(max_bytes=8 * (2 * OVERHEAD_BYTES + 100))
    harness.runs.answers = lambda _number: answered("x" * 100)
    assert [await harness.ask(), await harness.ask()] == ["x" * 100] * 2
    assert harness.runs.count == 2
    assert harness.cache.statistics.evicted == 0


async def test_a_request_is_known_in_so_many_spellings(harness: Harness) -> None:
    spellings = [b" " * number for number in range(PLACES + 1)]
    for raw in spellings:
        assert await harness.ask(raw=raw) == "answer 1"
    expected = len(answered("answer 1").body) + OVERHEAD_BYTES
    expected += sum(len(raw) + OVERHEAD_BYTES for raw in spellings[1:])
    assert harness.cache.bytes == expected
    # The first one has been forgotten; its answer has not.
    assert await harness.ask(raw=spellings[0]) == "answer 1"
    assert harness.runs.count == 1


async def test_words_that_were_parsed_anew_find_the_latest_answer(harness: Harness) -> None:
    """A document that was forgotten and read again is another operation."""
    harness.runs.may_end.clear()
    again = an_operation()
    both = [asyncio.create_task(harness.ask(operation=each)) for each in (harness.operation, again)]
    await settled()
    harness.runs.may_end.set()
    assert await asyncio.gather(*both) == ["answer 1", "answer 2"]
    assert await harness.ask() == "answer 2"
    harness.clock.now += 30
    assert await harness.ask() == "answer 3"
    assert await harness.ask(raw=b"another", operation=again) == "answer 4"
    harness.clock.now += 30
    for raw in (b"null", b"another"):
        place = harness.place(raw)
        assert place is not None
        assert harness.cache.find(place) is None
    assert (len(harness.cache), harness.cache.bytes) == (0, 0)


async def test_answers_keep_no_operation_alive(harness: Harness) -> None:
    operation = an_operation("{ store product }")
    forgotten = weakref.ref(operation)
    await harness.ask(operation=operation)
    del operation
    gc.collect()
    assert forgotten() is None
    assert len(harness.cache) == 1


async def test_the_head_of_a_shared_answer(harness: Harness) -> None:
    await harness.ask()
    harness.clock.now += 12.5
    place = harness.place(b"null")
    assert place is not None
    kept = harness.cache.find(place)
    assert kept is not None
    status, headers, body = harness.cache.reply(kept, is_get=False)
    assert (status, body) == (200, b'{"data":{"product":"answer 1"}}')
    head = dict(headers)
    assert len(head) == len(headers)
    etag = head.pop(b"etag")
    assert etag.startswith(b'"')
    assert etag.endswith(b'"')
    assert head == {
        b"cache-control": b"public, max-age=17",
        b"vary": b"accept, accept-language, authorization, cookie",
        b"content-type": b"application/json; charset=utf-8",
        b"content-length": b"31",
    }


async def test_the_etag_is_of_the_bytes_and_the_media_type(harness: Harness) -> None:
    async def etag(raw: bytes, media_type: str, text: str) -> bytes:
        harness.runs.answers = lambda _number: answered(text)
        place = harness.cache.place({}, raw, is_get=True, media_type=media_type)
        assert place is not None
        made = await harness.cache.share(place, an_operation(), None, harness.runs)
        assert isinstance(made, Kept)
        return made.etag

    first = await etag(b"1", JSON, "x")
    assert await etag(b"2", JSON, "x") == first
    assert await etag(b"3", JSON, "y") != first
    assert await etag(b"4", "application/graphql-response+json", "x") != first


async def test_not_modified(harness: Harness) -> None:
    await harness.ask()
    place = harness.place(b"null")
    assert place is not None
    kept = harness.cache.find(place)
    assert kept is not None
    etag = kept.etag
    for header in (etag, b"W/" + etag, b'"other", ' + etag, b" * "):
        status, headers, body = harness.cache.reply(kept, is_get=True, if_none_match=header)
        assert (status, body) == (304, b"")
        assert [name for name, _ in headers] == [b"cache-control", b"etag", b"vary"]
    for header in (b'"other"', b"", etag.strip(b'"')):
        assert harness.cache.reply(kept, is_get=True, if_none_match=header)[0] == 200
    assert harness.cache.reply(kept, is_get=False, if_none_match=etag)[0] == 200
