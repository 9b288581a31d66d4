"""How fast the operators' console answers with 100,000 partners and 1,000,000 events: `python -m benchmarks.console`.

Fills the tables of a throw-away home (`benchmarks.rows`), starts Django as `make run` starts it, and asks each page over HTTP as
a superuser does. Prints milliseconds from request to last byte, of CPU in Django and in SQL, and the plan of the slowest query.
"""

import argparse
import http.client
import os
import platform
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.gateway import cpu_seconds
from benchmarks.sides import ROOT, environment, run

PAGES = (
    ("partners", "/admin/partners/partner/"),
    ("… the last page", "/admin/partners/partner/?p={last}"),
    ("… its timeline", "/admin/partners/partner/{partner}/timeline"),
    ("… its deliveries", "/admin/partners/partner/{partner}/timeline?kind=deliveries"),
    ("… beyond it", "/admin/partners/partner/?id__lt={partner}&p={last}"),
    ("… suspended", "/admin/partners/partner/?status__exact=suspended"),
    ("… of a type", "/admin/partners/partner/?type__exact=enterprise"),
    ("… of a tier", "/admin/partners/partner/?tier__id__exact={tier}"),
    ("… deleted", "/admin/partners/partner/?deleted_at__isempty=0"),
    ("… by name", "/admin/partners/partner/?o=1"),
    ("… by name, the last page", "/admin/partners/partner/?o=1&p={last}"),
    ("… search: one name", "/admin/partners/partner/?q=globex+777"),
    ("… search: a word in every twelfth", "/admin/partners/partner/?q=acme"),
    ("… search: two letters", "/admin/partners/partner/?q=ac"),
    ("… search: nothing like it", "/admin/partners/partner/?q=qqqqqq"),
    ("… search: a person's address", "/admin/partners/partner/?q=person4321@"),
    ("… suspended, search", "/admin/partners/partner/?status__exact=suspended&q=acme"),
    ("a partner: its page", "/admin/partners/partner/{partner}/change/"),
    ("people", "/admin/core/user/"),
    ("… operators", "/admin/core/user/?is_staff__exact=1"),
    ("… search", "/admin/core/user/?q=company777"),
    ("members", "/admin/partners/member/"),
    ("… owners", "/admin/partners/member/?role__exact=owner"),
    ("reviews", "/admin/partners/review/"),
    ("… that wait", "/admin/partners/review/?decision__exact=waiting"),
    ("… search: a partner", "/admin/partners/review/?q=initech+4"),
    ("tier requests that wait", "/admin/partners/tierrequest/?status__exact=waiting"),
    ("documents", "/admin/partners/document/"),
    ("… to check", "/admin/partners/document/?state__exact=waiting"),
    ("… search: a partner", "/admin/partners/document/?q=initech+4"),
    ("keys", "/admin/apikeys/key/"),
    ("… revoked", "/admin/apikeys/key/?status__exact=revoked"),
    ("… search", "/admin/apikeys/key/?q=service+4711"),
    ("… search: a partner", "/admin/apikeys/key/?q=initech+4"),
    ("events", "/admin/core/event/"),
    ("… the last page", "/admin/core/event/?p={last}"),
    ("… of a kind", "/admin/core/event/?family=payout"),
    ("… by operators", "/admin/core/event/?actor=operator"),
    ("… in test", "/admin/core/event/?environment__exact=test"),
    ("… of a day", "/admin/core/event/?created_at_from=2023-11-20&created_at_to=2023-11-20"),
    ("… search: an object", "/admin/core/event/?q=key_4711"),
    ("… search: an address", "/admin/core/event/?q=10.1.7.1"),
    ("… search: a doer", "/admin/core/event/?q=Person+471"),
    ("… search: a partner", "/admin/core/event/?q={partner_id}"),
    ("deliveries", "/admin/webhooks/delivery/"),
    ("… the last page", "/admin/webhooks/delivery/?p={last}"),
    ("… failed", "/admin/webhooks/delivery/?status__exact=failed"),
    ("… in test", "/admin/webhooks/delivery/?environment__exact=test"),
    ("… of a day", "/admin/webhooks/delivery/?created_at_from=2023-11-20&created_at_to=2023-11-20"),
    ("… of a partner", "/admin/webhooks/delivery/?of=partner-77"),
    ("… of a partner, failed, live", "/admin/webhooks/delivery/?of=partner-77&status__exact=failed&environment__exact=live"),
    ("… search: an endpoint", "/admin/webhooks/delivery/?q=hooks4711"),
    ("… search: a partner", "/admin/webhooks/delivery/?q=initech+4"),
    ("endpoints, disabled", "/admin/webhooks/endpoint/?status__exact=disabled"),
    ("calls", "/admin/usage/call/"),
    ("… the last page", "/admin/usage/call/?p={last}"),
    ("… refused", "/admin/usage/call/?answer=refused"),
    ("… failed on our side", "/admin/usage/call/?answer=broken"),
    ("… in test", "/admin/usage/call/?environment__exact=test"),
    ("… of a day", "/admin/usage/call/?at_from=2023-11-20&at_to=2023-11-20"),
    ("… of a partner", "/admin/usage/call/?of={partner_id}"),
    ("requests, failed", "/admin/requests/request/?status__exact=FAILED"),
    ("hours of calls", "/admin/usage/hourrollup/"),
    ("first page", "/admin/"),
    ("showcase, of a country", "/partners?country=DE"),
)
GOAL = 100.0


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped however this ends
    home = Path(tempfile.mkdtemp(prefix="portico-benchmark-"))
    from local import engines

    running = engines.start(home / "engines", durable=False)
    web = None
    try:
        env = environment(home, running)
        os.environ |= env
        run([sys.executable, "manage.py", "migrate", "-v0"], env, ROOT)
        names, cookie = prepare(options)
        serve = f"-m granian --interface wsgi --no-ws --blocking-threads 4 --port {options.port} config.wsgi:application"
        log = (home / "web.log").open("wb")
        web = subprocess.Popen([sys.executable, *serve.split()], env=env, cwd=ROOT, stdout=log, stderr=log)
        report(options, [(name, path.format(**names)) for name, path in PAGES], cookie, web.pid)
    finally:
        if web is not None:
            web.terminate()
            web.wait(timeout=20)
        from django.db import connection

        connection.close()
        running.remove()
        shutil.rmtree(home, ignore_errors=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partners", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--tries", type=int, default=15, help="requests of each page")
    parser.add_argument("--port", type=int, default=8990)
    parser.add_argument("--plans", action="store_true", help="print every node of the plans")
    return parser.parse_args()


