"""Generated code is laid out to be read, and means what it meant."""

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.layout import lay_out


@pytest.mark.parametrize(
    ("line", "laid_out"),
    [
        ("short = [1, 2, 3]", "short = [1, 2, 3]"),
        (
            "answer = call(first_argument, second_argument)",
            """\
            answer = call(
                first_argument,
                second_argument,
            )""",
        ),
        (
            "rows = [build(each) for each in items(values) if each]",
            """\
            rows = [
                build(each)
                for each in items(values)
                if each
            ]""",
        ),
        (
            "rows = [build(row, each) for row, each in enumerate(of)]",
            """\
            rows = [
                build(row, each)
                for row, each in enumerate(of)
            ]""",
        ),
        (
            "value = (found if test(found) and known else other(found))",
            """\
            value = (
                found
                if test(found) and known
                else other(found)
            )""",
        ),
        (
            "value = (found if test_of_one(found) and test_of_two(found) else other(found))",
            """\
            value = (
                found
                if test_of_one(found)
                and test_of_two(found)
                else other(found)
            )""",
        ),
        (
            "both = f(one)(the_first_argument_of_it or another)",
            """\
            both = f(one)(
                the_first_argument_of_it
                or another
            )""",
        ),
        (
            "    'key, (of': [('a' + ')', 'b'), something_else],",
            """\
            |    'key, (of': [
            |        ('a' + ')', 'b'),
            |        something_else,
            |    ],""",
        ),
        (
            "def function(one, two, three, four, five):  # a place",
            """\
            def function(  # a place
                one,
                two,
                three,
                four,
                five,
            ):""",
        ),
        (
            "a_name_that_is_longer_than_a_line_may_be = 1",
            "a_name_that_is_longer_than_a_line_may_be = 1",
        ),
        ("first_name, second_name, third_name = f()", "first_name, second_name, third_name = f()"),
    ],
)
def test_a_long_line_is_broken_in_its_last_brackets(line: str, laid_out: str) -> None:
    expected = "\n".join(each.removeprefix("|") for each in dedent(laid_out).splitlines())
    assert lay_out(line, width=34) == expected + "\n"


def test_lines_that_fit_stay_as_they_are() -> None:
    text = "def f(o):\n    return {\n        'a': o.a,\n    }\n\ndef g(o):\n    return [o]\n"
    assert lay_out(text) == text


NAMES = st.sampled_from(["alpha", "beta", "gamma_delta", "'x, (y'", "12345"])


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: f"f({two[0]}, {two[1]})"),
        st.tuples(inner, inner).map(lambda two: "{'k': %s, 'l': %s}" % two),  # noqa: UP031
        st.tuples(inner, inner).map(lambda two: f"[{two[0]} for e in {two[1]} if e]"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} if {two[1]} else None)"),
        st.tuples(inner, inner).map(lambda two: f"[({two[0]}) for i, e in f({two[1]}, i)]"),
        st.tuples(inner, inner).map(lambda two: "{e: %s for e in %s}" % two),  # noqa: UP031
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]} and o.a[0])"),
        inner.map(lambda one: f"(one := {one})"),
        inner.map(lambda one: f"({one},)"),
        inner.map(lambda one: f"g({one}) is g"),
    )


@given(st.recursive(NAMES, expressions, max_leaves=25), st.integers(10, 60))
def test_it_means_the_same_whatever_the_width(expression: str, width: int) -> None:
    text = f"def f(o, e):\n    return ({expression})\n"
    assert ast.dump(ast.parse(lay_out(text, width=width))) == ast.dump(ast.parse(text))
