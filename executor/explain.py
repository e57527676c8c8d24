"""What can be told of an operation: what it asks and costs, and the code that runs it.

    print(explain(documents.get(text)))

The text that this prints is Python: the generated code, with all else in comments.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from graphql.execution.values import get_variable_values

from executor import running
from executor.calling import declared_field
from executor.documents import Document
from executor.hints import NotShared, Policy, shared_policy
from executor.layout import lay_out
from executor.measure import Measure
from executor.operation import MAX_VARIANTS, Operation
from executor.plan import Field, Leaf, ListOf, NotCompilable, OneOf, Plan, Selection
from executor.program import compile_plan
from executor.reading import How
from executor.source import leaf_name

_SURROUNDINGS = {
    "Path": "Where a value stands in the answer, as graphql-core counts it.",
    "is_awaitable": "Whether a value has to be waited for, as the schema's library tells it.",
}


class WrongVariables(Exception):
    """These values can't be the operation's variables."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name that generated code calls, and what stands behind it."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Variant:
    """The code for one way that @skip and @include turn out; or why there is none.

    `names` explains what the code calls, in the order of the names' first use.
    """

    conditions: Mapping[str, bool]
    code: str | None
    obstacle: str | None = None
    names: tuple[Named, ...] = ()

    def __str__(self) -> str:
        lines = []
        if self.conditions:
            ways = [f"${name} = {str(value).lower()}" for name, value in self.conditions.items()]
            lines += ["", f"# With {', '.join(ways)}:"]
        if self.code is None:
            return "\n".join([*lines, f"# Not compiled, graphql-core runs it: {self.obstacle}", ""])
        widest = max((len(each.name) for each in self.names), default=0)
        lines += ["", *(f"# {each.name:{widest}}  {each.meaning}" for each in self.names), ""]
        return "\n".join([*lines, self.code])


@dataclass(frozen=True, slots=True)
class Explanation:
    """What can be told of one operation.

    `policy` says how its answers may be shared; where there is none, `private` says why.
    `variants_left` are those beyond `MAX_VARIANTS`, which aren't shown here.
    """

    operation: Operation
    tokens: int
    measure: Measure
    policy: Policy | None
    private: str | None
    variants: tuple[Variant, ...]
    variants_left: int = 0

    def __str__(self) -> str:
        parts = [f"{self._title()}\n{self._sharing()}\n", *map(str, self.variants)]
        if self.variants_left:
            parts.append(f"\n# There are {self.variants_left} more ways of @skip and @include.\n")
        return "".join(parts)

    def _title(self) -> str:
        operation, measure = self.operation, self.measure
        name = operation.name or "without a name"
        return (
            f"# {operation.kind.value} {name}: {self.tokens:,} tokens, "
            f"depth {measure.depth}, {measure.fields:,} fields, {measure.aliases:,} aliases, "
            f"cost {measure.cost:,}"
        )

    def _sharing(self) -> str:
        policy = self.policy
        if policy is None:
            return f"# Not public: {self.private}"
        absent = f" while {' and '.join(policy.absent)} is null" if policy.absent else ""
        until = f", until a change of {', '.join(policy.tags)}" if policy.tags else ""
        return f"# Public{absent}: answered from memory for {policy.seconds} s at most{until}"


def explain(
    document: Document, name: str | None = None, *, conditions: Mapping[str, bool] | None = None
) -> Explanation:
    """Tell of an operation of a document without errors; only the variants that fit `conditions`.

    Raises:
        UnknownOperation: the document has none of this name, or several and none was named.
    """
    operation = document.operation(name)
    assert document.report is not None, "a document without errors was measured"
    conditions = conditions or {}
    [measure] = [each for node, each in document.report.operations if node is operation.node]
    schema, policy, private = operation.engine.schema, None, None
    try:
        policy = shared_policy(schema, operation.document, operation.node)
    except NotShared as reason:
        private = str(reason)
    ways = 2 ** sum(name not in conditions for name in operation.conditions)
    return Explanation(
        operation,
        document.tokens,
        measure,
        policy,
        private,
        tuple(_variant(operation, way) for way in _ways(operation, conditions)),
        max(0, ways - MAX_VARIANTS),
    )


