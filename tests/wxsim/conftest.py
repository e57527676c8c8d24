"""Fixtures of the simulator's own tests."""

from collections.abc import AsyncIterator

import pytest

from tests.wxsim.simulator import Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    """A fresh simulator."""
    simulator = Simulator()
    yield simulator
    await simulator.close()
