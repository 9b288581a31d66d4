"""What webhooks cost and how late they are, beside a Celery task for each: `python -m benchmarks.webhooks`.

Starts everything it needs in a throw-away home: PostgreSQL, Valkey, the worker as `make run` starts it, and receivers, each
endpoint's at an address of its own: of a hundred ten answer 500 and five never answer. Then, one after the other:

  a backlog: how many deliveries a second leave when the worker finds many of them due, for healthy endpoints alone?
  the peer: the same with one Celery task for each delivery, that loads endpoint and event by the ORM, signs (HMAC-SHA-256),
  posts with requests and saves a row for the attempt; a worker of two processes, the same PostgreSQL, Valkey and receivers;
  the soak: events are emitted in transactions, ten in each, at a steady rate; each reaches both endpoints of its partner by way
  of relay, fan-out and courier. How late is a first attempt at a healthy endpoint, from the commit to the arrival of its body?

CPU time is that of the worker with its children, PostgreSQL and Valkey, between a tenth and nine tenths of the arrivals; that
of receivers and emitter is not counted, nor what it took to emit or to queue.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.gateway import cpu_seconds
from benchmarks.receivers import host, kind
from benchmarks.sides import HERE, ROOT, environment, run

PEER_PROCESSES = 2
TABLES = ("webhooks_delivery", "webhooks_attempt", "core_event", "core_payload")
SIZE = "SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%s)) FROM pg_partition_tree(%s)"


@dataclass
class Drain:
    """A backlog on its way out."""

    count: int
    rate: float
    cpu_us: float

    def __str__(self) -> str:
        return f"{self.rate:>7,.0f} /s  {self.cpu_us:>8,.0f} µs CPU each, {self.count:,} of them"


@dataclass
class Soak:
    """How late the first attempts at healthy endpoints were, in seconds, in order; and how many should have come."""

    late: list[float]
    expected: int
    seconds: float

    def within(self, share: float) -> float:
        return self.late[min(len(self.late) - 1, int(len(self.late) * share))]


@dataclass
class Stage:
    """A throw-away home with engines, and what was started in it."""

    home: Path
    running: Any
    options: argparse.Namespace
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engines = [process.pid for process in self.running.processes]
        self.env = environment(self.home, self.running)
        run([sys.executable, "manage.py", "migrate", "-v0"], self.env, ROOT)
        shape = [str(self.options.endpoints), str(self.options.port)]
        run([sys.executable, "-m", "benchmarks.endpoints", *shape], self.env, ROOT)
        self.database = psycopg.connect(self.running.database_url, autocommit=True)
        command = [sys.executable, "-m", "benchmarks.receivers", str(self.home / "arrivals"), *reversed(shape)]
        self.receivers = self.start("receivers", command)
        wait_for("the receivers", lambda: "ready" in (self.home / "receivers.log").read_text())

    def start(self, name: str, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        """A program that writes to a log in the home."""
        log = (self.home / f"{name}.log").open("ab")
        self.processes.append(subprocess.Popen(command, env=self.env | env, cwd=ROOT, stdout=log, stderr=log))
        return self.processes[-1]

    def start_worker(self, **env: str) -> subprocess.Popen[bytes]:
        """As `make run` starts it."""
        from local.home import Home
        from local.programs import commands

        found = commands(Home.open(self.home / "platform"), host="127.0.0.1", port=self.options.port)["worker"]
        return self.start("worker", [sys.executable, "-m", *found], **env)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(timeout=120)
        self.processes.remove(process)

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)
        self.database.close()
        self.running.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def value(self, query: str, *facts: str) -> int:
        return int(self.database.execute(query, facts).fetchone()[0])

    def arrived(self) -> tuple[int, float]:
        """How many deliveries healthy endpoints have got, and when that was."""
        with urllib.request.urlopen(f"http://{host(0)}:{self.options.port}/") as answer:
            count, at = answer.read().split()
        return int(count), float(at)

    def emit(self, name: str, events: int, rate: float, which: str) -> Path:
        file = self.home / name
        command = [sys.executable, "-m", "benchmarks.emitter", str(file), str(events), str(rate), which]
        run(command, self.env, ROOT)
        return file


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped however this ends
    from local import engines

    home = Path(tempfile.mkdtemp(prefix="portico-benchmark-"))
    running = engines.start(home / "engines")
    print(f"Preparing {options.endpoints:,} endpoints …", flush=True)
    stage = Stage(home, running, options)
    try:
        print(method(options), flush=True)
        ours = backlog(stage)
        print(f"  Portico, a backlog        {ours}", flush=True)
        for text in sizes(stage, options.backlog):
            print(f"    {text}", flush=True)
        theirs = peer(stage)
        print(f"  Celery and requests       {theirs}", flush=True)
        late = soak(stage)
        spread = "  ".join(f"p{round(share * 100)} {late.within(share):.2f} s" for share in (0.5, 0.95, 0.99))
        print(f"  the soak                  {len(late.late):,} of {late.expected:,} arrived in {late.seconds:.0f} s  {spread}\n")
        for text, holds in targets(ours, theirs, late):
            print(f"  {'yes' if holds else 'NO':>3}  {text}")
    finally:
        stage.end()


def method(options: argparse.Namespace) -> str:
    return f"""
