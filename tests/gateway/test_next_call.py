"""What is changed of a key or partner holds from the next call on, in every process: each of four is asked on its own port.

`PORTICO_TRIALS=1000 python -m pytest -m slow tests/gateway/test_next_call.py` prints the figures of as many trials.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from apikeys import keys
from core import clock
from core.actors import SYSTEM
from partners import partners
from tests.gateway.processes import database_url
from tests.platform import ROOT, member

pytestmark = pytest.mark.slow

PATH = "/gateway/authorize?scope=requests:read"
TRIALS = int(os.environ.get("PORTICO_TRIALS", "120"))
SOON = 2.0
# Kills itself between the commit and the write to Redis, in a process of its own for each key that it is told.
KILLED = """
import os, signal, sys
import django; django.setup()
from django.db import connection, transaction
from apikeys import keys; from apikeys.models import Key; from core.actors import SYSTEM
for line in sys.stdin:
    connection.close()
    if not (child := os.fork()):
        with transaction.atomic():
            transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
            keys.revoke(key=Key.objects.get(pk=line.strip()), by=SYSTEM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Subject:
    """A key of a partner, and what is done to it: each of `changes` does something, says what it comes to, and is undone."""

    def __init__(self, door):
        self.member = member(door, "Initech", tier="enterprise")
        self.made = self.member.key(scopes=["requests:read"])

    def revoke(self):
        keys.revoke(key=self.made.key, by=SYSTEM)
        return "key_revoked"

    def narrow_scopes(self):
        keys.update(key=self.made.key, by=SYSTEM, scopes=["keys:read"])
        return "insufficient_scope"

    def narrow_addresses(self):
        keys.update(key=self.made.key, by=SYSTEM, ip_allowlist=["192.0.2.0/24"])
        return "ip_not_allowed"

    def expire(self):
        end = clock.now() + timedelta(milliseconds=200)
        keys.update(key=self.made.key, by=SYSTEM, expires_at=end)
        time.sleep(max(0, (end - clock.now()).total_seconds()) + 0.001)
        return "key_expired"

    def disable(self):
        keys.disable(key=self.made.key, by=SYSTEM)
        return "key_disabled"

    def suspend(self):
        partners.suspend(partner=self.member.partner, reason="Unpaid", by=SYSTEM)
        return "partner_suspended"

    def restore(self, code):
        """As it was; a fresh key where there is no way back."""
        match code:
            case "insufficient_scope":
                keys.update(key=self.made.key, by=SYSTEM, scopes=["requests:read"])
            case "ip_not_allowed":
                keys.update(key=self.made.key, by=SYSTEM, ip_allowlist=[])
            case "key_disabled":
                keys.enable(key=self.made.key, by=SYSTEM)
            case "partner_suspended":
                partners.reactivate(partner=self.member.partner, by=SYSTEM)
            case _:
                self.made = self.member.key(scopes=["requests:read"])

    @property
    def changes(self):
        return [self.revoke, self.narrow_scopes, self.narrow_addresses, self.expire, self.disable, self.suspend]


def codes(doors, key):
    """What every process answers to the next call; "" if it lets it in."""
    with ThreadPoolExecutor(len(doors)) as pool:
        answers = list(pool.map(lambda door: door.get(PATH, key=key), doors))
    return ["" if answer.status == 204 else answer["code"] for answer in answers]


@pytest.fixture
def subject(doors):
    return Subject(doors[0])


def test_changes_hold_from_the_next_call_on_in_every_process(doors, subject, say):
    misses = []
    for trial in range(TRIALS):
        if (let_in := codes(doors, subject.made.text)) != [""] * len(doors):  # what was undone holds at once as well
            misses.append((trial, "let in", let_in))
        wanted = subject.changes[trial % len(subject.changes)]()
        if (found := codes(doors, subject.made.text)) != [wanted] * len(doors):
            misses.append((trial, wanted, found))
        subject.restore(wanted)
    say(f"{TRIALS} changes and {TRIALS} ways back, each asked of {len(doors)} processes: {len(misses)} misses")
    assert misses == []


def test_after_redis_was_emptied_changes_hold_at_once(doors, subject, redis, say):
    misses = []
    for trial in range(24):
        codes(doors, subject.made.text)
        wanted = subject.changes[trial % len(subject.changes)]()
        redis.flushdb()
        if (found := codes(doors, subject.made.text)) != [wanted] * len(doors):
            misses.append((wanted, found))
        subject.restore(wanted)
    say(f"24 changes with Redis emptied after each: {len(misses)} misses")
    assert misses == []


def test_killed_between_commit_and_redis_a_revocation_holds_within_two_seconds(doors, subject, say):
    env = os.environ | {"DATABASE_URL": database_url()}
    waits = []
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        for _ in range(5):
            assert codes(doors, subject.made.text) == [""] * len(doors)
            print(subject.made.key.pk, file=killed.stdin, flush=True)
            assert killed.stdout.readline().strip() == "-9"
            committed = time.monotonic()
            while codes(doors, subject.made.text) != ["key_revoked"] * len(doors):
                assert time.monotonic() - committed < SOON
            waits.append(time.monotonic() - committed)
            subject.restore("key_revoked")
        killed.stdin.close()
    say(f"killed between commit and Redis: held in all processes after {', '.join(f'{wait:.2f}' for wait in waits)} s")
