"""What it costs to count calls, beside writing them row by row: `python -m benchmarks.usage`.

In a throw-away home with PostgreSQL and Valkey, calls are put into the gateway's stream as it packs them: of 1,000 partners
with two keys each, a few of which make most of the calls, as partners do; thirty operations, of which a few are most of the
calls; one call in twenty fails; latencies are log-normal; each key has two addresses; 200 calls an entry. Then:

  ours: the worker's loop (`usage.ingest.step`) in one process, until the stream is empty; at once after that, the totals of the
  hours are compared with the number of calls;
  the peer: the same calls by psycopg's `executemany`, 200 at a time: a row for the call in the same table, and one more for its
  hour and its minute, with counters and sums but without a histogram, each `INSERT … ON CONFLICT DO UPDATE`.

Each in rounds that take turns; what is said are medians. CPU time is that of this process and of PostgreSQL; making the calls
isn't counted. Latencies of questions over many calls are not measured here yet.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.gateway import cpu_seconds
from benchmarks.sides import ROOT, environment, run

ENTRY = 200
FACTS = "partner_id, environment, at, credential_id, integration_id, operation, status, code"
CALL = """
    INSERT INTO usage_call (id, at, partner_id, environment, credential_id, operation, method, path, status, code, latency_us,
        bytes_in, bytes_out, address, user_agent, client_request_id, metered)
    VALUES (%(id)s, %(at)s, %(partner)s, 'live', %(credential)s, %(operation)s, 'GET', %(path)s, %(status)s, '', %(latency)s, 100,
        2000, %(address)s, 'curl/8.5', '', true) ON CONFLICT DO NOTHING
"""
ROLLUP = f"""
    INSERT INTO usage_{{span}}rollup AS r (at, partner_id, environment, credential_id, operation, status, code, requests, metered,
        bytes_in, bytes_out, latency_buckets, latency_counts)
    VALUES (date_trunc('{{span}}', %(at)s::timestamptz, 'UTC'), %(partner)s, 'live', %(credential)s, %(operation)s, %(status)s,
        '', 1, 1, 100, 2000, '{{{{}}}}', '{{{{}}}}')
    ON CONFLICT ({FACTS}) DO UPDATE SET requests = r.requests + 1, metered = r.metered + 1, bytes_in = r.bytes_in + 100,
        bytes_out = r.bytes_out + 2000
"""


@dataclass
class Result:
    """Calls a second, and µs of CPU for each."""

    rate: float
    cpu_us: float


class Traffic:
    """Calls with their facts, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.partners = [uuid.UUID(int=self.random.getrandbits(128)) for _ in range(1_000)]
        self.operations = [f"GET /api/partner/v1/things{number}" for number in range(30)]

    def some(self, count: int) -> list[dict[str, Any]]:
        """As the peer takes them, of the last seconds."""
        from core import ids

        now, pick = time.time(), self.random
        calls = []
        for number in range(count):
            place = min(int(pick.paretovariate(0.6)) - 1, 999)
            partner = self.partners[place]
            operation = self.operations[min(int(pick.paretovariate(0.8)) - 1, 29)]
            key = place * 2 + pick.randrange(2)
            calls.append(
                {
                    "id": ids.new(),
                    "at_us": int((now - 10 + 10 * number / count) * 1_000_000),
                    "partner": partner,
                    "credential": uuid.UUID(int=partner.int ^ key),
                    "operation": operation,
                    "path": f"{operation[4:]}/{pick.randrange(10**6)}",
                    "status": 404 if pick.random() < 0.05 else 200,
                    "latency": int(pick.lognormvariate(9.5, 0.8)),
                    "address": f"203.0.113.{key % 120 * 2 + pick.randrange(2)}",
                }
            )
        return calls


def record(call: dict[str, Any]) -> Any:
    """As the gateway tells of it."""
    from usage.records import CallRecord

    return CallRecord(
        call=call["id"].bytes,
        at=call["at_us"],
        partner=call["partner"].bytes,
        environment="live",
        credential=call["credential"].bytes,
        operation=call["operation"],
        target="",
        method="GET",
        path=call["path"],
        status=call["status"],
        code="",
        latency_us=call["latency"],
        bytes_in=100,
        bytes_out=2_000,
        address=call["address"],
        user_agent="curl/8.5",
        client_request_id="",
        metered=True,
    )


