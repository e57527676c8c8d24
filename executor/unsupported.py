"""What a Strawberry schema asks of its executor that ours doesn't do: refused, never left out."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.extensions.base_extension import HOOK_METHODS
from strawberry.extensions.directives import DirectivesExtension
from strawberry.schema.base import BaseSchema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_CHANGE_NOTHING = (ParserCache, ValidationCache, DirectivesExtension)
"""Documents are kept anyway; directives of one's own are told of by their names."""
_HOOKS = (*sorted(HOOK_METHODS), "resolve", "get_results")
_INSTEAD = {
    "MaxTokensLimiter": "Limits.tokens",
    "MaxAliasesLimiter": "Limits.aliases",
    "QueryDepthLimiter": "Limits.depth",
    "DisableIntrospection": "Limits.introspection",
    "MaskErrors": "`tell` of the endpoint",
}
"""Strawberry's own extensions, and what does their work here."""


class UnsupportedSchema(Exception):
    """A schema wants what this executor doesn't do; the message names each thing."""


def require_supported(schema: strawberry.Schema, *, compiles: bool) -> None:
    """Refuse a schema whose operations would be run in another way than it says.

    Raises:
        UnsupportedSchema: it has extensions with hooks, operation directives or `process_errors` of
            its own, or, where code is compiled, an execution context of its own.
    """
    wanted = [*_extensions(schema), *_directives(schema)]
    if type(schema).process_errors is not BaseSchema.process_errors:
        wanted.append("its own `process_errors`: `tell` of the endpoint hears of errors")
    if compiles:
        wanted += _execution_context(schema)
    if wanted:
        listed = "".join(f"\n- {each}" for each in wanted)
        raise UnsupportedSchema(f"The executor doesn't run what this schema has:{listed}")


def _extensions(schema: strawberry.Schema) -> Iterator[str]:
    for extension in schema.get_extensions():
        if type(extension) in _CHANGE_NOTHING:
            continue
        name = type(extension).__name__
        hooks = [hook for hook in _HOOKS if _overrides(extension, hook)]
        if name in _INSTEAD:
            yield f"the schema extension {name}: {_INSTEAD[name]} does its work"
        elif hooks:
            yield f"the schema extension {name} ({', '.join(hooks)})"


def _overrides(extension: SchemaExtension, hook: str) -> bool:
    return getattr(type(extension), hook) is not getattr(SchemaExtension, hook)


def _directives(schema: strawberry.Schema) -> Iterator[str]:
    for directive in schema.directives:
        name = schema.config.name_converter.from_directive(directive)
        yield f"the operation directive @{name}"


def _execution_context(schema: strawberry.Schema) -> Iterator[str]:
    used = schema.execution_context_class
    if used is not StrawberryGraphQLCoreExecutionContext:
        yield f"the execution context {used.__name__}: only `compiles=False` uses it"
