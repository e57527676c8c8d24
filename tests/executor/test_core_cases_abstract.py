"""Interfaces and unions: how the type of a value is found, and what happens when it isn't."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.executor.cases.check import Case, both, check, error, made


@dataclass
class Dog:
    name: str
    woofs: bool = True


@dataclass
class Cat:
    name: str
    meows: bool = False


@dataclass
class Human:
    name: str


SDL = """
type Query { pet: Pet pets: [Pet] mustPet: Pet! strict: [Pet!] dog: Dog dogs: [Dog] }
type Dog%(of)s { name: String woofs: Boolean friend: Pet }
type Cat%(of)s { name: String meows: Boolean friend: Pet }
type Human { name: String }
input Bowl { size: Int }
%(pet)s
"""
SDLS = {
    "interface": SDL % {"of": " implements Pet", "pet": "interface Pet { name: String }"},
    "union": SDL % {"of": "", "pet": "union Pet = Dog | Cat"},
}
PETS = "{ pets { __typename ... on Dog { name woofs } ... on Cat { name meows } } }"
ODIE, GARFIELD = Dog("Odie"), Cat("Garfield")
ANSWER = {
    "pets": [
        {"__typename": "Dog", "name": "Odie", "woofs": True},
        {"__typename": "Cat", "name": "Garfield", "meows": False},
    ]
}
ABSTRACT = pytest.mark.parametrize("abstract", SDLS)


def late(function: Callable[..., Any]) -> Callable[..., Any]:
    async def later(*arguments: Any) -> Any:
        return function(*arguments)

    return later


WHEN = pytest.mark.parametrize("when", [lambda function: function, late], ids=["at once", "late"])


def is_a(kind: type) -> Callable[..., bool]:
    return lambda value, _info: isinstance(value, kind)


def failing(*_: Any) -> Any:
    raise RuntimeError("no telling")


def always(answer: Any) -> Callable[..., Any]:
    return lambda *_: answer


def pets(*values: Any) -> Callable[[], Any]:
    return lambda: {"pets": list(values)}


def unresolved(field: str) -> str:
    return (
        f"Abstract type 'Pet' must resolve to an Object type at runtime for field '{field}'. Either"
        " the 'Pet' type should provide a 'resolve_type' function or each possible type should"
        " provide an 'is_type_of' function."
    )


@both
@WHEN
@ABSTRACT
async def test_each_type_tells_what_is_its_own(abstract: str, when: Any, compiles: bool) -> None:
    schema = made(SDLS[abstract], {"Dog": when(is_a(Dog)), "Cat": when(is_a(Cat))})
    is_compiled = when is not late
    case = Case("", PETS, ANSWER, root=pets(ODIE, GARFIELD), is_compiled=is_compiled)
    await check(schema, case, compiles=compiles)


@both
@ABSTRACT
async def test_some_types_tell_at_once_and_some_late(abstract: str, compiles: bool) -> None:
    schema = made(SDLS[abstract], {"Dog": late(is_a(Dog)), "Cat": is_a(Cat)})
    case = Case("", PETS, ANSWER, root=pets(ODIE, GARFIELD), is_compiled=False)
    await check(schema, case, compiles=compiles)


@both
@WHEN
@ABSTRACT
async def test_the_abstract_type_tells(abstract: str, when: Any, compiles: bool) -> None:
    schema = made(SDLS[abstract], {"Pet": when(lambda value, *_: type(value).__name__)})
    is_compiled = when is not late
    case = Case("", PETS, ANSWER, root=pets(ODIE, GARFIELD), is_compiled=is_compiled)
    await check(schema, case, compiles=compiles)


@both
@WHEN
@ABSTRACT
@pytest.mark.parametrize("part", ["Pet", "Dog"])
async def test_telling_that_fails(part: str, abstract: str, when: Any, compiles: bool) -> None:
    schema = made(SDLS[abstract], {part: when(failing)})
    errors = (error("no telling", "pets", 0), error("no telling", "pets", 1))
    case = Case("", PETS, {"pets": [None, None]}, errors, root=pets(ODIE, GARFIELD))
    await check(schema, case, compiles=compiles)


@both
@WHEN
@ABSTRACT
async def test_no_type_knows_the_value(abstract: str, when: Any, compiles: bool) -> None:
    schema = made(SDLS[abstract], {"Dog": when(is_a(Dog)), "Cat": when(is_a(Cat))})
    told = error(unresolved("Query.pets"), "pets", 1)
    data = {"pets": [ANSWER["pets"][0], None]}
    case = Case("", PETS, data, (told,), root=pets(ODIE, Human("Jon")))
    await check(schema, case, compiles=compiles)


NO_NAME = (
    "Abstract type 'Pet' must resolve to an Object type at runtime for field 'Query.pet' with"
    " value 'Odie', received '{}', which is not a valid Object type name."
)
WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (None, unresolved("Query.pet")),
    "no name of the schema": (
        "Fish",
        "Abstract type 'Pet' was resolved to a type 'Fish' that does not exist inside the schema.",
    ),
    "an input type": ("Bowl", "Abstract type 'Pet' was resolved to a non-object type 'Bowl'."),
    "a scalar": ("String", "Abstract type 'Pet' was resolved to a non-object type 'String'."),
    "the type itself": ("Pet", "Abstract type 'Pet' was resolved to a non-object type 'Pet'."),
    "a type that isn't possible": (
        "Human",
        "Runtime Object type 'Human' is not a possible type for 'Pet'.",
    ),
    "no name at all": (
        [],
        NO_NAME.format("[]"),
    ),
    "a class": (
        Dog,
        NO_NAME.format("<class Dog>"),
    ),
}


@both
@WHEN
@ABSTRACT
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_type(wrong: str, abstract: str, when: Any, compiles: bool) -> None:
    answer, message = WRONG[wrong]
    schema = made(SDLS[abstract], {"Pet": when(always(answer))})
    query = "{ pet { __typename } }"
    case = Case("", query, {"pet": None}, (error(message, "pet"),), root=lambda: {"pet": "Odie"})
    await check(schema, case, compiles=compiles)


@both
@ABSTRACT
@pytest.mark.parametrize("field", ["mustPet", "strict"])
async def test_a_wrong_type_where_none_may_be_null(
    field: str, abstract: str, compiles: bool
) -> None:
    schema = made(SDLS[abstract], {"Pet": lambda value, *_: value["type"]})
    message = WRONG["a type that isn't possible"][1]
    values = [{"type": "Dog"}, {"type": "Human"}]
    whole = field == "strict"
    case = Case(
        "",
        f"{{ {field} {{ __typename }} }}",
        {"strict": None} if whole else None,
        (error(message, field, 1) if whole else error(message, field),),
        root=lambda: {field: values if whole else values[1]},
    )
    await check(schema, case, compiles=compiles)


class Named:
    """Tells its type by the private name that graphql-core looks for."""

    __typename = "Dog"
    name = "Odie"
    woofs = True


class Puppy(Named):
    """Inherits it."""


class Kitten(Named):
    """Overrides it."""

    __typename = "Cat"
    name = "Garfield"
    meows = False


def in_dicts() -> dict[str, Any]:
    return {"pets": [{"__typename": "Dog", "name": "Odie", "woofs": True}, ANSWER["pets"][1]]}


@both
@ABSTRACT
@pytest.mark.parametrize(
    "root",
    [in_dicts, pets(Named(), Kitten()), pets(Puppy(), Kitten())],
    ids=["in dicts", "in objects", "inherited"],
)
async def test_the_value_names_its_type(root: Any, abstract: str, compiles: bool) -> None:
    case = Case("", PETS, ANSWER, root=root)
    await check(made(SDLS[abstract]), case, compiles=compiles)


@both
@ABSTRACT
async def test_a_name_in_the_value_goes_before_the_types(abstract: str, compiles: bool) -> None:
    schema = made(SDLS[abstract], {"Cat": always(True)})
    told = error("Expected value of type 'Cat' but got: 5.", "mustPet")
    values = {"pet": {"__typename": "Dog", "name": "Odie"}}
    case = Case("", "{ pet { __typename } }", {"pet": {"__typename": "Dog"}}, root=lambda: values)
    await check(schema, case, compiles=compiles)
    schema = made(SDLS[abstract], {"Cat": always(False), "Pet": always("Cat")})
    case = Case("", "{ mustPet { __typename } }", None, (told,), root=lambda: {"mustPet": 5})
    await check(schema, case, compiles=compiles)


@both
@WHEN
async def test_a_value_that_its_object_type_refuses(when: Any, compiles: bool) -> None:
    schema = made(SDLS["union"], {"Dog": when(is_a(Dog))})
    told = error("Expected value of type 'Dog' but got: <Cat instance>.", "dogs", 1)
    case = Case(
        "",
        "{ dogs { name } dog { name } }",
        {"dogs": [{"name": "Odie"}, None], "dog": {"name": "Odie"}},
        (told,),
        root=lambda: {"dogs": [ODIE, GARFIELD], "dog": ODIE},
    )
    await check(schema, case, compiles=compiles)


@both
@WHEN
async def test_an_object_type_whose_check_fails(when: Any, compiles: bool) -> None:
    schema = made(SDLS["union"], {"Dog": when(failing)})
    case = Case(
        "",
        "{ dog { name } }",
        {"dog": None},
        (error("no telling", "dog"),),
        root=lambda: {"dog": 5},
    )
    await check(schema, case, compiles=compiles)


@both
@ABSTRACT
async def test_abstract_values_that_are_null_or_errors(abstract: str, compiles: bool) -> None:
    async def soon(value: Any) -> Any:
        return value

    case = Case(
        "",
        PETS,
        {"pets": [None, None, ANSWER["pets"][0]]},
        (error("gone", "pets", 1),),
        root=lambda: {"pets": [None, RuntimeError("gone"), soon(ODIE)]},
    )
    await check(made(SDLS[abstract], {"Dog": is_a(Dog)}), case, compiles=compiles)
