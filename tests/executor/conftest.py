"""Fixtures for tests of the executor."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def frozen_heap() -> Iterator[None]:
    """Collections look at what the module's own tests made, not at half a gigabyte from before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
