"""What the gateway costs, beside others: `python -m benchmarks.gateway`.

Starts everything it needs in a throw-away home: PostgreSQL, Valkey, the gateway and Django as `make run` starts them, nginx and
fastify where they are installed, and the usual way in Django: a REST framework view with djangorestframework-api-key, the
framework's throttle (its cache in the same Valkey) and a usage row a request, on granian too. All know the keys of the
same number of partners and are driven in turns. What is measured:

  the gateway decides (`/gateway/authorize`), nginx decides (`limit_req`, and `auth_request` to a server that looks the key up),
  fastify decides (keys in memory, `@fastify/rate-limit` on Redis), the DRF peer decides;
  nginx carries a call of 1 KB to an upstream after it has asked the gateway, or has decided itself;
  the gateway carries calls of 1 KB and of 1 MB to an upstream itself; a DRF view behind the gateway.

CPU time is that of every process but the load generator: servers with their children, the upstream, Valkey, PostgreSQL.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import sides
from benchmarks.sides import CARRIED, CARRIED_MB, DJANGO, FASTIFY, FORWARDED, HERE, NGINX, NGINX_CARRIES, OURS, PEER, Side, Stage

WARM_UP = 8.0
"""Seconds of load before anything is measured, so that every process has seen every key."""
CROWD = 1_000
"""Connections of the round that looks at the slowest answers."""


@dataclass
class Round:
    """What one run of the load generator found."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped however this ends
    from local import engines

    home = Path(tempfile.mkdtemp(prefix="portico-benchmark-"))
    running = engines.start(home / "engines")
    try:
        print(f"Preparing {options.partners:,} partners with a key each on all sides …", flush=True)
        stage = Stage(home, running, options.port, options.partners)
    except BaseException:
        running.remove()
        shutil.rmtree(home, ignore_errors=True)
        raise
    try:
        compared = [side for side in stage.sides() if not options.only or any(word in side.name for word in options.only)]
        print(method(options, stage))
        for side in compared:
            sides.call_with_each_key(side)
            drive(side, options.connections, WARM_UP)
        before = lookups(stage)
        rounds = {side.name: [] for side in compared}
        for number in range(options.rounds):
            for side in compared:
                found = measure(side, options.connections, options.seconds)
                rounds[side.name].append(found)
                print(f"  round {number + 1}  {side.name:<34} {line(found)}", flush=True)
        crowds = {}
        for side in compared:
            if side.name in {OURS, FORWARDED, CARRIED}:
                crowds[side.name] = measure(side, CROWD, options.seconds)
                print(f"  {CROWD:,} connections  {side.name:<26} {line(crowds[side.name])}", flush=True)
        report({name: median(found) for name, found in rounds.items()}, crowds, hits(before, lookups(stage)))
    finally:
        stage.end()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partners", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each round and side")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--port", type=int, default=8990, help="the first of the six ports that are used")
    parser.add_argument("--only", action="append", help="only sides with this in their name; may be given again")
    return parser.parse_args()


def measure(side: Side, connections: int, seconds: float) -> Round:
    before = cpu_seconds(side.pids)
    found = drive(side, connections, seconds)
    time.sleep(0.3)  # the last batches of usage
    spent = cpu_seconds(side.pids) - before
    count = found["requests"]
    return Round(count / found["seconds"], spent / count * 1e6, found["p50_ms"], found["p99_ms"])


def drive(side: Side, connections: int, seconds: float) -> dict[str, float]:
    wrk = shutil.which("wrk")
    rest = [str(side.keys), side.header, side.prefix]
    if wrk:
        shape = f"-t1 -c{connections} -d{max(1, round(seconds))}s --timeout 10s"
        command = [wrk, *shape.split(), "-s", str(HERE / "rotate.lua"), side.url, "--", *rest]
    else:
        command = [sys.executable, str(HERE / "load.py"), side.url, str(seconds), str(connections), *rest]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(said.split("RESULT ", 1)[1].splitlines()[0])
    if result["refused"] or result["broken"]:
        raise SystemExit(f"{side.name}: {result['refused']} calls refused, {result['broken']} broken: this measures nothing")
    return result


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of these processes and all of their descendants, the ended ones that were waited for included."""
    total = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for one in (root, *root.children(recursive=True)):
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:  # ended since it was listed
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def lookups(stage: Stage) -> dict[str, float]:
    """How often the gateway has looked for a credential, by how it was found."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stage.port}/gateway/metrics") as answer:
        told = answer.read().decode()
    found: dict[str, float] = {}
    for outcome, count in re.findall(r'credential_lookups_total\{[^}]*result="(\w+)"[^}]*\} (\S+)', told):
        found[outcome] = found.get(outcome, 0.0) + float(count)
    return found


