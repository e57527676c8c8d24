"""Refuses documents that ask too much, before they are validated or run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    get_introspection_query,
    parse,
)

from executor.limits import Limits
from executor.measure import CEILING, Measure, Measurement

__all__ = ["Guard", "GuardReport", "Limits", "check", "too_much"]

INTROSPECTION_ALIASES = 10
"""Tools that read a schema need none. With fifty, its hundreds of fields would be told fifty times:
lists of types are far longer than `list_items`, and the cost doesn't show it.
"""

_WORDS = {
    "characters": "has {value} characters; the limit is {maximum}",
    "operations": "has {value} operations; the limit is {maximum}",
    "fragments": "has {value} fragments; the limit is {maximum}",
    "directives": "has {value} directives; the limit is {maximum}",
    "breadth": "has a selection set of {value} fields; the limit is {maximum}",
    "depth": "is {value} fields deep; the limit is {maximum}",
    "fields": "asks for {value} fields; the limit is {maximum}",
    "aliases": "has {value} aliases; the limit is {maximum}",
    "cost": "costs {value}; the limit is {maximum}",
}


@dataclass(slots=True)
class GuardReport:
    """What a document measures, what of it is too much, and in how many steps that was found.

    `conditions` are the variables that its @skip and @include look at.
    """

    steps: int
    operations: list[tuple[OperationDefinitionNode, Measure]]
    conditions: frozenset[str]
    errors: list[GraphQLError] = field(default_factory=list)


def check(document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> list[GraphQLError]:
    """Return what of a document is beyond the limits: nothing, if it may go on."""
    return Guard(schema, limits).report(document).errors


def too_much(limit: str, value: int, maximum: int, where: Node | None = None) -> GraphQLError:
    """Return the error for a document that is beyond a limit."""
    told = f"{value:,} or more" if value >= CEILING else f"{value:,}"
    words = _WORDS[limit].format(value=told, maximum=f"{maximum:,}")
    extensions = {"code": "BAD_REQUEST", "limit": limit, "value": value, "maximum": maximum}
    return GraphQLError(f"The document {words}.", where, extensions=extensions)


class Guard:
    """Measures documents of one schema, valid or not, and judges them by its limits."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits

    def report(self, document: DocumentNode) -> GuardReport:
        """Measure every operation, and tell what is too much. Takes time linear in the document."""
        measured = Measurement(document, self.schema, self.limits)
        report = GuardReport(measured.steps, measured.operations, _conditions(measured.directives))
        if measured.cycle is not None:
            spread, names = measured.cycle
            way = " via " + ", ".join(f"'{name}'" for name in names[1:]) if names[1:] else ""
            message = f"Fragment '{names[0]}' spreads itself{way}."
            extensions = {"code": "BAD_REQUEST"}
            report.errors.append(GraphQLError(message, spread, extensions=extensions))
        self._judge_document(measured, report.errors)
        for node, measure in measured.operations:
            self._judge(node, measure, report.errors)
        return report

    def _judge_document(self, measured: Measurement, errors: list[GraphQLError]) -> None:
        limits = self.limits
        for limit, nodes, maximum in (
            ("operations", [node for node, _ in measured.operations], limits.operations),
            ("fragments", list(measured.fragments.values()), limits.fragments),
            ("directives", measured.directives, limits.directives),
        ):
            if len(nodes) > maximum:
                errors.append(too_much(limit, len(nodes), maximum, nodes[maximum]))
        breadth, broadest = measured.broadest
        if breadth > limits.breadth:
            errors.append(too_much("breadth", breadth, limits.breadth, broadest))
        if measured.introspection is not None and not limits.introspection:
            message = f"'{measured.introspection.name.value}' can't be asked here."
            extensions = {"code": "BAD_REQUEST", "limit": "introspection"}
            errors.append(GraphQLError(message, measured.introspection, extensions=extensions))

    def _judge(
        self, node: OperationDefinitionNode, measure: Measure, errors: list[GraphQLError]
    ) -> None:
        limits = self.limits
        for limit, value, maximum, where in (
            ("depth", measure.depth, limits.depth, measure.deepest),
            ("fields", measure.fields, limits.fields, node),
            ("aliases", measure.aliases, limits.aliases, node),
            ("cost", measure.cost, limits.cost, node),
        ):
            if value > maximum:
                errors.append(too_much(limit, value, maximum, where))
        if measure.introspection_cost and limits.introspection:
            depth, cost = self._introspection
            if measure.introspection_depth > depth:
                errors.append(too_much("depth", measure.introspection_depth, depth, node))
            if measure.introspection_cost > cost:
                errors.append(too_much("cost", measure.introspection_cost, cost, node))
            if measure.introspection_aliases > INTROSPECTION_ALIASES:
                aliases = measure.introspection_aliases
                errors.append(too_much("aliases", aliases, INTROSPECTION_ALIASES, node))

    @cached_property
    def _introspection(self) -> tuple[int, int]:
        """Return how deep introspection may go, and what it may cost."""
        standard = parse(
            get_introspection_query(
                specified_by_url=True,
                directive_is_repeatable=True,
                schema_description=True,
                input_value_deprecation=True,
            )
        )
        [(_, measure)] = Measurement(standard, self.schema, self.limits).operations
        return measure.introspection_depth, 2 * measure.introspection_cost


def _conditions(directives: Iterable[DirectiveNode]) -> frozenset[str]:
    return frozenset(
        argument.value.name.value
        for directive in directives
        if directive.name.value in ("skip", "include")
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    )