def prepare(options: argparse.Namespace) -> tuple[dict[str, str], str]:
    """Fill the tables and sign an operator in: names to put into paths, and the session's cookie."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from benchmarks import rows
    from core.models import User
    from partners.models import Partner

    began_at = time.monotonic()
    rows.fill(partners=options.partners, events=options.events)
    print(f"Filled in {time.monotonic() - began_at:.0f} s: {options.partners:,} partners, {options.events:,} events.", flush=True)
    client = Client()
    client.force_login(User.objects.create_superuser("root@portico.example", secrets.token_urlsafe(12)))
    partner = Partner.objects.order_by("-id")[options.partners // 2]
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    names = {"partner": str(partner.pk), "partner_id": partner.public_id, "tier": str(partner.tier_id)}
    return names | {"last": str(last_page(options.partners // 2))}, cookie


def last_page(rows: int) -> int:
    """The last that a list of so many rows leads to."""
    from core.console_lists import MOST_ROWS, ConsoleList

    return max(1, min(rows, MOST_ROWS) // ConsoleList.list_per_page)


def report(options: argparse.Namespace, pages: list[tuple[str, str]], cookie: str, web: int) -> None:
    from django.conf import settings
    from django.test import Client

    from benchmarks import plans

    client = Client(headers={"cookie": cookie})
    client.cookies.load(cookie)
    connection = http.client.HTTPConnection("127.0.0.1", options.port, timeout=60)
    ask(connection, "/healthz", cookie)
    print(method(options, settings.VERSION))
    print(f"{'page':<36}{'median':>8}{'slowest':>9}{'CPU':>8}{'idle':>7}{'queries':>9}{'in SQL':>8}  slowest query")
    slow_lists: list[str] = []
    slow_forms: list[str] = []
    for name, path in pages:
        times, spent, idle = measured(connection, path, cookie, web, options.tries)
        found = plans.of_page(client, path)
        worst = max(found, key=lambda plan: plan.milliseconds)
        median = statistics.median(times)
        if median >= GOAL:
            (slow_forms if path.endswith("/change/") else slow_lists).append(path)
        print(
            f"{name:<36}{median:>8.1f}{max(times):>9.1f}{spent:>8.1f}{idle:>6.0f}%{len(found):>9}"
            f"{sum(plan.milliseconds for plan in found):>8.1f}  {worst.milliseconds:.1f} ms {leaf(worst.nodes)}",
            flush=True,
        )
        if options.plans:
            print(*(f"    {node}" for plan in found for node in plan.nodes if plan.milliseconds > 1), sep="\n")
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.2f}.")
    print(f"Every list under {GOAL:.0f} ms: {'yes' if not slow_lists else 'NO: ' + ', '.join(slow_lists)}.")
    print(f"Every form under {GOAL:.0f} ms: {'yes' if not slow_forms else 'NO: ' + ', '.join(slow_forms)}.")


def method(options: argparse.Namespace, version: str) -> str:
    load, tick = os.getloadavg()[0], 10 / options.tries
    return f"""