def hits(before: dict[str, float], after: dict[str, float]) -> float:
    """The share of look-ups in between that memory answered."""
    grown = {outcome: count - before.get(outcome, 0.0) for outcome, count in after.items()}
    return grown.get("hit", 0) / sum(grown.values())


def median(rounds: list[Round]) -> Round:
    return Round(*(statistics.median(getattr(one, name) for one in rounds) for name in Round.__dataclass_fields__))


def method(options: argparse.Namespace, stage: Stage) -> str:
    generator = "wrk, one thread" if shutil.which("wrk") else "benchmarks/load.py, one process"
    left_out = f"\nLeft out, because it isn't installed: {'; '.join(stage.left_out)}." if stage.left_out else ""
    return f"""
Method: {generator}, {options.connections} kept-alive connections, {options.seconds:g} s a round,
{options.rounds} rounds of each in turns after {WARM_UP:g} s of warming up, keys of {options.partners:,} partners
one after the other; {psutil.cpu_count()} CPUs, load average {os.getloadavg()[0]:.2f} before the start.
CPU µs a call are user and system time of the server with its children, Valkey and PostgreSQL with its children, and of nginx
where it takes part, as proxy or upstream; the load generator runs on the same machine and is not counted. PostgreSQL and
Valkey are durable. The gateway also compares versions, counts a month's quota and sends records to usage.{left_out}
"""


def line(found: Round) -> str:
    return f"{found.rate:>9,.0f} /s  {found.cpu_us:>8,.1f} µs CPU  p50 {found.p50_ms:>7.2f} ms  p99 {found.p99_ms:>7.2f} ms"


def report(medians: dict[str, Round], crowds: dict[str, Round], hit_share: float) -> None:
    print("\nMedians of the rounds")
    for name, found in medians.items():
        print(f"  {name:<34} {line(found)}")
    if large := medians.get(CARRIED_MB):
        print(f"  Bodies of 1 MB: {large.rate * 1.048576:,.0f} MB/s, {large.cpu_us / 1e3:.2f} ms CPU each.")
    print(f"  Credentials found in memory: {hit_share:.2%} of the look-ups while it was measured.\n")
    for text, holds in targets(medians, crowds, hit_share):
        print(f"  {'yes' if holds else 'NO':>3}  {text}")


def targets(medians: dict[str, Round], crowds: dict[str, Round], hit_share: float) -> list[tuple[str, bool]]:
    """What is aimed at, with what was found, for the sides that ran."""
    found: list[tuple[str, bool]] = []

    def rate(name: str, least: int) -> None:
        if name in medians:
            found.append((f"{name}: at least {least:,} a second ({medians[name].rate:,.0f})", medians[name].rate >= least))

    def cost(name: str, most: float, other: str) -> None:
        if name in medians and other in medians:
            ratio = medians[name].cpu_us / medians[other].cpu_us
            found.append((f"{name}: at most {most:g} times the CPU of “{other}” ({ratio:.2f})", ratio <= most))

    def saving(name: str, least: float) -> None:
        if name in medians and PEER in medians:
            ratio = medians[PEER].cpu_us / medians[name].cpu_us
            found.append((f"{name}: at least {least:g} times less CPU than “{PEER}” ({ratio:.1f})", ratio >= least))

    rate(OURS, 10_000)
    rate(OURS, 15_000)
    cost(OURS, 1.5, NGINX)
    cost(OURS, 1, FASTIFY)
    saving(OURS, 30)
    saving(OURS, 40)
    rate(FORWARDED, 10_000)
    cost(FORWARDED, 2.5, NGINX_CARRIES)
    rate(CARRIED, 5_000)
    saving(DJANGO, 5)
    for name, crowd in crowds.items():
        found.append((f"{name}: p99 below 200 ms at {CROWD:,} connections ({crowd.p99_ms:.0f} ms)", crowd.p99_ms < 200))
    found.append((f"more than 99 % of credentials found in memory ({hit_share:.2%})", hit_share > 0.99))
    return found


if __name__ == "__main__":
    main()
