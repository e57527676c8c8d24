"""The benchmarks stand on sides that answer the same bytes; a changed answer must show."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.soak
def test_all_sides_answer_the_same_bytes_and_the_books_hold() -> None:
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
    assert "The books hold." in done.stdout
