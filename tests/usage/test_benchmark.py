"""The benchmark runs in small, from its start to what it aims at."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_runs_to_its_targets() -> None:
    command = [sys.executable, "-m", "benchmarks.usage", "--calls", "4000", "--rounds", "2"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "round 2, peer:" in done.stdout
    assert "at least 4 times row by row" in done.stdout
