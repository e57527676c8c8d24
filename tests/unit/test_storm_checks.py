"""The storm's judge sees each kind of violation, and finds nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import pytest

from benchmarks.storm.check import RULES, Effect, Facts, Shelf, check
from benchmarks.storm.client import AGAIN, Reply, judged
from benchmarks.storm.faults import Kind, plan
from benchmarks.storm.history import Answer, Attempt, History, Outcome

PLACE = "placeOrder"
ANNS = Effect("ann", "tea", 1)


@dataclass
class Storm:
    """Two pieces of tea for three members: what they were told, and what the database says."""

    history: History = field(default_factory=History)
    made: dict[str, Effect] = field(default_factory=dict)
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=lambda: Shelf(2, available=0, taken=2, limit=1))
    counted: int = 0

    def say(self, member: str, key: str, outcome: Outcome, code: str = "", ref: str = "") -> None:
        answer = Answer(outcome, code, ref)
        self.history.add(Attempt(member, PLACE, key), answer, what="tea", pieces=1, asked_at=0.0)

    def facts(self) -> Facts:
        return Facts(self.made, self.held, {"tea": self.shelf}, {"tea": self.counted})

    def violations(self) -> list[str]:
        return check(self.history, PLACE, self.facts())


def a_sound_storm() -> Storm:
    storm = Storm(
        made={"1": ANNS, "2": Effect("bob", "tea", 1)},
        held={("ann", "tea"): 1, ("bob", "tea"): 1},
    )
    storm.say("ann", "a", Outcome.OK, ref="1")
    storm.say("bob", "b", Outcome.UNKNOWN, "BUSY")
    storm.say("bob", "b", Outcome.OK, ref="2")
    storm.say("cat", "last-c", Outcome.REFUSED, "OUT_OF_STOCK")
    return storm


def test_a_sound_storm_is_passed() -> None:
    assert a_sound_storm().violations() == []


def stay_unknown(storm: Storm) -> None:
    storm.say("dan", "d", Outcome.UNKNOWN, "NO_ANSWER")


def two_orders_under_one_key(storm: Storm) -> None:
    storm.made["3"] = Effect("ann", "tea", 1)
    storm.say("ann", "a", Outcome.OK, ref="3")


def refuse_after_success(storm: Storm) -> None:
    storm.history.entries[:1], told = [], storm.history.entries[:1]
    storm.say("ann", "a", Outcome.REFUSED, "OUT_OF_STOCK")
    storm.history.entries += told


def one_order_for_two_keys(storm: Storm) -> None:
    storm.say("ann", "again", Outcome.OK, ref="1")


def lose_an_order(storm: Storm) -> None:
    del storm.made["1"]


def give_an_order_to_another(storm: Storm) -> None:
    storm.made["1"] = Effect("bob", "tea", 1)


def leave_an_order_of_a_refusal(storm: Storm) -> None:
    storm.made["3"] = Effect("cat", "tea", 1)


def fail(storm: Storm) -> None:
    storm.say("bob", "b", Outcome.UNKNOWN, "HTTP_500")
    storm.say("bob", "b", Outcome.OK, ref="2")


def oversell(storm: Storm) -> None:
    storm.shelf = Shelf(2, available=0, taken=3, limit=1)
    storm.held["dan", "tea"] = 1


def take_without_a_taker(storm: Storm) -> None:
    del storm.held["bob", "tea"]


def exceed_the_limit(storm: Storm) -> None:
    storm.held = {("ann", "tea"): 2}


def undersell(storm: Storm) -> None:
    storm.shelf = Shelf(3, available=1, taken=2, limit=1)
    storm.counted = 1


def count_wrongly(storm: Storm) -> None:
    storm.counted = 1


PLANTED: dict[Callable[[Storm], None], list[str]] = {
    stay_unknown: ["placeOrder('d') of dan never became definite: NO_ANSWER"],
    two_orders_under_one_key: ["placeOrder('a') of ann was told of ['1', '3'], refused: False"],
    refuse_after_success: ["placeOrder('a') of ann was told of ['1'], refused: True"],
    one_order_for_two_keys: [
        "1 answers [\"placeOrder('a') of ann\", \"placeOrder('again') of ann\"]"
    ],
    lose_an_order: [f"placeOrder('a') of ann was told of 1: {ANNS}, is None"],
    give_an_order_to_another: [
        f"placeOrder('a') of ann was told of 1: {ANNS}, is {replace(ANNS, member='bob')}"
    ],
    leave_an_order_of_a_refusal: [
        "3 was made (Effect(member='cat', what='tea', pieces=1)), and nobody was told of it"
    ],
    fail: ["placeOrder was answered HTTP_500 1 times"],
    oversell: ["tea: Shelf(stock=2, available=0, taken=3, limit=1) doesn't add up"],
    take_without_a_taker: ["tea: members have 1 pieces, the shelf says 2"],
    exceed_the_limit: ["ann has 2 pieces of tea, the limit is 1"],
    undersell: ["placeOrder('last-c') of cat was told OUT_OF_STOCK, and 1 pieces are left"],
    count_wrongly: ["tea: Redis counts 1, 0 are left"],
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_violation_is_found(plant: Callable[[Storm], None]) -> None:
    storm = a_sound_storm()
    plant(storm)
    assert storm.violations() == PLANTED[plant]


def test_every_rule_has_a_planted_violation() -> None:
    broken = set()
    for plant in PLANTED:
        storm = a_sound_storm()
        plant(storm)
        broken |= {rule for rule in RULES if list(rule(storm.history, PLACE, storm.facts()))}
    assert broken == set(RULES)


def test_an_answer_is_definite_or_asked_again() -> None:
    def payload(**facts: object) -> Reply:
        return Reply({"data": {PLACE: {"userErrors": []} | facts}})

    def refusal(code: str) -> Reply:
        return payload(order=None, userErrors=[{"code": code}])

    placed = payload(order={"id": "1"})
    assert judged(placed, PLACE, ("order", "id")) == Answer(Outcome.OK, ref="1")
    sold_out = Answer(Outcome.REFUSED, "OUT_OF_STOCK")
    assert judged(refusal("OUT_OF_STOCK"), PLACE, ("order", "id")) == sold_out
    for code in sorted(AGAIN):
        failed = Reply({"errors": [{"extensions": {"code": code}}]})
        assert judged(failed, PLACE, ("order", "id")) == Answer(Outcome.UNKNOWN, code)
        assert judged(refusal(code), PLACE, ("order", "id")) == Answer(Outcome.UNKNOWN, code)
    lost = Reply(code="NO_ANSWER")
    assert judged(lost, PLACE, ("order", "id")) == Answer(Outcome.UNKNOWN, "NO_ANSWER")


def test_a_seed_repeats_its_faults() -> None:
    kinds = list(Kind)
    drawn = plan(7, kinds, storm_seconds=10)
    assert drawn == plan(7, kinds, storm_seconds=10)
    assert drawn != plan(8, kinds, storm_seconds=10)
    assert sorted(fault.kind for fault in drawn) == sorted(kinds)
    assert all(1 <= fault.at_seconds <= 6 for fault in drawn)
    assert all(0.5 <= fault.for_seconds <= 3 for fault in drawn)


def test_a_history_is_written_a_line_for_each_request(tmp_path: Path) -> None:
    storm = a_sound_storm()
    storm.history.write(tmp_path / "history.jsonl")
    lines = [orjson.loads(line) for line in (tmp_path / "history.jsonl").read_bytes().splitlines()]
    assert [line["answer"]["outcome"] for line in lines] == ["OK", "UNKNOWN", "OK", "REFUSED"]
    assert lines[0]["attempt"] == {"member": "ann", "operation": PLACE, "key": "a"}
    assert storm.history.counts(PLACE) == {"OK": 2, "OUT_OF_STOCK": 1}