Method: Portico {version} with {options.partners:,} partners and {options.events:,} events; {os.cpu_count()} cores, load average
{load:.2f}, Python {platform.python_version()}. One web process (granian, 4 threads) and PostgreSQL share them with what asks.
An operator with all rights asks each page {options.tries} times over HTTP, one request after the other, after 3 to warm up.
`median` and `slowest` are milliseconds from the request to the last byte; `CPU` is what the web process used for one
(precise to {tick:.1f} ms: its clock ticks every 10); `idle` is the share of all cores' time that nobody used meanwhile,
which tells how much others disturbed. `in SQL` is what EXPLAIN ANALYZE says of the page's `queries`, planning and
execution together; then the slowest of them, with the node that reads its table.
"""


def measured(
    connection: http.client.HTTPConnection, path: str, cookie: str, web: int, tries: int
) -> tuple[list[float], float, float]:
    """Milliseconds of each request, milliseconds of CPU of one, percent of the machine that were idle."""
    for _ in range(3):
        ask(connection, path, cookie)
    psutil.cpu_percent()
    spent = cpu_seconds([web])
    times = [ask(connection, path, cookie) for _ in range(tries)]
    return times, (cpu_seconds([web]) - spent) / tries * 1_000, 100 - psutil.cpu_percent()


def leaf(nodes: list[str]) -> str:
    return next((node for node in reversed(nodes) if "Scan" in node), nodes[0])


def ask(connection: http.client.HTTPConnection, path: str, cookie: str) -> float:
    """Milliseconds until the whole page is there; a server that is still starting is waited for."""
    for attempt in range(300):
        try:
            began_at = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": cookie, "Host": "127.0.0.1"})
            answer = connection.getresponse()
            answer.read()
            took = (time.perf_counter() - began_at) * 1_000
        except ConnectionError:
            connection.close()
            if attempt == 299:
                raise
            time.sleep(0.2)
            continue
        assert answer.status == 200, f"{path}: {answer.status} {answer.headers.get('Location', '')}"
        return took
    raise AssertionError


if __name__ == "__main__":
    main()
