"""Validation as the schema's library does it, with a bound on its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    validate,
)
from graphql.validation import ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from executor.limits import Limits

Validate = Callable[[DocumentNode], list[GraphQLError]]


def validator(schema: GraphQLSchema, limits: Limits) -> Validate:
    """Return the function that validates documents of a schema.

    A Strawberry schema adds its own two rules, and its word on suggestions is kept.
    """
    rules = [
        _bounded(limits.comparisons) if rule is OverlappingFieldsCanBeMergedRule else rule
        for rule in specified_rules
    ]
    hides_suggestions = False
    declared = schema.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if isinstance(declared, strawberry.Schema):
        rules += [MaybeNullValidationRule, OneOfInputValidationRule]
        hides_suggestions = declared.config.disable_field_suggestions

    def validate_document(document: DocumentNode) -> list[GraphQLError]:
        made: list[ASTValidationRule] = []
        errors = validate(
            schema,
            document,
            [_remembered(rule, made) for rule in rules],
            max_errors=limits.errors,
            hide_suggestions=hides_suggestions,
        )
        for rule in made:
            # Rules hold themselves, with all that they have looked at: a hostile document leaves
            # tens of thousands of objects, and everybody would wait for their collection.
            rule.__dict__.clear()
        return [_told(error, limits) for error in errors]

    return validate_document


def _remembered(
    rule: type[ASTValidationRule], made: list[ASTValidationRule]
) -> type[ASTValidationRule]:
    """Return what makes a rule, and adds it to those that were made."""

    def make(context: ValidationContext) -> ASTValidationRule:
        made.append(rule(context))
        return made[-1]

    return cast("type[ASTValidationRule]", make)  # graphql-core calls it, and no more.


def _bounded(comparisons: int) -> type[ASTValidationRule]:
    """Return the rule that fields of one name agree, with less work allowed than by itself.

    It compares fields pair by pair, and those below them again: 700 fields of one name take half
    a second within its own bound.
    """

    class BoundedOverlappingFieldsCanBeMergedRule(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    return BoundedOverlappingFieldsCanBeMergedRule


def _told(error: GraphQLError, limits: Limits) -> GraphQLError:
    extensions: dict[str, Any] = {"code": "BAD_REQUEST", **(error.extensions or {})}
    if isinstance(error, ValidationAbortedError):
        if error.message == "Validation aborted.":
            message = "The document takes too much work to validate."
            extensions |= {"limit": "comparisons", "maximum": limits.comparisons}
            return GraphQLError(message, extensions=extensions)
        extensions |= {"limit": "errors", "maximum": limits.errors}
    error.extensions = extensions
    return error
