"""The code made from a plan: one Python function for each selection set.

For each object type at each place there is a function that builds its part of the answer. Fields
that have to be waited for are left out at first; the object is noted down (`todo`), and a second
function fills them in for all objects of the level at once. Null checks stand where values are
read, so that what comes out has the schema's shape, or nothing does.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from functools import partial

from graphql import OperationType

from executor.leaves import exact_test, is_told_by_isoformat, names_of_members
from executor.plan import Completion, Field, Leaf, ListOf, OneOf, Plan, Selection, selections_in
from executor.reading import How


class Source:
    """Writes the code of one plan.

    What the code calls by a numbered name (`call_3`, `batch_4`, `sound_5`) is made from the same
    plan by `program.py`.
    """

    def __init__(
        self, plan: Plan, *, checks_type: set[int], wants_info: set[int], roots_in_turn: bool
    ) -> None:
        """Take the numbers of selections whose type is checked, and whose check wants `info`."""
        self._plan = plan
        is_query = plan.operation.operation is OperationType.QUERY
        self._roots_in_turn = roots_in_turn or not is_query
        self._checks_type = checks_type
        self._wants_info = wants_info
        self._reach = {each.number: self._reached(each) for each in plan.selections}
        self._paths: dict[int, bool] = {}
        self._runs: dict[int, bool] = {}

    def text(self) -> str:
        """Return the module's text; its entry is `async def operation(run)`."""
        parts = [self._operation()]
        for selection in self._plan.selections:
            if selection is not self._plan.root:
                parts.append(self._build(selection))
                if selection.waits:
                    parts.append(self._fill(selection))
                parts += self._dispatchers(selection)
        parts += self._dispatchers(self._plan.root)
        return "\n\n".join(parts) + "\n"

    # What a selection needs to be handed.

    def _reached(self, selection: Selection) -> list[int]:
        """Return the selections below, itself included, whose objects must be noted down."""
        found = [selection.number] if selection.waits else []
        for each in selection.within():
            found += self._reached(each)
        return found

    def _needs_path(self, selection: Selection) -> bool:
        known = self._paths.get(selection.number)
        if known is None:
            known = any(
                each.reading.how is How.RESOLVER or self._completion_needs_path(each.completion)
                for each in selection.fields
            )
            self._paths[selection.number] = known
        return known

    def _completion_needs_path(self, completion: Completion) -> bool:
        while isinstance(completion, ListOf):
            completion = completion.of
        if isinstance(completion, Leaf):
            return False
        return completion.is_abstract or any(
            each.number in self._wants_info or self._needs_path(each)
            for each in completion.selections
        )

    def _needs_run(self, selection: Selection) -> bool:
        """Tell whether the run has to be handed on: it has the context."""
        known = self._runs.get(selection.number)
        if known is None:
            known = (
                self._needs_path(selection)
                or any(
                    each.reading.how is How.DERIVED and not each.waits for each in selection.fields
                )
                or any(self._needs_run(each) for each in selection.within())
            )
            self._runs[selection.number] = known
        return known

    def _todo(self, completion: Completion) -> list[str]:
        """Return the lists that a completed value's objects are noted down in."""
        return [
            f"todo_{number}"
            for selection in selections_in(completion)
            for number in self._reach[selection.number]
        ]

    # Functions.

    def _operation(self) -> str:
        root = self._plan.root
        waiting = [each for each in root.fields if each.waits]
        lines = ["async def operation(run):"]
        names = ", ".join(f"v_{each.number}" for each in waiting)
        if len(waiting) > 1 and not self._roots_in_turn:
            calls = ", ".join(f"root_{each.number}(run)" for each in waiting)
            lines.append(f"    {names} = await together(run, ({calls}))")
        else:
            lines += [f"    v_{each.number} = await root_{each.number}(run)" for each in waiting]
        lines.append("    return {")
        for each in root.fields:
            value = f"v_{each.number}" if each.waits else repr(root.type.name)
            lines.append(f"        {each.name!r}: {value},")
        lines.append("    }")
        return "\n\n".join(["\n".join(lines), *(self._root_field(each) for each in waiting)])

    def _root_field(self, field: Field) -> str:
        number = field.number
        path = "path" if self._completion_needs_path(field.completion) else "None"
        lines = [
            f"async def root_{number}(run):  # {field.name}",
            f"    v_{number} = await root_value(run, call_{number}, is_awaitable)",
            *(f"    {todo} = []" for todo in self._todo(field.completion)),
        ]
        if path != "None":
            lines.append(f"    path = Path(None, {field.name!r}, {self._plan.root.type.name!r})")
        value = self._complete(field.completion, f"v_{number}", path, path, depth=0)
        lines += [f"    answer = {value}", *self._fills(field.completion)]
        if self._plan.operation.operation is OperationType.MUTATION:
            lines.append(f"    run.memory.answers[{field.name!r}] = answer")
        lines.append("    return answer")
        return "\n".join(lines)

    def _build(self, selection: Selection) -> str:
        parameters = ", ".join(self._parameters(selection))
        lines = [f"def {build_name(selection)}({parameters}):  # {selection.place}"]
        entries = []
        for field in selection.fields:
            value = "None" if field.waits else self._read(selection, field, lines)
            entries.append(f"        {field.name!r}: {value},")
        if selection.waits:
            path = "path" if self._needs_path(selection) else "None"
            lines += ["    answer = {", *entries, "    }"]
            lines += [
                f"    todo_{selection.number}.append((o, answer, {path}))",
                "    return answer",
            ]
        else:
            lines += ["    return {", *entries, "    }"]
        return "\n".join(lines)

    def _read(self, selection: Selection, field: Field, lines: list[str]) -> str:
        """Return the completed value of a field that is read at once."""
        how = field.reading.how
        if how is How.TYPENAME:
            return repr(selection.type.name)
        path = "None"
        if self._completion_needs_path(field.completion):
            path = f"path_{field.number}"
            lines.append(f"    {path} = Path(path, {field.name!r}, {selection.type.name!r})")
        return self._complete(field.completion, _value(field), path, path, depth=0)

    def _fill(self, selection: Selection) -> str:
        waiting = [each for each in selection.fields if each.waits]
        called = [each for each in waiting if each.reading.how is How.RESOLVER]
        batched = selection.batches
        lines = [f"async def fill_{selection.number}(run, pending):  # {selection.place}"]
        lines += [f"    {todo} = []" for each in waiting for todo in self._todo(each.completion)]
        if called:
            calls = "".join(f"call_{each.number}, " for each in called)
            lines.append(f"    columns = await resolved(run, pending, ({calls}), is_awaitable)")
        lines += self._batches(batched)
        lines += [
            f"    await need_{fields[0].number}(run, pending)"
            for fields in selection.needs.values()
        ]
        lines += ["    " + line for line in self._distribution(selection, called, batched)]
        for each in waiting:
            lines += self._fills(each.completion)
        return "\n".join(lines)

    def _batches(self, fields: list[Field]) -> Iterator[str]:
        """Write the calls for a level; each is told to those that want to hear of it first."""
        hearing = [each.number for each in fields if each.reading.ahead is not None]
        for number in hearing:
            yield f"    told_{number} = batch_{number}.ahead(run, pending)"
        for field in fields:
            number = field.number
            told = f", told_{number}" if number in hearing else ""
            yield f"    column_{number} = await batch_{number}(run, pending{told})"

    def _distribution(
        self, selection: Selection, called: list[Field], batched: list[Field]
    ) -> Iterator[str]:
        columns = [f"columns[{index}]" for index, _ in enumerate(called)]
        columns += [f"column_{each.number}" for each in batched]
        values = {each.number: f"v_{each.number}" for each in (*called, *batched)}
        objects = "(o, answer, path)"
        if values:
            names = ", ".join(values.values())
            yield f"for {objects}, {names} in zip(pending, {', '.join(columns)}):"
        else:
            yield f"for {objects} in pending:"
        derived = [each for each in selection.fields if each.reading.needs is not None]
        for field in (*called, *batched, *derived):
            path = "None"
            if self._completion_needs_path(field.completion):
                path = f"path_{field.number}"
                yield f"    {path} = Path(path, {field.name!r}, {selection.type.name!r})"
            read = values.get(field.number) or _value(field)
            value = self._complete(field.completion, read, path, path, depth=0)
            yield f"    answer[{field.name!r}] = {value}"

    def _fills(self, completion: Completion) -> list[str]:
        return [
            f"    if {todo}: await fill_{todo.removeprefix('todo_')}(run, {todo})"
            for todo in self._todo(completion)
        ]

    def _dispatchers(self, selection: Selection) -> list[str]:
        """Write how values of interfaces and unions find the function of their own type."""
        found = []
        for field in selection.fields:
            completion = field.completion
            while isinstance(completion, ListOf):
                completion = completion.of
            if isinstance(completion, OneOf) and completion.is_abstract:
                found.append(self._dispatcher(completion))
        return found

    def _dispatcher(self, completed: OneOf) -> str:
        number = completed.number
        parameters = ["o", "run", "field_path", "path", *self._todo(completed)]
        lines = [
            f"def any_{number}({', '.join(parameters)}):",
            f"    name = type_name_{number}(run, o, field_path)",
        ]
        for selection in completed.selections:
            lines.append(f"    if name == {selection.type.name!r}:")
            if selection.number in self._checks_type:
                lines.append(f"        check_{selection.number}(run, o, field_path)")
            arguments = ", ".join(self._parameters(selection))
            lines.append(f"        return {build_name(selection)}({arguments})")
        return "\n".join([*lines, "    raise Fallback"])

    def _parameters(self, selection: Selection) -> list[str]:
        parameters = ["o", *self._handed_on(selection, "path")]
        return parameters + [f"todo_{number}" for number in self._reach[selection.number]]

    def _handed_on(self, selection: Selection, path: str) -> list[str]:
        """Return what a selection's function is given besides the object."""
        if self._needs_path(selection):
            return ["run", path]
        return ["run"] if self._needs_run(selection) else []

    # Values.

    def _complete(
        self, completion: Completion, read: str, field_path: str, path: str, *, depth: int
    ) -> str:
        """Return the expression that completes what `read` gives."""
        if isinstance(completion, Leaf):
            return _leaf(completion, read, depth)
        if isinstance(completion, ListOf):
            return self._list(completion, read, field_path, path, depth=depth)
        return self._object(completion, read, field_path, path, depth=depth)

    def _list(self, listed: ListOf, read: str, field_path: str, path: str, *, depth: int) -> str:
        each, row, value = f"each{depth}", f"row{depth}", f"value{depth}"
        items = "grid" if isinstance(listed.of, ListOf) else "items"
        listing = value if listed.is_nullable else f"{items}({read})"
        if path == "None":
            inner = self._complete(listed.of, each, field_path, path, depth=depth + 1)
            built = f"[{inner} for {each} in {listing}]"
        else:
            item_path = f"Path({path}, {row}, None)"
            inner = self._complete(listed.of, each, field_path, item_path, depth=depth + 1)
            built = f"[{inner} for {row}, {each} in enumerate({listing})]"
        if listed.is_nullable:
            return f"(None if ({value} := {items}_or_none({read})) is None else {built})"
        return built

    def _object(
        self, completed: OneOf, read: str, field_path: str, path: str, *, depth: int
    ) -> str:
        value, number = read, completed.number
        first = read
        if not read.isidentifier():
            value = f"value{depth}"
            first = f"({value} := {read})"
        sound = f"(type({first}) in sound_{number}_classes or sound_{number}({value}))"
        todo = self._todo(completed)
        if completed.is_abstract:
            arguments = [value, "run", field_path, path, *todo]
            return f"(any_{number}({', '.join(arguments)}) if {sound} else None)"
        (selection,) = completed.selections
        arguments = [value, *self._handed_on(selection, path)]
        built = f"{build_name(selection)}({', '.join([*arguments, *todo])})"
        if selection.number in self._checks_type:
            info = f"run, {value}, {field_path}"
            if selection.number not in self._wants_info:
                info = f"None, {value}, None"
            sound = f"{sound} and check_{selection.number}({info})"
        return f"({built} if {sound} else None)"