def ours(traffic: Traffic, count: int, measured: Callable[[Callable[[], None], int], Result]) -> Result:
    from django.db.models import Sum

    from usage import ingest
    from usage.models import HourRollup
    from usage.records import STREAM, entry

    before = HourRollup.objects.aggregate(n=Sum("requests", default=0))["n"]
    left = count
    while left > 0:
        ingest.client().xadd(STREAM, entry("e" * 32, [record(call) for call in traffic.some(min(ENTRY, left))]))
        left -= ENTRY

    def drain() -> None:
        while ingest.step():
            pass

    result = measured(drain, count)
    counted = HourRollup.objects.aggregate(n=Sum("requests"))["n"] - before
    if counted != count:
        raise SystemExit(f"{count} calls came to {counted} in the hours")
    return result


def peer(traffic: Traffic, count: int, measured: Callable[[Callable[[], None], int], Result]) -> Result:
    from datetime import UTC, datetime

    from django.db import connection, transaction

    calls = traffic.some(count)
    for call in calls:
        call["at"] = datetime.fromtimestamp(call["at_us"] / 1e6, tz=UTC)
        del call["at_us"]

    def drain() -> None:
        with connection.cursor() as cursor:
            for start in range(0, count, ENTRY):
                batch = calls[start : start + ENTRY]
                with transaction.atomic():
                    cursor.executemany(CALL, batch)
                    cursor.executemany(ROLLUP.format(span="hour"), batch)
                    cursor.executemany(ROLLUP.format(span="minute"), batch)

    return measured(drain, count)


def main() -> None:
    options = parsed()
    home = Path(tempfile.mkdtemp(prefix="portico-usage-"))
    from local import engines

    running = engines.start(home / "engines")
    try:
        env = environment(home, running)
        run([sys.executable, "manage.py", "migrate", "-v0"], env, ROOT)
        os.environ.update(env | {"DJANGO_SETTINGS_MODULE": "config.settings"})
        import django

        django.setup()
        compare(options, [psutil.Process(process.pid) for process in running.processes])
    finally:
        running.remove()
        shutil.rmtree(home, ignore_errors=True)


def compare(options: argparse.Namespace, engines: list[psutil.Process]) -> None:
    """Take turns, and say what came of it."""
    from django.db import connection

    from core import partitions

    partitions.maintain()
    traffic = Traffic(options.seed)

    def measured(work: Callable[[], None], count: int) -> Result:
        pids = [os.getpid(), *(process.pid for process in engines)]
        cpu, began = cpu_seconds(pids), time.perf_counter()
        work()
        took = time.perf_counter() - began
        return Result(count / took, (cpu_seconds(pids) - cpu) / count * 1e6)

    found: dict[str, list[Result]] = {"ours": [], "peer": []}
    for number in range(options.rounds):
        found["ours"].append(ours(traffic, options.calls, measured))
        found["peer"].append(peer(traffic, max(options.calls // 20, ENTRY), measured))
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        for name, results in found.items():
            print(
                f"round {number + 1}, {name}: {results[-1].rate:,.0f} calls/s, {results[-1].cpu_us:.1f} µs CPU each", flush=True
            )
    rate = {name: statistics.median(each.rate for each in results) for name, results in found.items()}
    cost = {name: statistics.median(each.cpu_us for each in results) for name, results in found.items()}
    print(f"\n{'':8}{'calls/s':>12}{'µs CPU each':>14}")
    for name in found:
        print(f"{name:8}{rate[name]:>12,.0f}{cost[name]:>14.1f}")
    print(f"\nat least 100,000 calls/s: {said(rate['ours'] >= 100_000)} ({rate['ours']:,.0f})")
    print(f"at least 4 times row by row: {said(rate['ours'] >= 4 * rate['peer'])} ({rate['ours'] / rate['peer']:.1f})")


def said(holds: bool) -> str:
    return "yes" if holds else "NO"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500_000, help="in a round of ours; the peer gets a twentieth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