Method: {options.endpoints:,} endpoints, of which 10 % answer 500 and 5 % never answer; bodies of 1 KB.
A backlog of {options.backlog:,} deliveries to healthy endpoints is drained by one worker as `make run` starts it;
then one of {options.peer_backlog:,} by Celery, prefork, {PEER_PROCESSES} processes.
The soak emits {options.events:,} events at {options.rate:g} a second, ten in a transaction, for two endpoints each.
{psutil.cpu_count()} CPUs, load average {os.getloadavg()[0]:.2f} before the start.
Receivers and emitter run on the same machine; their CPU is not counted. CPU µs are user and system time
of the worker with its children, PostgreSQL and Valkey, from a tenth to nine tenths of the arrivals.
"""


def targets(ours: Drain, theirs: Drain, late: Soak) -> list[tuple[str, bool]]:
    """What is aimed at, with what was found."""
    ratio = theirs.cpu_us / ours.cpu_us
    return [
        (f"at least 4,000 deliveries a second ({ours.rate:,.0f})", ours.rate >= 4_000),
        (f"at least 10 times more a CPU second than a Celery task each with requests ({ratio:.1f})", ratio >= 10),
        (f"healthy endpoints' first attempts: p95 below 1 s ({late.within(0.95):.2f} s)", late.within(0.95) < 1),
        (f"healthy endpoints' first attempts: p99 below 2 s ({late.within(0.99):.2f} s)", late.within(0.99) < 2),
        (f"none lost ({len(late.late):,} of {late.expected:,})", len(late.late) == late.expected),
    ]


def backlog(stage: Stage) -> Drain:
    """The worker drains what it finds: the relay alone has been at it before."""
    stage.emit("backlog", stage.options.backlog // 2, 0, "healthy")
    relay = stage.start_worker(PORTICO_STREAMS="relay")
    wait_for("the relay", lambda: not stage.value("SELECT count(*) FROM core_event WHERE number IS NULL"), 600)
    stage.stop(relay)
    before = stage.arrived()[0]
    worker = stage.start_worker()
    found = measured(stage, worker, before, stage.options.backlog)
    wait_for("the results", lambda: not stage.value("SELECT count(*) FROM webhooks_delivery WHERE status = 'pending'"))
    stage.stop(worker)
    return found


def peer(stage: Stage) -> Drain:
    """The same by a Celery task for each delivery."""
    count, port = stage.options.peer_backlog, stage.options.port
    env = {
        "PYTHONPATH": str(HERE),
        "SENDER_REDIS_URL": f"{stage.running.redis_url.split('?')[0].replace('unix://', 'redis+socket://')}?virtual_host=1",
        "DJANGO_SETTINGS_MODULE": "sender.settings",
    }
    stage.database.execute("CREATE DATABASE sender")
    urls = [f"http://{host(n)}:{port}/hooks/{n}" for n in range(stage.options.endpoints) if kind(n) == "healthy"]
    (stage.home / "urls").write_text("\n".join(urls))
    run([sys.executable, "-m", "sender.prepare", str(count), str(stage.home / "urls")], stage.env | env, HERE)
    before = stage.arrived()[0]
    command = f"-m celery -A sender worker --pool=prefork --concurrency={PEER_PROCESSES} --without-gossip --without-mingle"
    worker = stage.start("sender", [sys.executable, *command.split()], **env)
    found = measured(stage, worker, before, count)
    stage.stop(worker)
    return found


def soak(stage: Stage) -> Soak:
    """Events at a steady rate to all endpoints, those included that fail and hang."""
    options, before = stage.options, stage.arrived()[0]
    healthy = [sum(kind(2 * n + m) == "healthy" for m in (0, 1)) for n in range(options.endpoints // 2)]
    expected = sum(healthy[n % len(healthy)] for n in range(options.events))
    worker = stage.start_worker()
    wait_for("the worker", lambda: "ready" in (stage.home / "worker.log").read_text())
    began = time.monotonic()
    emitted = stage.emit("soak", options.events, options.rate, "all")
    wait_for("the last deliveries", lambda: stage.arrived()[0] - before >= expected, 120)
    seconds = time.monotonic() - began
    stage.stop(stage.receivers)  # which writes the arrivals; and hanging posts end
    stage.stop(worker)
    committed = {message: float(at) for at, message in (line.split() for line in emitted.read_text().splitlines())}
    first: dict[tuple[str, str], float] = {}
    for line in (stage.home / "arrivals").read_text().splitlines():
        at, endpoint, message = line.split()
        if message in committed:
            first.setdefault((message, endpoint), float(at) - committed[message])
    return Soak(sorted(first.values()), expected, seconds)


def sizes(stage: Stage, deliveries: int) -> list[str]:
    """Rows and bytes of what was written, indexes included."""
    found = []
    for table in TABLES:
        rows, size = stage.value(f"SELECT count(*) FROM {table}"), stage.value(SIZE, table, table)
        found.append(f"{table:<18} {rows / deliveries:>5.2f} rows and {size / deliveries:>6,.0f} bytes a delivery")
    return found


def measured(stage: Stage, worker: subprocess.Popen[bytes], before: int, count: int) -> Drain:
    def reach(share: float) -> tuple[int, float, float]:
        wait_for("deliveries", lambda: stage.arrived()[0] - before >= count * share, 600)
        arrived, at = stage.arrived()
        return arrived - before, at, cpu_seconds([worker.pid, *stage.engines])

    first, began, spent = reach(0.1)
    last, ended, all_spent = reach(0.9)
    reach(1)
    return Drain(last - first, (last - first) / (ended - began), (all_spent - spent) / (last - first) * 1e6)


def wait_for(what: str, done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited too long for {what}")
        time.sleep(0.02)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=100_000, help="of the soak")
    parser.add_argument("--rate", type=float, default=400, help="events a second of the soak")
    parser.add_argument("--backlog", type=int, default=40_000, help="deliveries")
    parser.add_argument("--peer-backlog", type=int, default=4_000, help="deliveries of the peer")
    parser.add_argument("--port", type=int, default=8990)
    return parser.parse_args()


if __name__ == "__main__":
    main()
