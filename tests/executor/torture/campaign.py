"""Random operations compared by the thousand, and a small example told when two answers differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from graphql import DocumentNode, GraphQLSchema, parse, validate

from executor.engine import Engine
from tests.executor.torture import berry, plain, sources
from tests.executor.torture.comparing import Answer, Counts, Pair, Surroundings
from tests.executor.torture.operations import Document, Scope
from tests.executor.torture.shrinking import shrink
from tests.executor.torture.world import Mood, World

SOUND = Mood()
MOODS = (
    SOUND,
    SOUND,
    Mood(oddity=0.05),
    Mood(trouble=0.01),
    Mood(trouble=0.05, oddity=0.05),
    Mood(trouble=0.3, oddity=0.1, nulls=0.3),
)
"""Each document is run once in each."""

EXACT = {"Cents": range(-(2**53) + 1, 2**53)}
Make = Callable[[int, Mood], Surroundings]


@dataclass
class Subject:
    """A schema to try, and what makes the surroundings of one run from a seed and a mood."""

    name: str
    engines: tuple[Engine, Engine]
    make: Make
    moods: Sequence[Mood] = MOODS
    scope: Scope = field(default_factory=Scope)
    counts: dict[Mood, Counts] = field(default_factory=dict)
    waits_for_others: bool = False
    """Whether its resolvers wait for servers, which take another time each time."""

    def differences(self, compiled: Answer, reference: Answer) -> list[str]:
        """Return the names of what isn't as it should be.

        Of several errors that make one place null, graphql-core tells those that came before it
        was: which they are is the servers' doing, where there are any.
        """
        found = compiled.differences(reference)
        is_chance = self.waits_for_others and compiled.errors and reference.errors
        return [] if is_chance and found == ["errors"] else found

    @property
    def schema(self) -> GraphQLSchema:
        """The schema as graphql-core knows it."""
        return self.engines[0].schema

    @property
    def operations(self) -> int:
        """How many were compared so far."""
        return sum(each.operations for each in self.counts.values())

    def __str__(self) -> str:
        """Tell how far it is, and how much of it compiled code answered."""
        return f"{self.name}: " + "; ".join(
            f"trouble {mood.trouble:.0%}, oddity {mood.oddity:.0%}: {counts}"
            for mood, counts in self.counts.items()
        )


def torture_subjects(scope: Scope | None = None) -> dict[str, Callable[[], Subject]]:
    """Return what makes each torture schema's subject, by name."""

    def of(name: str, schema: Any, make_source: Any, **options: Any) -> Subject:
        engines = (Engine(schema, **options), Engine(schema, compiles=False))
        make = partial(surroundings, engines[0].schema, make_source)
        return Subject(name, engines, make, scope=scope or Scope())

    def of_strawberry(name: str, **options: Any) -> Subject:
        schema = berry.schema(handles_errors=name == "handlers")
        return of(name, schema, sources.make_source, exact_integers=EXACT, **options)

    return {
        "strawberry": lambda: of_strawberry("strawberry"),
        "in turn": lambda: of_strawberry("in turn", roots_in_turn=True),
        "handlers": lambda: of_strawberry("handlers"),
        "graphql-core": lambda: of("graphql-core", plain.schema(), plain.make_source),
    }


def surroundings(schema: GraphQLSchema, make_source: Any, seed: int, mood: Mood) -> Surroundings:
    """Return a world for one run, its root, and what tells its side effects."""
    world = World(schema, seed, mood, make_source)
    assert schema.query_type is not None
    root = world.source(schema.query_type.name, "root")
    return world, root, lambda: world.calls


async def compare(subject: Subject, seed: int) -> None:
    """Compare a random document's answers in every mood, with other variables each time.

    Raises:
        AssertionError: two answers differ; the message holds a small example.
    """
    random = Random(seed)
    document = Document(subject.schema, random, subject.scope)
    tree = parse(document.text)
    assert not validate(subject.schema, tree), (seed, document.text)
    pair = Pair.of(subject.engines, tree, document.operation_name)
    for mood in random.sample(subject.moods, len(subject.moods)):
        variables = document.variables()
        make = partial(subject.make, seed, mood)
        counts = subject.counts.setdefault(mood, Counts())
        compiled, reference = await pair.answers(variables, make, counts)
        if subject.differences(compiled, reference):
            found = _Difference(subject, seed, mood, document, variables)
            told = await found.told(compiled, reference)
            assert told is None, told


@dataclass
class _Difference:
    """A difference that was found, to be told."""

    subject: Subject
    seed: int
    mood: Mood
    document: Document
    variables: Mapping[str, Any] | None

    async def told(self, compiled: Answer, reference: Answer) -> str | None:
        """Tell it by the smallest example of it; None if an earlier run's garbage complained."""
        given = self.document.text, self.document.operation_name, self.variables
        alone = await self._answers(parse(given[0]), *given[1:])
        if self.subject.differences(*alone):
            text, variables = await shrink(self.subject.schema, *given, self._differs)
            compiled, reference = await self._answers(parse(text), given[1], variables)
            how = "alone"
        elif self.subject.differences(compiled, reference) == ["complaints"]:
            return None
        else:
            text, variables = given[0], dict(given[2] or {})
            how = "only after earlier runs of the same operation"
        return (
            f"{self.subject.name}, seed {self.seed}, {self.mood}: answers differ {how} in "
            f"{', '.join(compiled.differences(reference))}\n\n{text}\n\nvariables: {variables!r}\n"
            f"\ncompiled:\n{compiled}\n\nreference:\n{reference}"
        )

    async def _differs(
        self, tree: DocumentNode, name: str | None, variables: Mapping[str, Any] | None
    ) -> bool:
        compiled, reference = await self._answers(tree, name, variables)
        return bool(self.subject.differences(compiled, reference))

    async def _answers(
        self, tree: DocumentNode, name: str | None, variables: Mapping[str, Any] | None
    ) -> tuple[Answer, Answer]:
        pair = Pair.of(self.subject.engines, tree, name)
        return await pair.answers(variables, partial(self.subject.make, self.seed, self.mood))
