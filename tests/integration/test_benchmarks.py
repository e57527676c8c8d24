"""The benchmarks stand on two sides that answer the same bytes; a changed answer must show."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.soak
def test_the_hand_written_side_answers_the_same_bytes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "They are the same" in done.stdout
