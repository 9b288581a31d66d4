"""What a gateway process takes for the keys it knows: `python -m benchmarks.memory --keys 100000`.

Starts engines and one gateway process in a throw-away home, calls with each key of so many partners until all are in memory,
and prints the process's own memory (USS: what would be free if it ended) before and after.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.gateway import drive, hits, lookups
from benchmarks.sides import Side, Stage, answering


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--port", type=int, default=8990)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    from local import engines

    home = Path(tempfile.mkdtemp(prefix="portico-benchmark-"))
    running = engines.start(home / "engines")
    try:
        print(f"Preparing {options.keys:,} partners with a key each …", flush=True)
        stage = Stage(home, running, options.port, options.keys)
    except BaseException:
        running.remove()
        shutil.rmtree(home, ignore_errors=True)
        raise
    try:
        command = [sys.executable, "-m", "gateway", "--port", str(options.port), "--processes", "1"]
        process = psutil.Process(stage.start("gateway", command))
        side = answering(Side("gateway", f"http://127.0.0.1:{options.port}/gateway/authorize", stage.keys, [process.pid]))
        empty = process.memory_full_info().uss
        began, share = time.monotonic(), 0.0
        while share < 0.999:
            before = lookups(stage)
            drive(side, 64, 5.0)
            share = hits(before, lookups(stage))
            print(f"  after {time.monotonic() - began:3.0f} s: {share:.1%} of the look-ups answered from memory", flush=True)
        full = process.memory_full_info().uss
        print(f"\nOne gateway process: {empty / 1e6:,.0f} MB at first, {full / 1e6:,.0f} MB with {options.keys:,} keys,")
        print(f"{(full - empty) / options.keys:,.0f} bytes a key.")
    finally:
        stage.end()


if __name__ == "__main__":
    main()