def conditions_of(operation: Operation, variables: Mapping[str, Any]) -> dict[str, bool]:
    """Return how these variables, and the defaults of others, turn out the conditions.

    Raises:
        WrongVariables: they aren't the operation's; the message says what is wrong.
    """
    definitions = operation.node.variable_definitions or ()
    coerced = get_variable_values(operation.engine.schema, definitions, dict(variables))
    if isinstance(coerced, list):
        raise WrongVariables(" ".join(error.message for error in coerced))
    return {name: coerced.coerced[name] for name in operation.conditions}


def _ways(operation: Operation, given: Mapping[str, bool]) -> Iterator[dict[str, bool]]:
    choices = [(given[name],) if name in given else (False, True) for name in operation.conditions]
    for way in islice(product(*choices), MAX_VARIANTS):
        yield dict(zip(operation.conditions, way, strict=True))


def _variant(operation: Operation, conditions: Mapping[str, bool]) -> Variant:
    if not operation.engine.compiles:
        return Variant(conditions, None, "The engine doesn't compile.")
    try:
        plan = operation.plan(conditions)
    except NotCompilable as obstacle:
        return Variant(conditions, None, str(obstacle))
    text = compile_plan(plan, operation.engine.surroundings).text
    return Variant(conditions, lay_out(text), names=tuple(_names(plan, text)))


def _names(plan: Plan, text: str) -> Iterator[Named]:
    """Explain what the code calls, each name once."""
    meanings = dict(_meanings(plan))
    for name in dict.fromkeys(re.findall(r"\w+", text)):
        meaning = meanings.get(name) or _SURROUNDINGS.get(name) or _of_running(name)
        if meaning is not None:
            yield Named(name, meaning)


def _of_running(name: str) -> str | None:
    """Return the promise of what compiled code calls whatever the schema."""
    found = vars(running).get(name)
    if getattr(found, "__module__", "") != running.__name__:
        return None
    return (inspect.getdoc(found) or "").partition("\n")[0]


def _meanings(plan: Plan) -> Iterator[tuple[str, str]]:
    for selection in plan.selections:
        for field in selection.fields:
            where = f"{selection.type.name}.{field.nodes[0].name.value}"
            yield from _of_reading(field, where)
            place = f"{selection.place}.{field.name}" if selection.place else field.name
            yield from _of_completion(field, place)


def _of_reading(field: Field, where: str) -> Iterator[tuple[str, str]]:
    reading, number = field.reading, field.number
    if reading.how is How.RESOLVER:
        yield f"call_{number}", f"{where}, by its resolver: {_origin(_resolver(field))}"
    elif reading.how is How.BATCH:
        yield f"batch_{number}", f"{where}, for a whole level at once: {_origin(reading.function)}"
    elif reading.how is How.FUNCTION:
        yield f"read_{number}", f"{where}, of its parent alone: {_origin(reading.function)}"
    elif reading.how is How.DERIVED:
        yield f"read_{number}", f"{where}, of parent and context: {_origin(reading.function)}"
        if reading.needs is not None:
            yield (
                f"need_{number}",
                f"What {where} needs, for a whole level: {_origin(reading.needs)}",
            )
    elif reading.item is not None and reading.item.convert is not None:
        yield f"convert_{number}", f"{where}, out of its row by {_origin(reading.item.convert)}"


def _resolver(field: Field) -> Any:
    """Return the function that somebody wrote for the field, without what a library puts around."""
    declared = declared_field(field.definition)
    if declared is not None and declared.base_resolver is not None:
        return declared.base_resolver.wrapped_func
    return field.definition.resolve


def _origin(function: Any) -> str:
    if function is None:
        return "the default one"
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return name if module in (None, "builtins") else f"{module}.{name}"


def _of_completion(field: Field, place: str) -> Iterator[tuple[str, str]]:
    completion = field.completion
    while isinstance(completion, ListOf):
        completion = completion.of
        place += "[]"
    null = "null is allowed" if completion.is_nullable else "never null"
    if isinstance(completion, Leaf):
        yield leaf_name(completion), f"{completion.type.name} by its own coercion; {null}."
    else:
        yield f"sound_{completion.number}", f"{place}: whether it is an object; {null}."
        yield from _of_objects(completion, place)


def _of_objects(completed: OneOf, place: str) -> Iterator[tuple[str, str]]:
    if completed.is_abstract:
        yield f"type_name_{completed.number}", f"{place}: which {completed.type.name} it is."
    for selection in completed.selections:
        yield f"check_{selection.number}", f"{place}: {_type_check(selection)}"


def _type_check(selection: Selection) -> str:
    return f"whether it is of {selection.type.name}, by is_type_of."
