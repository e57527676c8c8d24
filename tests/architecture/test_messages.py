"""Every message for people has its Chinese text, with the same facts; none is left over.

Messages are found where they arise: on the classes of refusals, in the tables of titles, and in
calls that carry a text (`InvalidInput(problem=...)`, `translate(...)`). The English is the key.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.pofile import read_po

from domain import coupon_texts, drafts
from domain.catalog import LABELS, LOWEST_PAID_LABEL, PriceLabel, ProductLabel
from domain.errors import DomainError, ErrorCode
from domain.ledger import EntryReason
from domain.message_texts import BODIES_AT_ZERO, MESSAGE_BODIES, MESSAGE_TITLES, NAMED
from domain.messages import MessageEvent
from domain.orders import CancelReason, OrderEventKind
from domain.pricing import texts
from domain.rules import BenefitCouponRules, CouponOffer, Rules
from domain.tiers import benefits_of
from resolvers.common.messages import CATALOGUE, chinese
from resolvers.common.titles import ENTRY_TITLES, TITLES_OF_THINGS
from resolvers.member.orders.types import CANCEL_REASONS, EVENT_TITLES
from tests.architecture.sources import PROJECT, modules, place, tree

_TALKING = ("api", "domain", "gateways", "resolvers", "services")
_CARRIERS = {
    ("InvalidInput", "problem"),
    ("NotFound", "thing"),
    ("Problem", "message"),
    ("PriceHint", "message"),
}
_POSITIONS = {
    "translate": 0,
    "parse_id": 1,
    "_printable": 2,
    "_invalid": 0,
    "_not_found": 0,
}
"""Calls whose argument at this place is a text for people."""
_TABLES = {
    "EVENT_TITLES",
    "CANCEL_REASONS",
    "ENTRY_TITLES",
    "TITLES_OF_THINGS",
    "MESSAGE_TITLES",
    "MESSAGE_BODIES",
    "BODIES_AT_ZERO",
}
_PASSED_ON = re.compile(r"(\w+\.)*(message|title|description|reason|label|value|problem|thing)")
"""An attribute or a parameter that carries a text from where it arose, which is found there."""
_NAMES = {f"{name}{language}" for name in NAMED for language in ("", "_en")}
"""Names of things, of which each language shows its own."""
_HAN = re.compile(r"[\u4e00-\u9fff]")


def _module(path: Path) -> ModuleType:
    name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    return import_module(name.removesuffix(".__init__"))


def _refusals(base: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for kind in base.__subclasses__():
        if not kind.__module__.startswith("tests."):
            yield kind
        yield from _refusals(kind)


@cache
def _all_refusals() -> tuple[type[DomainError], ...]:
    for path in modules(*_TALKING):
        _module(path)
    return tuple(dict.fromkeys(_refusals()))


def _titles() -> Iterator[str]:
    yield from (text for name, text in vars(texts).items() if name.isupper())
    yield from (
        text for name, text in vars(coupon_texts).items() if name.isupper() and _is_text(text)
    )
    yield from (text for name, text in vars(drafts).items() if name.isupper() and _is_text(text))
    yield from (label.value for label in ProductLabel)
    yield from (LOWEST_PAID_LABEL, *LABELS.values())
    yield from (*ENTRY_TITLES.values(), *TITLES_OF_THINGS.values())
    yield from (*EVENT_TITLES.values(), *CANCEL_REASONS.values())
    yield from (*MESSAGE_TITLES.values(), *MESSAGE_BODIES.values(), *BODIES_AT_ZERO.values())
    yield from _benefit_texts()


def _benefit_texts() -> Iterator[str]:
    """Yield the texts of every benefit; the shipped rules don't give all of them."""
    monthly = BenefitCouponRules("MONTHLY_COUPON", CouponOffer("月券", "Monthly", amount_off_fen=1))
    shipped = Rules()
    rules = replace(
        shipped,
        tiers=tuple(replace(tier, exclusive_service=True) for tier in shipped.tiers),
        benefit_coupons=(*shipped.benefit_coupons, monthly),
    )
    for tier in rules.tiers:
        for benefit in benefits_of(tier, rules):
            yield from (benefit.title, benefit.description)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and " " in value


def _carried() -> Iterator[tuple[str, str]]:
    """Yield each text that a call carries, and where."""
    for path in modules(*_TALKING):
        for function in [tree(path), *_functions(path)]:
            for call in _own_calls(function):
                for value in _texts_of(call):
                    for text in _read(value, function, path):
                        yield text, place(path, call)


