"""One operation run both ways, and everything that may not differ between them."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLError

from executor.engine import Engine
from executor.operation import Operation
from executor.outcome import Outcome

Surroundings = tuple[Any, Any, Callable[[], list[tuple[str, str]]]]
"""A fresh context and root for one run, and what tells its side effects afterwards."""


@dataclass(frozen=True)
class Answer:
    """All of one run that can be told apart."""

    data: bytes | str = ""
    errors: tuple[str, ...] = ()
    was_run: bool | None = None
    raised: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    complaints: tuple[str, ...] = ()
    tasks_left: int = 0

    def differences(self, reference: Answer) -> list[str]:
        """Return the names of what isn't as it should be.

        graphql-core leaves a coroutine unawaited here and there: where Python complains of the
        reference, it may of compiled code.
        """
        differing = [
            each.name
            for each in fields(self)
            if getattr(self, each.name) != getattr(reference, each.name)
        ]
        if reference.complaints or not self.complaints:
            return [name for name in differing if name != "complaints"]
        return differing

    def __str__(self) -> str:
        return "\n".join(f"  {each.name}: {getattr(self, each.name)!r}" for each in fields(self))


@dataclass(slots=True)
class Counts:
    """How many operations were compared, and what became of them."""

    operations: int = 0
    compiled: int = 0
    fallbacks: int = 0
    with_errors: int = 0
    refused: int = 0

    @property
    def compiled_share(self) -> float:
        """The share of operations that compiled code answered."""
        return self.compiled / self.operations if self.operations else 0.0

    def __str__(self) -> str:
        return (
            f"{self.operations} operations, {self.compiled_share:.0%} answered by compiled code, "
            f"{self.fallbacks} fallbacks, {self.with_errors} with errors, {self.refused} refused"
        )


class Pair:
    """One operation, compiled and not, to be run again and again."""

    def __init__(self, compiled: Operation, reference: Operation) -> None:
        self.compiled = compiled
        self.reference = reference

    @classmethod
    def of(
        cls, engines: tuple[Engine, Engine], document: DocumentNode, name: str | None = None
    ) -> Pair:
        """Return a document's operation, on an engine that compiles and on one that doesn't."""
        compiling, interpreting = engines
        return cls(compiling.operation(document, name), interpreting.operation(document, name))

    async def answers(
        self,
        variables: Mapping[str, Any] | None,
        make: Callable[[], Surroundings],
        counts: Counts | None = None,
    ) -> tuple[Answer, Answer]:
        """Run it both ways, each in surroundings of its own; the reference comes second."""
        figures = self.compiled.figures
        before = (figures.compiled, figures.fallbacks)
        first = await answer_of(self.compiled, variables, make())
        second = await answer_of(self.reference, variables, make())
        if counts is not None:
            counts.operations += 1
            counts.compiled += figures.compiled - before[0]
            counts.fallbacks += figures.fallbacks - before[1]
            counts.with_errors += bool(second.errors)
            counts.refused += second.was_run is False
        return first, second


async def answer_of(
    operation: Operation, variables: Mapping[str, Any] | None, surroundings: Surroundings
) -> Answer:
    """Run an operation, and wait for all that it leaves running."""
    complaints: list[str] = []
    with _heard(complaints), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        answer = await _answer(operation, variables, *surroundings)
        # A coroutine complains when it goes, which may be long after the run: make it go now.
        del surroundings
        gc.collect()
        for each in warned:  # They become more: what complains is kept, and holds what will.
            each.source = None
    complaints += [str(each.message) for each in warned if each.category is RuntimeWarning]
    return replace(answer, complaints=tuple(complaints))


@contextmanager
def _heard(complaints: list[str]) -> Iterator[None]:
    """Note what asyncio says of errors that nobody heard, and of tasks that nobody ended."""
    loop = asyncio.get_running_loop()
    heard_by = loop.get_exception_handler()

    def hear(_: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        if "never retrieved" in told["message"] or "pending" in told["message"]:
            complaints.append(told["message"])

    loop.set_exception_handler(hear)
    try:
        yield
    finally:
        loop.set_exception_handler(heard_by)


@contextmanager
def little_garbage() -> Iterator[None]:
    """Have the collector look at what a run leaves, and at nothing older."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _answer(
    operation: Operation,
    variables: Mapping[str, Any] | None,
    context: Any,
    root: Any,
    side_effects: Callable[[], list[tuple[str, str]]],
) -> Answer:
    with _noted() as tasks:
        outcome, raised = await _outcome(operation.run(variables, context=context, root=root))
        tasks_left = await _settle(tasks)
    calls = tuple(side_effects())
    if outcome is None:
        return Answer(raised=raised, calls=calls, tasks_left=tasks_left)
    errors = tuple(sorted(_told(error) for error in outcome.errors or ()))
    return Answer(_data(outcome), errors, outcome.was_run, raised, calls, tasks_left=tasks_left)


async def _outcome(running: Awaitable[Outcome]) -> tuple[Outcome | None, str]:
    try:
        return await running, ""
    except Exception as error:  # noqa: BLE001 (compared with what the other way raises)
        return None, f"{type(error).__name__}: {error}"


_IS_RUN: ContextVar[bool] = ContextVar("_IS_RUN", default=False)


@contextmanager
def _noted() -> Iterator[list[asyncio.Task[Any]]]:
    """Note the tasks that are made within, by whoever was called from within."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    tasks: list[asyncio.Task[Any]] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        if _IS_RUN.get():
            tasks.append(task)
        return task

    loop.set_task_factory(make)
    token = _IS_RUN.set(True)
    try:
        yield tasks
    finally:
        _IS_RUN.reset(token)
        loop.set_task_factory(before)


async def _settle(tasks: list[asyncio.Task[Any]]) -> int:
    """Let what runs in the background come to its end; return how much doesn't."""
    while running := [task for task in tasks if not task.done()]:
        done, _ = await asyncio.wait(running, timeout=5)
        if not done:
            break
    for _ in range(5):
        await asyncio.sleep(0)  # For what is called when a task is done, and keeps its error.
    left = sum(not task.done() for task in tasks)
    tasks.clear()
    return left


def _data(outcome: Outcome) -> bytes | str:
    """Return the answer's data as bytes, which tell the order of fields too."""
    try:
        return orjson.dumps(outcome.data)
    except TypeError:
        return repr(outcome.data)


def _told(error: GraphQLError) -> str:
    """Return an error with all that clients and logs are told of it."""
    cause = error.original_error
    return repr(
        (
            error.path,
            error.message,
            [tuple(location) for location in error.locations or ()],
            sorted((error.extensions or {}).items()),
            type(error).__name__,
            cause and (type(cause).__name__, str(cause)),
        )
    )
