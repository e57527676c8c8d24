"""Problems of a draft as `UserError`s."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import DomainError
from domain.pricing import Problem
from resolvers.common.errors import UserError
from resolvers.common.messages import Language, translate


def user_error(problem: Problem, language: Language, *prefix: str) -> UserError:
    """Tell a problem; its path runs from the draft, which stands at `prefix` in the input."""
    return UserError(
        code=problem.code,
        message=translate(problem.message, language, **problem.facts),
        path=[*prefix, *problem.path] if problem.path else None,
    )


def user_errors(problems: Iterable[Problem], language: Language, *prefix: str) -> list[UserError]:
    """Tell all problems."""
    return [user_error(problem, language, *prefix) for problem in problems]


def problem_told(refusal: DomainError | None, language: Language) -> UserError | None:
    """Tell why a thing can't be had, where it is shown: nothing of an input is at fault."""
    if refusal is None:
        return None
    told = UserError.of(refusal, language)
    told.path = None
    return told
