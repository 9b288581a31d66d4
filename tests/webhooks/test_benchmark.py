"""The benchmark runs in small, from its start to what it aims at."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SMALL = "--endpoints 20 --events 200 --rate 100 --backlog 2000 --peer-backlog 100"


def test_runs_to_its_targets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.webhooks", *SMALL.split(), "--port", str(port)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "yes  none lost (340 of 340)" in done.stdout
    assert "deliveries a second" in done.stdout
