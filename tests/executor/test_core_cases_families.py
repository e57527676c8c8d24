"""Fragments on interfaces, on interfaces of interfaces, and on unions."""

from dataclasses import dataclass, field
from typing import Any

from tests.executor.cases.check import Case, both, check, made, run, table


@dataclass
class Animal:
    kind: str
    name: str
    mother: "Animal | None" = None
    young: list["Animal"] = field(default_factory=list)
    barks: bool = False
    meows: bool = False


@dataclass
class Person:
    name: str
    pets: list[Animal]
    friends: list[Any]
    kind: str = "Person"
    mother: None = None
    young: list[Any] = field(default_factory=list)


SDL = """
interface Named { name: String }
interface Life { young: [Life] }
interface Mammal implements Life { young: [Mammal] mother: Mammal }
type Dog implements Mammal & Life & Named { name: String barks: Boolean young: [Dog] mother: Dog }
type Cat implements Mammal & Life & Named { name: String meows: Boolean young: [Cat] mother: Cat }
type Person implements Named & Mammal & Life {
  name: String pets: [Pet] friends: [Named] young: [Person] mother: Person
}
union Pet = Dog | Cat
schema { query: Person }
"""


def resolve_kind(value: Any, *_: Any) -> str:
    return str(value.kind)


def is_kind(kind: str) -> Any:
    return lambda value, _info: value.kind == kind


SCHEMA = made(
    SDL,
    {
        "Named": None,
        "Pet": resolve_kind,
        "Dog": is_kind("Dog"),
        "Cat": is_kind("Cat"),
        "Person": is_kind("Person"),
    },
)


def john() -> Person:
    cat_mother = Animal("Cat", "Garfield's mother")
    garfield = Animal("Cat", "Garfield", cat_mother)
    cat_mother.young = [garfield]
    dog_mother = Animal("Dog", "Odie's mother", barks=True)
    odie = Animal("Dog", "Odie", dog_mother, barks=True)
    dog_mother.young = [odie]
    return Person("John", [garfield, odie], [Person("Liz", [], []), odie])


GARFIELD = {"__typename": "Cat", "name": "Garfield", "meows": False}
ODIE = {"__typename": "Dog", "name": "Odie", "barks": True}
LIZ = {"__typename": "Person", "name": "Liz"}


