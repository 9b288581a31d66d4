"""Decisions of the gateway a second, and what one costs: `python -m benchmarks.gateway`.

Starts everything it needs in a throw-away home: PostgreSQL, Valkey, the gateway as `make run` starts it, and
beside it the usual way, a REST framework view with djangorestframework-api-key, the framework's throttle (its cache in
the same Valkey) and a usage row a request, on granian too. Both decide calls with the keys of 1,000 partners, in turns.
CPU time is that of every process but the load generator: the server with its children, Valkey, PostgreSQL.
"""

import argparse
import http.client
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
sys.path.insert(0, str(ROOT))

WARM_UP = 8.0
"""Seconds of load before anything is measured, so that every process has seen every key."""


@dataclass
class Server:
    """One of the two: where it decides, which keys it knows, how they are sent."""

    name: str
    url: str
    keys: Path
    header: str
    prefix: str
    process: subprocess.Popen


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
    home = Path(tempfile.mkdtemp(prefix="portico-benchmark-"))
    processes: list[subprocess.Popen] = []
    from local import engines

    running = engines.start(home / "engines")
    try:
        env = environment(home, running)
        print(f"Preparing {options.partners:,} partners with a key each on both sides …")
        ours = start_ours(home, env, options, processes)
        peer = start_peer(home, env, running, options, processes)
        engine_pids = [process.pid for process in running.processes]
        print(method(options))
        rounds: dict[str, list[Round]] = {ours.name: [], peer.name: []}
        for server in (ours, peer):
            warm_up(server)
            drive(server, options, WARM_UP)
        for number in range(options.rounds):
            for server in (ours, peer):
                found = measure(server, engine_pids, options)
                rounds[server.name].append(found)
                print(f"  round {number + 1}  {server.name:<34} {line(found)}", flush=True)
        report(rounds[ours.name], rounds[peer.name], ours.name, peer.name)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)
        running.remove()
        shutil.rmtree(home, ignore_errors=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partners", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round and side")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--port", type=int, default=8990, help="the first of the two ports that are used")
    return parser.parse_args()


def environment(home: Path, running) -> dict[str, str]:
    """A whole set of settings, with secrets of this run."""
    return os.environ | {
        "PORTICO_HOME": str(home),
        "PORTICO_MODE": "test",
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTICO_HASH_KEY": secrets.token_urlsafe(32),
        "PORTICO_IDENTITY_KEY": secrets.token_urlsafe(32),
        "PORTICO_LOG_LEVEL": "WARNING",
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "PYTHONPATH": str(ROOT),
    }


def start_ours(home: Path, env: dict[str, str], options: argparse.Namespace, processes: list[subprocess.Popen]) -> Server:
    from local.home import Home
    from local.programs import commands

    keys = home / "keys"
    run([sys.executable, "manage.py", "migrate", "-v0"], env, ROOT)
    run([sys.executable, "-m", "benchmarks.partners", str(options.partners), str(keys)], env, ROOT)
    command = commands(Home.open(home / "engines"), host="127.0.0.1", port=options.port)["gateway"]
    log = (home / "gateway.log").open("wb")
    processes.append(subprocess.Popen([sys.executable, "-m", *command], env=env, cwd=ROOT, stdout=log, stderr=log))
    url = f"http://127.0.0.1:{options.port}/gateway/authorize"
    return ready(Server("Portico's gateway", url, keys, "X-API-Key", "", processes[-1]))


def start_peer(
    home: Path, env: dict[str, str], running, options: argparse.Namespace, processes: list[subprocess.Popen]
) -> Server:
    python = home / "peer" / "bin" / "python"
    run([sys.executable, "-m", "venv", str(home / "peer")], env, HERE)
    run([str(python), "-m", "pip", "install", "-q", "--no-compile", "-r", str(HERE / "requirements.txt")], env, HERE)
    socket = running.redis_url.split("?")[0]
    peer_env = env | {
        "PYTHONPATH": str(HERE),
        "PEER_REDIS_URL": f"{socket}?db=1",
        "DJANGO_SETTINGS_MODULE": "peer.settings",
    }
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE peer")
    keys = home / "peer-keys"
    run([str(python), "-m", "peer.prepare", str(options.partners), str(keys)], peer_env, HERE)
    serve = f"-m granian --interface wsgi --no-ws --blocking-threads 4 --port {options.port + 1} peer.wsgi:application"
    log = (home / "peer.log").open("wb")
    processes.append(subprocess.Popen([str(python), *serve.split()], env=peer_env, cwd=HERE, stdout=log, stderr=log))
    url = f"http://127.0.0.1:{options.port + 1}/authorize"
    return ready(Server("DRF, API key package, throttle, row", url, keys, "Authorization", "Api-Key ", processes[-1]))