def _value(field: Field) -> str:
    """Return the expression that reads a field's value."""
    reading = field.reading
    if reading.how is How.FUNCTION:
        return f"read_{field.number}(o)"
    if reading.how is How.DERIVED:
        return f"read_{field.number}(o, run.context)"
    if reading.how is How.ITEM:
        return _item(field)
    return attribute(reading.attribute)


def _item(field: Field) -> str:
    place = field.reading.item
    assert place is not None
    row = attribute(place.of) if place.of else "o"
    value = f"{row}[{place.key!r}]"
    if place.convert is None:
        return value
    return f"(None if (item := {value}) is None else convert_{field.number}(item))"


def _leaf(leaf: Leaf, read: str, depth: int) -> str:
    value, first = read, read
    if not read.isidentifier():
        value = f"value{depth}"
        first = f"({value} := {read})"
    complete = f"{leaf_name(leaf)}({value})"
    if names_of_members(leaf.type) is not None:
        return f"(name if (name := {leaf_name(leaf)}_names.get(id({first}))) else {complete})"
    if is_told_by_isoformat(leaf.type):
        told = f"{value}.isoformat() if type({value}) in dated else {complete}"
        if leaf.is_nullable:
            return f"(None if {first} is None else {told})"
        return f"({value}.isoformat() if type({first}) in dated else {complete})"
    test = partial(exact_test, leaf.type)
    if test(value) is None:
        return f"{leaf_name(leaf)}({read})"
    if leaf.is_nullable:
        return f"({value} if {first} is None or {test(value)} else {complete})"
    return f"({value} if {test(value, first)} else {complete})"


def attribute(name: str) -> str:
    """Return the expression that reads an attribute of the object."""
    if name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__"):
        return f"o.{name}"
    return f"getattr(o, {name!r})"


def snake(name: str) -> str:
    """Return a type's name as Python would write it: OrderLine is order_line."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def build_name(selection: Selection) -> str:
    """Return the name of the function that builds a selection's objects."""
    return f"{snake(selection.type.name)}_{selection.number}"


def leaf_name(leaf: Leaf) -> str:
    """Return the name of the function that completes a leaf."""
    return f"leaf_{leaf.type.name}{'_or_null' if leaf.is_nullable else ''}"