def _functions(path: Path) -> list[ast.AST]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def _own_calls(scope: ast.AST) -> Iterator[ast.Call]:
    """Yield a scope's calls, without those of functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _own_calls(child)


def _texts_of(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    for keyword in call.keywords:
        if (name, keyword.arg) in _CARRIERS:
            yield keyword.value
    position = _POSITIONS.get(name)
    if position is not None and len(call.args) > position:
        yield call.args[position]


def _read(value: ast.expr, scope: ast.AST, path: Path) -> list[str]:
    """Return what an expression may be: literals, constants, and choices between them."""
    match value:
        case ast.Constant(value=None):
            return []
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return _read(one, scope, path) + _read(other, scope, path)
        case ast.BoolOp(values=values):
            return [text for each in values for text in _read(each, scope, path)]
        case ast.JoinedStr():  # Only constants of the module stand in it.
            source = compile(ast.Expression(value), place(path), "eval")
            return [eval(source, vars(_module(path)))]  # noqa: S307 (our own source)
        case ast.Subscript(value=ast.Name(id=table)) if table in _TABLES:
            return []
        case ast.Name(id=name):
            return _named(name, scope, path)
        case ast.Attribute() if _PASSED_ON.fullmatch(ast.unparse(value)):
            return []
    raise AssertionError(f"{place(path, value)}: what is {ast.unparse(value)}?")


def _named(name: str, scope: ast.AST, path: Path) -> list[str]:
    assigned = [
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    if assigned:
        return [text for value in assigned for text in _read(value, scope, path)]
    constant = vars(_module(path)).get(name)
    if isinstance(constant, str):
        return [constant]
    # A parameter: whoever calls gives the text, in a call that is read as well.
    taken = {argument.arg for argument in _arguments(scope)}
    assert name in taken, f"{place(path)}: where is {name} from?"
    return []


def _arguments(scope: ast.AST) -> list[ast.arg]:
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    return [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]


@cache
def _messages() -> dict[str, str]:
    """Return every message: English → where it arises."""
    found = {kind.message: kind.__qualname__ for kind in _all_refusals()}
    found |= dict.fromkeys(_titles(), "a title")
    return found | dict(_carried())


def _facts(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_every_refusal_has_a_code_and_a_message() -> None:
    assert len(_all_refusals()) > 30
    for kind in _all_refusals():
        assert isinstance(kind.code, ErrorCode), kind
        assert kind.message, kind
        assert (kind.__doc__ or "").strip().endswith("."), kind


def test_every_word_that_is_shown_has_a_title() -> None:
    assert set(ENTRY_TITLES) == set(EntryReason)
    assert set(TITLES_OF_THINGS) < set(EntryReason)
    assert set(EVENT_TITLES) == set(OrderEventKind)
    assert set(CANCEL_REASONS) == set(CancelReason)
    assert set(LABELS) == set(PriceLabel)
    assert set(MESSAGE_TITLES) == set(MESSAGE_BODIES) == set(MessageEvent)


def test_every_message_has_a_chinese_text() -> None:
    missing = {text: where for text, where in _messages().items() if text not in chinese()}
    assert missing == {}


def test_no_chinese_text_is_left_over() -> None:
    assert sorted(set(chinese()) - set(_messages())) == []


@pytest.mark.parametrize("english", sorted(chinese()))
def test_a_chinese_text_uses_the_same_facts(english: str) -> None:
    translated, facts = chinese()[english], _facts(english)
    named = {fact.removesuffix("_en") for fact in facts & _NAMES}
    assert _facts(translated) <= facts | named | {f"{name}_en" for name in named}
    assert facts - _NAMES <= _facts(translated)
    assert {fact.removesuffix("_en") for fact in _facts(translated)} >= named
    assert _HAN.search(translated) or re.fullmatch(r"\{\w+\}", english)


def test_the_catalogue_names_each_message_once() -> None:
    with CATALOGUE.open("rb") as file:
        raw = re.findall(r'^msgid "(.+)"$', file.read().decode(), re.MULTILINE)
        file.seek(0)
        assert [entry.id for entry in read_po(file) if entry.fuzzy and entry.id] == []
    assert [text for text, times in Counter(raw).items() if times > 1] == []
