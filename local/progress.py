"""What a person sees while the platform starts: one line a step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.home import Home


class Steps:
    """Prints to standard output; each line whole and at once, so that it also reads well in a log."""

    def __init__(self) -> None:
        self.began_at = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Print the step's name when it begins (on a terminal) and its time when it is done."""
        began_at = time.monotonic()
        if sys.stdout.isatty():
            print(f"  {name} …", end="\r", flush=True)
        try:
            yield
        except BaseException:
            print(f"  {name:<32} failed", flush=True)
            raise
        print(f"  {name:<32} {time.monotonic() - began_at:6.1f} s", flush=True)

    def say(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def hello(self, base_url: str, demo: dict[str, Any], home: Home) -> None:
        """Addresses, sign-ins and a first call."""
        lines = ["", f"  Portico is running, {time.monotonic() - self.began_at:.1f} s after the start.", ""]
        lines += [
            f"    Portal         {base_url}/",
            f"    Operators      {base_url}/admin/",
            f"    API reference  {base_url}/api/docs",
        ]
        if "operator" in demo:
            lines += ["", "    Sign-ins"]
            width = max(len(demo[who]["email"]) for who in ("operator", "partner", "consumer"))
            lines += [
                f"      {who:<10} {demo[who]['email']:<{width}}  {demo[who]['password']}"
                for who in ("operator", "partner", "consumer")
            ]
            lines += [
                "",
                "    First call",
                f"      curl -X POST {base_url}/api/requests -H 'X-API-Key: {demo['partner']['api_key']}' \\",
            ]
            lines += ['        -H \'Content-Type: application/json\' -d \'{"type":"ONBOARDING","payload":{}}\'']
        lines += [
            "",
            f"    Logs           {home.path / 'logs'}",
            f"    For programs   {home.demo_file}",
            "",
            "  Ctrl-C stops everything and keeps the data.",
            "",
        ]
        print("\n".join(lines), flush=True)
