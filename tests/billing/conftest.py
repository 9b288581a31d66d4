"""A seller with a paid integration, a consumer that installed it, and their calls as the gateway counted them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from core import clock
from core.actors import Actor

OPERATOR = Actor("operator", label="op@portico.example")
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def november():
    """It is the middle of a day in November 2026, whenever the tests run."""
    clock.reset()
    clock.tick(NOW - clock.now())
    yield
    clock.reset()


def make_partner(name: str, **tier: Any) -> Any:
    from partners import partners
    from partners.models import Partner, Tier

    made = partners.create(name=name, by=OPERATOR, active=True)
    Partner.objects.filter(pk=made.pk).update(activated_at=datetime(2026, 1, 1, tzinfo=UTC))
    if tier:
        rank = Tier.objects.count() + 100
        own = Tier.objects.create(slug=f"tier-{rank}", name=f"Tier {rank}", rank=rank, **{"price_minor": 0, **tier})
        Partner.objects.filter(pk=made.pk).update(tier=own)
    return Partner.objects.select_related("tier").get(pk=made.pk)


def make_integration(seller: Any, price: str, currency: str = "USD", slug: str = "weather") -> Any:
    from marketplace.models import Integration, Version

    terms = {"pricing": "per_call", "price": Decimal(price), "currency": currency} if Decimal(price) else {}
    integration = Integration.objects.create(
        partner=seller,
        environment="live",
        slug=slug,
        name=slug.title(),
        upstream_url="https://up.example",
        signing_secret="s",
        **terms,
    )
    version = Version.objects.create(integration=integration, number="1.0.0", upstream_url="https://up.example", **terms)
    Integration.objects.filter(pk=integration.pk).update(status="published", current=version, published_at=clock.now())
    integration.refresh_from_db()
    return integration


def install(consumer: Any, integration: Any, at: datetime = datetime(2026, 9, 1, tzinfo=UTC), price: str | None = None) -> Any:
    from marketplace.models import Installation

    Installation.objects.filter(partner=consumer, integration=integration, status="installed").update(
        status="uninstalled", uninstalled_at=at
    )
    return Installation.objects.create(
        partner=consumer,
        environment="live",
        integration=integration,
        version=integration.current,
        price=Decimal(price) if price is not None else integration.price,
        currency=integration.currency,
        installed_at=at,
    )


def count(
    partner: Any,
    calls: int,
    at: datetime = OCTOBER,
    integration: Any = None,
    environment: str = "live",
    bytes_out: int = 0,
    status: int = 200,
) -> None:
    """So many metered calls in the hour of `at`, as ingestion leaves them."""
    from django.db.models import F

    from usage.models import HourRollup

    facts = {
        "partner_id": partner.pk,
        "environment": environment,
        "at": at.replace(minute=0, second=0, microsecond=0),
        "credential_id": None,
        "integration_id": getattr(integration, "pk", None),
        "operation": "GET /x",
        "status": status,
        "code": "",
    }
    row, made = HourRollup.objects.get_or_create(
        **facts,
        defaults={
            "requests": calls,
            "metered": calls,
            "bytes_in": 0,
            "bytes_out": bytes_out,
            "latency_buckets": [],
            "latency_counts": [],
        },
    )
    if not made:
        HourRollup.objects.filter(pk=row.pk).update(metered=F("metered") + calls, bytes_out=F("bytes_out") + bytes_out)


@pytest.fixture
def acme(db):
    """Consumes; its tier charges every call of its own at the usage price."""
    from datetime import timedelta

    from billing.models import Price

    Price.objects.all().delete()
    Price.objects.create(
        meter="api_calls",
        name="API calls",
        unit_amount=Decimal("0.01"),
        valid_from=OCTOBER - timedelta(days=900),
        model="per_unit",
    )
    return make_partner("Acme", monthly_quota=0, over_quota="charge")


@pytest.fixture
def globex(db):
    """Sells; the platform keeps 15%."""
    return make_partner("Globex", marketplace_fee=Decimal("0.15"), monthly_quota=1000, over_quota="stop")


@pytest.fixture
def weather(acme, globex):
    """An integration of Globex at $0.05 a call, installed by Acme."""
    integration = make_integration(globex, "0.05")
    install(acme, integration)
    return integration


@pytest.fixture
def account(globex):
    """Globex can be paid."""
    from billing import payouts

    return payouts.set_account(
        partner=globex,
        environment="live",
        holder="Globex GmbH",
        account_number="DE89 3704 0044 0532 0130 00",
        bank_code="COBADEFFXXX",
        country="DE",
        by=OPERATOR,
    )


@pytest.fixture
def invoice(acme, globex, weather):
    """October: 1,000 calls of Weather for $50.00 and 200 of the platform's own for $2.00."""
    count(acme, 1000, integration=weather)
    count(acme, 200)
    [made] = close(OCTOBER, acme)
    return made


def close(month: datetime, partner: Any = None, as_of: datetime | None = None) -> list[Any]:
    from billing import closing

    return closing.close(month=month.date(), partner=partner, as_of=as_of, by=OPERATOR).invoices


def assert_ledger_balances() -> None:
    from billing import reconciliation

    report = reconciliation.check()
    assert report.balanced, report.differences
    assert report.transactions > 0


def together(times: int, work: Callable[..., Any], *, numbered: bool = False) -> None:
    """Run `work` in so many threads at once, each with a connection of its own."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(times)

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number) if numbered else work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


@pytest.fixture
def api(client):
    """Call Django as the gateway does, as an operator, or as a partner's key."""
    import json
    import time

    from django.conf import settings

    from core import ids
    from core.identity import Identity, sign

    client.raise_request_exception = False

    def send(
        method: str, path: str, body: Any = None, *, partner: Any = None, environment: str = "live", scopes=("*",), **headers
    ):
        facts: dict[str, Any] = {"kind": "operator"} if partner is None else {"kind": "key", "partner": partner.pk.hex}
        identity = Identity(
            call_id=ids.new().hex,
            method=method,
            path=path.partition("?")[0],
            at=int(time.time()),
            credential=ids.new().hex,
            environment=environment,
            scopes=tuple(scopes),
            **facts,
        )
        signed = sign(identity, settings.IDENTITY_KEY.encode())
        raw = json.dumps(body) if body is not None else ""
        return client.generic(method, path, raw, content_type="application/json", headers={"Portico-Identity": signed, **headers})

    return send