def warm_up(server: Server) -> None:
    """Each key once."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.netloc)
    for key in server.keys.read_text().split():
        connection.request("GET", parts.path, headers={server.header: server.prefix + key})
        connection.getresponse().read()
    connection.close()


def ready(server: Server) -> Server:
    """The server, once it admits its first key."""
    key = server.prefix + server.keys.read_text().split()[0]
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(server.url, headers={server.header: key})) as answer:
                assert answer.status == 204
                return server
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def measure(server: Server, engine_pids: list[int], options: argparse.Namespace) -> Round:
    before = cpu_seconds([server.process.pid, *engine_pids])
    found = drive(server, options, options.seconds)
    time.sleep(0.3)  # the last batches of usage
    spent = cpu_seconds([server.process.pid, *engine_pids]) - before
    count = found["requests"]
    return Round(count / found["seconds"], spent / count * 1e6, found["p50_ms"], found["p99_ms"])


def drive(server: Server, options: argparse.Namespace, seconds: float) -> dict[str, float]:
    wrk = shutil.which("wrk")
    rest = [str(server.keys), server.header, server.prefix]
    if wrk:
        shape = f"-t1 -c{options.connections} -d{max(1, round(seconds))}s --timeout 10s"
        command = [wrk, *shape.split(), "-s", str(HERE / "rotate.lua"), server.url, "--", *rest]
    else:
        command = [sys.executable, str(HERE / "load.py"), server.url, str(seconds), str(options.connections), *rest]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(said.split("RESULT ", 1)[1].splitlines()[0])
    if result["refused"] or result["broken"]:
        raise SystemExit(f"{server.name}: {result['refused']} calls refused, {result['broken']} broken: this measures nothing")
    return result


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of these processes and all of their descendants, the ended ones that were waited for included."""
    total = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        times = root.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
        for child in root.children(recursive=True):
            times = child.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def run(command: list[str], env: dict[str, str], folder: Path) -> None:
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def method(options: argparse.Namespace) -> str:
    generator = "wrk, one thread" if shutil.which("wrk") else "benchmarks/load.py, one process"
    load = os.getloadavg()[0]
    return f"""
Method: {generator}, {options.connections} kept-alive connections, {options.seconds:g} s a round,
{options.rounds} rounds of each in turns after {WARM_UP:g} s of warming up, keys of {options.partners:,} partners
one after the other; {psutil.cpu_count()} CPUs, load average {load:.2f} before the start.
CPU µs a decision are user and system time of the server with its children, Valkey and PostgreSQL with its children;
the load generator runs on the same machine and is not counted. Both keep PostgreSQL and Valkey durable. The gateway
also compares versions, counts a month's quota and sends records to usage.
"""


def line(found: Round) -> str:
    return f"{found.rate:>9,.0f} /s  {found.cpu_us:>8,.1f} µs CPU  p50 {found.p50_ms:>7.2f} ms  p99 {found.p99_ms:>7.2f} ms"


def report(ours: list[Round], peer: list[Round], our_name: str, peer_name: str) -> None:
    def median(rounds: list[Round]) -> Round:
        return Round(*(statistics.median(getattr(one, name) for one in rounds) for name in Round.__dataclass_fields__))

    mine, theirs = median(ours), median(peer)
    print(f"\nMedian of the rounds\n  {our_name:<36} {line(mine)}\n  {peer_name:<36} {line(theirs)}")
    print(
        f"\n  {mine.rate / theirs.rate:.0f} times the decisions, {theirs.cpu_us / mine.cpu_us:.0f} times fewer CPU µs a decision."
    )
    print(f"  At least 10,000 decisions/s: {'yes' if mine.rate >= 10_000 else 'NO'}.", end="  ")
    print(f"At least 30 times fewer CPU µs: {'yes' if theirs.cpu_us >= 30 * mine.cpu_us else 'NO'}.")


if __name__ == "__main__":
    main()
