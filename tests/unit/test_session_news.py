"""What a web process knows of sessions that ended and members who were merged."""

from datetime import UTC, datetime, timedelta

from api.auth import OVERLAP, News
from models.ids import new_id
from services.sessions import Changes

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEPT_FOR = timedelta(hours=2)


def test_the_first_look_goes_back_as_far_as_a_token_lives() -> None:
    assert News(KEPT_FOR).since(NOW) == NOW - KEPT_FOR


def test_later_looks_overlap_for_transactions_that_commit_late() -> None:
    news = News(KEPT_FOR)
    news.learn(Changes({}, {}), now=NOW)
    assert news.since(NOW + timedelta(seconds=1)) == NOW - OVERLAP


def test_a_clock_that_was_set_back_misses_nothing() -> None:
    news = News(KEPT_FOR)
    news.learn(Changes({}, {}), now=NOW)
    assert news.since(NOW - timedelta(hours=1)) == NOW - timedelta(hours=1) - OVERLAP


def test_an_ended_session_is_known_as_long_as_its_tokens_may_live() -> None:
    ended, news = new_id(), News(KEPT_FOR)
    news.learn(Changes({ended: NOW}, {}), now=NOW)
    news.learn(Changes({}, {}), now=NOW + KEPT_FOR - timedelta(seconds=1))
    assert news.has_ended(ended)
    news.learn(Changes({}, {}), now=NOW + KEPT_FOR + OVERLAP)
    assert not news.has_ended(ended)


def test_a_chain_of_merges_leads_to_its_end() -> None:
    first, second, third = new_id(), new_id(), new_id()
    news = News(KEPT_FOR)
    news.learn(Changes({}, {first: second}), now=NOW)
    news.learn(Changes({}, {second: third}), now=NOW + timedelta(seconds=1))
    assert [news.survivor_of(each) for each in (first, second, third)] == [third] * 3
