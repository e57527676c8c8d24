"""The seed of this run of the tests: another one each time, unless FUZZ_SEED sets it."""

from __future__ import annotations

import os
import sys
from zlib import crc32

import pytest

# All workers of one run have the same seed: they have to collect the same tests.
_OF_THIS_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.urandom(4).hex()
SEED = int(os.environ.get("FUZZ_SEED") or crc32(_OF_THIS_RUN.encode()) % 1_000_000)

seeds = pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"FUZZ_SEED={seed}")
"""Gives a test the seed, and the seed to the test's name."""


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show how far a test is, while it runs."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
