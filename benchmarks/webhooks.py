"""What webhooks cost and how late they are, beside a Celery task for each: `python -m benchmarks.webhooks`.

Starts everything it needs in a throw-away home: PostgreSQL, Valkey, the worker as `make run` starts it, and receivers, each
endpoint's at an address of its own: of a hundred ten answer 500 and five never answer. Then, one after the other:

  the soak: events are emitted in transactions, ten in each, at a steady rate; each reaches both endpoints of its partner by way
  of relay, fan-out and courier. How late is a first attempt at a healthy endpoint, from the commit to the arrival of its body?
  a backlog: how many deliveries a second leave when the worker finds many of them due, for healthy endpoints alone?
  the peer: the same with one Celery task for each delivery, that loads endpoint and event by the ORM, signs (HMAC-SHA-256),
  posts with requests and saves a row for the attempt; a worker of so many processes, the same PostgreSQL, Valkey and receivers.

CPU time is that of the worker with its children, PostgreSQL and Valkey, between a tenth and nine tenths of the arrivals; that
of receivers and emitter is not counted, nor what it took to emit or to queue.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.gateway import cpu_seconds
from benchmarks.receivers import host
from benchmarks.sides import ROOT, environment, run

TABLES = ("webhooks_delivery", "webhooks_attempt")
EVENT_TABLES = ("core_event", "core_payload")


@dataclass
class Drain:
    """A backlog on its way out."""

    count: int
    rate: float
    cpu_us: float


@dataclass
class Stage:
    """A throw-away home with engines, and what was started in it."""

    home: Path
    running: object
    options: argparse.Namespace
    processes: list[subprocess.Popen] = field(default_factory=list)

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

    def start(self, name: str, command: list[str], **env: str) -> subprocess.Popen:
        """A program that writes to a log in the home."""
        log = (self.home / f"{name}.log").open("ab")
        self.processes.append(subprocess.Popen(command, env=self.env | env, cwd=ROOT, stdout=log, stderr=log))
        return self.processes[-1]

    def start_worker(self, **env: str) -> subprocess.Popen:
        """As `make run` starts it."""
        from local.home import Home
        from local.programs import commands

        found = commands(Home.open(self.home / "platform"), host="127.0.0.1", port=self.options.port)["worker"]
        return self.start("worker", [sys.executable, "-m", *found], **env)

    def stop(self, process: subprocess.Popen) -> None:
        process.terminate()
        process.wait(timeout=60)
        self.processes.remove(process)

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)
        self.database.close()
        self.running.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def value(self, query: str) -> int:
        return self.database.execute(query).fetchone()[0]

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
    stage = Stage(home, running, options)
    try:
        drain = drained(stage)
        print(drain)
    finally:
        stage.end()


def drained(stage: Stage) -> Drain:
    options = stage.options
    stage.emit("backlog", options.backlog // 2, 0, "healthy")
    relay = stage.start_worker(PORTICO_STREAMS="relay")
    wait_for("the relay", lambda: not stage.value("SELECT count(*) FROM core_event WHERE number IS NULL"))
    stage.stop(relay)
    worker = stage.start_worker()
    found = measured(stage, worker, stage.arrived()[0], options.backlog)
    stage.stop(worker)
    return found


def measured(stage, worker, before: int, count: int) -> Drain:
    def reach(share: float) -> tuple[int, float, float]:
        wait_for("deliveries", lambda: stage.arrived()[0] - before >= count * share, 600)
        arrived, at = stage.arrived()
        return arrived - before, at, cpu_seconds([worker.pid, *stage.engines])

    first, began, spent = reach(0.1)
    last, ended, all_spent = reach(0.9)
    print(last, first, ended - began)
    reach(1)
    return Drain(last - first, (last - first) / (ended - began), (all_spent - spent) / (last - first) * 1e6)


def wait_for(what: str, done, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited too long for {what}")
        time.sleep(0.02)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=400)
    parser.add_argument("--backlog", type=int, default=40_000)
    parser.add_argument("--port", type=int, default=8990)
    return parser.parse_args()


if __name__ == "__main__":
    main()
