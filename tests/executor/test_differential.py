"""Random operations: what compiled code answers is what graphql-core answers.

Equal bytes without errors, else equal data and equal errors; the same side effects in the same
order; nothing left unawaited that graphql-core awaits. The seed stands in the test's name, and
FUZZ_SEED sets it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.executor.torture.campaign import MOODS, SOUND, compare, torture_subjects
from tests.executor.torture.comparing import little_garbage
from tests.executor.torture.operations import Scope
from tests.executor.torture.seeds import seeds, tell

SMALL = Scope(depth=4, fields=25)
DOCUMENTS = 130
SOAK_DOCUMENTS = 4_200
"""Each is run in six moods, by four engines: 100,000 operations."""

SUBJECTS = list(torture_subjects())


@pytest.fixture
def _little_garbage() -> Iterator[None]:
    with little_garbage():
        yield


@pytest.mark.usefixtures("_little_garbage")
@pytest.mark.parametrize("name", SUBJECTS)
@seeds
async def test_random_operations_answer_alike(
    name: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = torture_subjects(SMALL)[name]()
    for number in range(DOCUMENTS):
        await compare(subject, seed * DOCUMENTS + number)
    assert subject.operations == DOCUMENTS * len(MOODS)
    tell(capsys, str(subject))
    # What only ever falls back would prove nothing.
    assert subject.counts[SOUND].compiled_share > 1 / 3, str(subject)


@pytest.mark.soak
@pytest.mark.usefixtures("_little_garbage")
@pytest.mark.parametrize("name", SUBJECTS)
@seeds
async def test_a_hundred_thousand_random_operations_answer_alike(
    name: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = torture_subjects()[name]()
    for number in range(SOAK_DOCUMENTS):
        await compare(subject, seed * SOAK_DOCUMENTS + number)
        if number % 500 == 499:
            tell(capsys, f"{number + 1} of {SOAK_DOCUMENTS} documents; {subject}")
    assert subject.counts[SOUND].compiled_share > 1 / 3, str(subject)
