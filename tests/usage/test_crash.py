"""An ingester killed at the worst moments: inside its transaction, and between commit and trim. Nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from django.db import connection

from core import clock
from tests.usage.conftest import call
from usage import ingest, questions
from usage.models import Call
from usage.records import STREAM

ACME = uuid.uuid4()
ROOT = Path(__file__).resolve().parent.parent.parent

SETUP = "import os, django; django.setup(); from usage import ingest\n"
# Ends the process the moment the transaction has committed, before the stream is trimmed.
DIE_AFTER_COMMIT = (
    "from django.db import transaction\n"
    "with transaction.atomic():\n"
    "    transaction.on_commit(lambda: os.kill(os.getpid(), 9))\n"
    "    ingest.step()\n"
)

pytestmark = pytest.mark.django_db(transaction=True)


def ingester(script: str) -> "subprocess.Popen[bytes]":
    """Another process, on this test's database."""
    settings = connection.settings_dict
    host, _, _ = os.environ["DATABASE_URL"].partition("?")
    base, _, _ = host.rpartition("/")
    query = os.environ["DATABASE_URL"].partition("?")[2]
    url = f"{base}/{settings['NAME']}" + (f"?{query}" if query else "")
    return subprocess.Popen([sys.executable, "-c", SETUP + script], cwd=ROOT, env={**os.environ, "DATABASE_URL": url})


@pytest.fixture
def slow_position():
    """The position's row takes long to write, so that the process can be killed after COPY and rollups, before the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;"
            "CREATE TRIGGER pause BEFORE UPDATE ON usage_position FOR EACH ROW EXECUTE FUNCTION pause()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS pause ON usage_position; DROP FUNCTION pause()")


def sleeping() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
        return cursor.fetchone()[0]


def counted() -> tuple[int, int]:
    return Call.objects.count(), questions.month_total(ACME, "live", clock.now())


def test_killed_between_copy_and_commit(send, redis, slow_position):
    send(*(call(partner=ACME) for _ in range(300)))
    process = ingester("ingest.step()")
    try:
        deadline = time.monotonic() + 60
        while not sleeping():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        cursor.execute("DROP TRIGGER pause ON usage_position")
    assert counted() == (0, 0)
    assert redis.xlen(STREAM) == 1
    assert ingest.step() == 1
    assert counted() == (300, 300)
    assert redis.xlen(STREAM) == 0


def test_killed_between_commit_and_trim(send, redis):
    send(*(call(partner=ACME) for _ in range(300)))
    assert ingester(DIE_AFTER_COMMIT).wait(timeout=60) == -signal.SIGKILL
    assert counted() == (300, 300)
    send(call(partner=ACME))
    assert ingest.step() == 1
    assert counted() == (301, 301)
    assert redis.xlen(STREAM) == 0
