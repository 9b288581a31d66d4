"""`manage.py story` passes on a running platform, twice in a row."""

import os
import subprocess
import sys

import psycopg
import pytest

from local.home import Home
from tests import leaks
from tests.local.platform_run import OURS, ROOT, PlatformRun

pytestmark = pytest.mark.slow


def told(running: PlatformRun) -> subprocess.CompletedProcess[str]:
    """What `manage.py story` says, run as one types it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_") and name not in OURS}
    command = [sys.executable, "manage.py", "story"]
    env["PORTICO_HOME"] = str(running.home)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_it_ends_well_twice_in_a_row(running: PlatformRun) -> None:
    for _time in range(2):
        ended = told(running)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "The story ended well" in ended.stdout
    url = Home.open(running.home).settings()["DATABASE_URL"]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        assert leaks.look_at_database(cursor) > 500


def test_it_says_what_failed_and_what_to_do(running: PlatformRun) -> None:
    demo = running.home / "demo.json"
    demo.write_text(demo.read_text().replace(running.demo["partner"]["api_key"], "pk_live_unknown"))
    ended = told(running)
    assert ended.returncode == 1
    assert "“A seller publishes an integration”, failed." in ended.stderr
    assert "invalid_key" in ended.stderr
    assert "Next: " in ended.stderr