@both
@table(
    Case(
        "a union by its members",
        """{ __typename name pets {
          __typename ... on Dog { name barks } ... on Cat { name meows }
        } }""",
        {"__typename": "Person", "name": "John", "pets": [GARFIELD, ODIE]},
        root=john,
    ),
    Case(
        "fields that no member of a union shares are a matter of validation",
        "{ pets { __typename name barks meows } }",
        {"pets": [GARFIELD, ODIE]},
        root=john,
        is_valid=False,
    ),
    Case(
        "an interface and what its types add",
        """{ friends {
          __typename name
          ... on Dog { barks }
          ... on Cat { meows }
          ... on Mammal { mother { __typename ... on Dog { name barks } ... on Cat { name } } }
        } }""",
        {
            "friends": [
                {**LIZ, "mother": None},
                {**ODIE, "mother": {"__typename": "Dog", "name": "Odie's mother", "barks": True}},
            ]
        },
        root=john,
    ),
    Case(
        "named fragments on types",
        """{ friends { __typename name ...Barks ...Meows } }
        fragment Barks on Dog { barks }
        fragment Meows on Cat { meows }""",
        {"friends": [LIZ, ODIE]},
        root=john,
    ),
    Case(
        "named fragments on interfaces and unions",
        """{
          pets { ...PetFields ... on Mammal { mother { ...Young } } }
          friends { ...FriendFields }
        }
        fragment PetFields on Pet { __typename ... on Dog { name barks } ... on Cat { name meows } }
        fragment FriendFields on Named { __typename name ... on Dog { barks } ... on Cat { meows } }
        fragment Young on Life { young { __typename } }""",
        {
            "pets": [
                {**GARFIELD, "mother": {"young": [{"__typename": "Cat"}]}},
                {**ODIE, "mother": {"young": [{"__typename": "Dog"}]}},
            ],
            "friends": [LIZ, ODIE],
        },
        root=john,
    ),
    Case(
        "an interface of an interface, down to a third",
        "{ pets { ... on Life { ... on Mammal { ... on Named { name ... on Cat { meows } } } } } }",
        {"pets": [{"name": "Garfield", "meows": False}, {"name": "Odie"}]},
        root=john,
    ),
    Case(
        "a union inside of an interface",
        "{ friends { ... on Pet { ... on Dog { name } } } }",
        {"friends": [{}, {"name": "Odie"}]},
        root=john,
    ),
    Case(
        "nothing that fits leaves empty objects",
        "{ pets { ... on Person { name } } friends { ... on Cat { name } } }",
        {"pets": [{}, {}], "friends": [{}, {}]},
        root=john,
        is_valid=False,
    ),
    Case(
        "the same field twice, once from the interface",
        "{ friends { name ... on Named { name } ... on Dog { name alias: name } } }",
        {"friends": [{"name": "Liz"}, {"name": "Odie", "alias": "Odie"}]},
        root=john,
    ),
    Case(
        "keys stand in the order that each type meets them",
        "{ pets { ... on Cat { meows } ... on Named { name } ... on Dog { barks } __typename } }",
        {
            "pets": [
                {"meows": False, "name": "Garfield", "__typename": "Cat"},
                {"name": "Odie", "barks": True, "__typename": "Dog"},
            ]
        },
        root=john,
    ),
    Case(
        "one name for different fields of different types",
        "{ pets { ... on Dog { says: barks } ... on Cat { says: meows } } }",
        {"pets": [{"says": False}, {"says": True}]},
        root=john,
    ),
    Case(
        "objects of one name are merged for each type",
        """{ pets {
          ... on Mammal { mother { __typename } }
          ... on Dog { mother { barks } }
          ... on Cat { mother { name } }
        } }""",
        {
            "pets": [
                {"mother": {"__typename": "Cat", "name": "Garfield's mother"}},
                {"mother": {"__typename": "Dog", "barks": True}},
            ]
        },
        root=john,
    ),
    Case(
        "a fragment on the root type, and on what it implements",
        "{ ... on Person { name } ... on Named { n: name } ... on Life { young { __typename } } }",
        {"name": "John", "n": "John", "young": []},
        root=john,
    ),
)
async def test_fragments_on_abstract_types(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_what_a_type_resolver_is_told(compiles: bool) -> None:
    seen: list[Any] = []

    def resolve_type(value: Any, info: Any, abstract: Any) -> str:
        seen.append((value, info, abstract))
        return "Person"

    schema = made(SDL, {"Named": resolve_type})
    context, root = {"token": "abc"}, john()
    query = "query Find { found: friends { name } }"
    outcome = await run(schema, query, compiles=compiles, root=root, context=context)
    assert outcome.data == {"found": [{"name": "Liz"}, {"name": "Odie"}]}
    value, info, abstract = seen[-1]
    assert value is root.friends[1]
    assert abstract is schema.type_map["Named"]
    assert info.schema is schema
    assert info.root_value is root
    assert info.context is context
    assert info.field_name == "friends"
    assert info.path.as_list() == ["found"]
    assert info.operation.name.value == "Find"
    assert str(info.return_type) == "[Named]"
    assert info.parent_type is schema.query_type


@both
async def test_what_a_type_check_is_told(compiles: bool) -> None:
    seen: list[Any] = []

    def is_dog(value: Any, info: Any) -> bool:
        seen.append((value, info))
        return True

    schema = made("type Query { dogs: [Dog] } type Dog { name: String }", {"Dog": is_dog})
    root = {"dogs": [{"name": "Odie"}]}
    outcome = await run(schema, "{ dogs { name } }", compiles=compiles, root=root, context=7)
    assert outcome.data == root
    value, info = seen[-1]
    assert value is root["dogs"][0]
    assert (info.field_name, info.path.as_list(), info.context) == ("dogs", ["dogs"], 7)
    assert info.parent_type is schema.query_type
