"""The story: a partner comes in, calls the API, is told by webhook, is billed; the seller it bought from is paid.

It drives a running platform from outside, by HTTP, as persons with browsers and programs with keys do; only the mail is
read from where a demo keeps it. Each step says what happened and how long it took; what goes wrong says what, why, and
what to look at next. Names are new each time, so that it can be told again and again.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from local.sink import Sink
from local.telling import Facts, Step, tell
from local.upstream import Upstream
from local.visitor import Answer, Person, Program, Refused, until
from portal import outbox

PASSWORD_LENGTH = 18
CALLS = 3
PRICE = Decimal("20.00")
SCOPES = [
    "partner:read",
    "requests:read",
    "requests:write",
    "webhooks:read",
    "webhooks:write",
    "usage:read",
    "marketplace:read",
    "marketplace:write",
    "billing:read",
]
PATIENCE = 60.0


@dataclass
class Story:
    """Told by `tell`. `home` is the platform's; `say` is called with each line; `before` with each step's title."""

    home: Path
    say: Callable[[str], None] = print
    before: Callable[[str], None] = lambda title: None
    facts: Facts = field(default_factory=Facts)

    def tell(self) -> Facts:
        """All of it. Raises Failed."""
        demo = json.loads((self.home / "demo.json").read_text())
        base = demo["base_url"]
        self.demo, self.mark = demo, secrets.token_hex(3)
        self.email, self.password = f"ada-{self.mark}@newcomer.example", secrets.token_urlsafe(PASSWORD_LENGTH)
        self.anyone = Program(base)
        self.newcomer, self.operator = Person(base), Person(base)
        self.office = Program(base, token=demo["operator"]["token"])
        self.seller = Program(base, key=demo["partner"]["api_key"])
        with ExitStack() as stack:
            self.sink = stack.enter_context(Sink())
            self.upstream = stack.enter_context(Upstream())
            tell(steps(self), say=self.say, before=self.before)
        return self.facts

    # --- coming in ---------------------------------------------------------------------------------------------------
    def register(self) -> str:
        body = {"email": self.email, "password": self.password, "company_name": f"Newcomer {self.mark}", "type": "technology"}
        self.anyone.post("/api/partner/v1/register", body).expect(202)
        return self.email

    def confirm(self) -> str:
        link = re.compile(r"https?://\S+/accounts/verify/\S+")

        def found() -> str | None:
            mails = (mail for file in (self.home / "mail").glob("*.log") for mail in outbox.messages(file))
            texts = (mail.text for mail in mails if self.email in mail.recipient)
            return next((match.group() for text in texts if (match := link.search(text))), None)

        address = until(found, seconds=PATIENCE, what=f"A mail to {self.email} with a link", hint="Does the worker run?")
        page = self.newcomer.open(address)
        if page.status == 200:
            self.newcomer.submit(page)
        return "by the link in the mail"

    def sign_in(self) -> str:
        self._sign_in(self.newcomer, self.email, self.password)
        page = self.newcomer.open("/p/").expect(200)
        match = re.search(r"/p/([a-z0-9-]+)/", page.url) or re.search(rf'href="/p/(newcomer-{self.mark}[a-z0-9-]*)/', page.text)
        if match is None:
            raise Refused(f"{page.url} shows no partner of {self.email}")
        self.facts.slug = match.group(1)
        return f"to /p/{self.facts.slug}/"

    def onboard(self) -> str:
        answers: dict[str, dict[str, str | list[str]]] = {
            "basic-info": {"contact_name": "Ada Newcomer", "contact_email": self.email, "website": "https://newcomer.example"},
            "business-details": {
                "legal_name": f"Newcomer {self.mark} Inc.",
                "street": "3 Side Street",
                "city": "Springfield",
                "country": "US",
            },
            "api-setup": {"use_case": "Checks addresses before parcels are sent."},
        }
        for name, values in answers.items():
            page = self.newcomer.open(f"/p/{self.facts.slug}/onboarding/{name}").expect(200)
            self.newcomer.submit(page, values, having=next(iter(values))).expect(200)
        address = f"/p/{self.facts.slug}/onboarding/activation"
        page = self.newcomer.open(address).expect(200)
        if "Submit for review" in page.text:
            self.newcomer.submit(page).expect(200)
        waiting = self._partner()
        if waiting["status"] != "pending":
            raise Refused(f"the partner is {waiting['status']}, not pending")
        self.facts.partner_id = waiting["id"]
        return f"{len(answers)} steps filled in and submitted"

    def approve(self) -> str:
        who = self.demo["operator"]
        self._sign_in(self.operator, who["email"], who["password"])
        page = self.operator.open(f"/admin/partners/partner/?q={self.facts.slug}").expect(200)
        chosen = re.search(r'name="_selected_action" value="([^"]+)"', page.text)
        action = re.search(r'<option value="(approve[a-z_]*)"', page.text)
        if chosen is None or action is None:
            raise Refused(f"{page.url} offers no partner {self.facts.slug} with an action to approve it")
        values = {"action": action.group(1), "_selected_action": chosen.group(1), "index": "0"}
        asked = self.operator.submit(page, values, having="action").expect(200)
        looked_at = re.findall(r'name="checklist" value="([^"]+)"', asked.text)
        page = self.operator.submit(asked, {"checklist": looked_at}, having="_sure").expect(200)
        until(lambda: self._partner()["status"] == "active", seconds=5, what="The approval", hint=_said(page))
        return f"{self.facts.slug} is active"

    def create_key(self) -> str:
        page = self.newcomer.open(f"/p/{self.facts.slug}/keys/new").expect(200)
        shown = self.newcomer.submit(page, {"name": "Back end", "scopes": SCOPES}, having="ip_allowlist").expect(200)
        match = re.search(r"pk_live_[0-9A-Za-z]{49}", shown.text)
        if match is None:
            raise Refused(f"{shown.url} shows no live key")
        self.facts.key = match.group()
        self.client = Program(self.anyone.base_url, key=self.facts.key)
        health = self.client.get("/api/partner/v1/health").expect(200)
        if health["partner"] != self.facts.partner_id:
            raise Refused(f"the key belongs to {health['partner']}, not to {self.facts.partner_id}")
        return f"{self.facts.key[:8]}…{self.facts.key[-4:]}, shown once"

    # --- calling -----------------------------------------------------------------------------------------------------
    def subscribe(self) -> str:
        made = self.client.post("/api/partner/v1/webhooks", {"url": f"{self.sink.url}/hooks", "event_types": ["request.*"]})
        self.sink.secret = made.expect(201)["secret"]
        return f"{self.sink.url}/hooks wants request.*"

    def call(self) -> str:
        made = self.client.post("/api/requests", {"type": "ONBOARDING", "payload": {"from": "story"}}, once=f"story-{self.mark}")
        self.facts.requests.append(made.expect(201)["requestId"])
        self.facts.calls.append(made.headers["x-request-id"])
        return f"{made['requestId']} is {made['status']}"

    def work(self) -> str:
        address = f"/api/requests/{self.facts.requests[0]}"

        def finished() -> Answer | None:
            found = self.client.get(address).expect(200)
            return found if found["status"] in {"COMPLETED", "FAILED"} else None

        found = until(
            finished, seconds=PATIENCE, what="The work on the request", hint="logs/worker.log says what the worker does."
        )
        if found["status"] != "COMPLETED":
            raise Refused(f"the request failed: {found['error']}")
        return f"COMPLETED at attempt {found['attempts']}: {json.dumps(found['result'])[:90]}"

    def be_told(self) -> str:
        told = self.sink.wait_for("request.completed", timeout=PATIENCE)
        if not told["verified"]:
            raise Refused("the signature of the delivery is not the one that the secret makes")
        if told["body"]["data"]["request_id"] != self.facts.requests[0]:
            raise Refused(f"the delivery is about {told['body']['data']['request_id']}")
        return f"{told['id']} with a valid signature"

    def count(self) -> str:
        """A call that a process carried when it was killed may be unknown to usage; then another one is made."""
        for _attempt in range(3):
            call_id = self.facts.calls[-1]
            address = f"/api/partner/v1/usage/requests/{call_id}"
            try:
                until(partial(self._is_there, address), seconds=15, what=f"The record of {call_id}")
            except Refused:
                self.facts.calls.append(self.client.get("/api/requests").expect(200).headers["x-request-id"])
                continue
            found = self.client.get("/api/partner/v1/usage/summary").expect(200)
            return f"{found['requests']} calls this month, {call_id} among them"
        raise Refused("none of three calls came to be shown")

    # --- buying ------------------------------------------------------------------------------------------------------
    def publish(self) -> str:
        slug = f"addresses-{self.mark}"
        body = {
            "slug": slug,
            "name": f"Addresses {self.mark}",
            "summary": "Says whether an address exists.",
            "upstream_url": self.upstream.url,
            "price_per_call": {"amount": str(PRICE), "currency": "USD"},
        }
        made = self.seller.post("/api/partner/v1/integrations", body).expect(201)
        address = f"integrations/{made['id']}"
        self.facts.integration_id = made["id"]
        self._step(self.seller, f"/api/partner/v1/{address}", "submit", "in_review")
        self._step(self.office, f"/api/operator/v1/{address}", "approve", "approved")
        self._step(self.seller, f"/api/partner/v1/{address}", "publish", "published")
        self.slug = slug
        return f"{slug} by {self.demo['partner']['slug']}, {PRICE} USD a call, approved by an operator"

    def install(self) -> str:
        made = self.client.post(f"/api/partner/v1/marketplace/integrations/{self.slug}/install", {"scopes": []})
        made.expect(201)
        return f"{made['id']} at version {made['version']}"

    def use(self) -> str:
        for number in range(CALLS):
            once = f"story-{self.mark}-{number}"
            answer = self.client.post(f"/apis/{self.slug}/check?n={number}", {"street": "3 Side Street"}, once=once)
            if answer.status == 409 and answer["code"] == "outcome_unknown":
                continue  # a gateway died while the upstream worked; asking again under this key could do it twice
            answer.expect(200)
            seen = answer.json
            if seen["partner"] != self.facts.partner_id or seen["credentials"]:
                raise Refused(f"the upstream was told {seen}")
        arrived = self.upstream.arrived(f"story-{self.mark}-")
        if any(times > 1 for times in arrived.values()):
            raise Refused(f"the upstream was called twice for one key: {arrived}")
        return f"{len(arrived)} calls reached {self.upstream.url}, with the caller's identity and without its key"

    # --- the month's end ---------------------------------------------------------------------------------------------
    def close(self) -> str:
        self.sold = until(self._sold, seconds=PATIENCE, what="The usage of the integration", hint="Does the worker ingest usage?")
        now = datetime.now(UTC)
        body = {"month": f"{now:%Y-%m}", "partner_id": self.facts.partner_id, "as_of": now.isoformat()}
        closed = self.office.post("/api/operator/v1/billing/close", body).expect(200, 201)
        again = self.office.post("/api/operator/v1/billing/close", body).expect(200, 201)
        if [each["id"] for each in closed["invoices"]] != [each["id"] for each in again["invoices"]]:
            raise Refused("closing the month again made other invoices")
        [invoice] = closed["invoices"]
        seen = self.client.get(f"/api/partner/v1/billing/invoices/{invoice['id']}").expect(200)
        lines = [line for line in seen["lines"] if line["integration_id"] == self.facts.integration_id]
        charged = sum(Decimal(line["amount"]["amount"]) for line in lines)
        paid = [call for call in self.sold if call["status"] < 500]  # nobody pays for the others
        if charged != len(paid) * PRICE:
            raise Refused(f"{charged} USD is charged for {len(paid)} calls at {PRICE} USD")
        self.facts.invoice = seen.json
        return f"invoice {seen['number']} over {seen['total']['amount']} {seen['total']['currency']}"

    def pay(self) -> str:
        address = f"/api/operator/v1/billing/invoices/{self.facts.invoice['id']}/mark-paid"
        self.office.post(address, {"reference": f"story {self.mark}"}).expect(200)
        found = self.client.get(f"/api/partner/v1/billing/invoices/{self.facts.invoice['id']}").expect(200)
        if found["status"] != "paid":
            raise Refused(f"the invoice is {found['status']}")
        return f"{found['number']} is paid"

    def earn(self) -> str:
        lines = {line["id"] for line in self.facts.invoice["lines"]}
        listed = self.seller.get("/api/partner/v1/billing/earnings?limit=200").expect(200)["data"]
        mine = [earning for earning in listed if earning["line_id"] in lines]
        if not mine:
            raise Refused("the seller has no earning from this invoice")
        gross, fee, amount = (sum(Decimal(each[name]["amount"]) for each in mine) for name in ("gross", "fee", "amount"))
        if gross - fee != amount:
            raise Refused(f"{gross} less {fee} is not {amount}")
        self.earned = {each["id"] for each in mine}
        return f"{self.demo['partner']['slug']} earns {amount} USD: {gross} less {fee} for the marketplace"

    def pay_out(self) -> str:
        account = {"holder": "Acme Inc.", "account_number": "DE89370400440532013000", "bank_code": "COBADEFFXXX", "country": "DE"}
        self.seller.put("/api/partner/v1/billing/payout-account", account).expect(200, 201)
        later = datetime.now(UTC) + timedelta(days=400)
        body = {"partner_id": self.demo["partner"]["id"], "as_of": later.isoformat()}
        self.office.post("/api/operator/v1/payouts/run", body).expect(200, 201)
        payout = self._payout()
        for verb, extra in (("approve", {}), ("mark-paid", {"reference": f"story {self.mark}"})):
            self.office.post(f"/api/operator/v1/payouts/{payout['id']}/{verb}", extra).expect(200)
        found = self.seller.get(f"/api/partner/v1/billing/payouts/{payout['id']}").expect(200)
        if found["status"] != "paid":
            raise Refused(f"the payout is {found['status']}")
        self.facts.payout = found.json
        return f"{found['amount']['amount']} {found['amount']['currency']} to {found['destination']}"

    def prove(self) -> str:
        ledger = self.office.get("/api/operator/v1/ledger/check").expect(200)
        if not ledger["balanced"]:
            raise Refused(f"the ledger differs: {ledger['differences']}")
        log = self.office.get(f"/api/operator/v1/audit/check?partner_id={self.facts.partner_id}").expect(200)
        if not log["intact"]:
            raise Refused(f"the log is broken at {log['first_broken']}")
        return f"{ledger['transactions']} ledger transactions balance; the log of {log['events']} events is intact"

    # --- small things ------------------------------------------------------------------------------------------------
    def _sign_in(self, person: Person, email: str, password: str) -> None:
        page = person.open("/accounts/login/").expect(200)
        person.submit(page, {"login": email, "password": password}, having="login").expect(200)
        if "/accounts/login" in person.open("/p/?all").url:
            raise Refused(f"{email} could not sign in")

    def _is_there(self, address: str) -> bool:
        return self.client.get(address).status == 200

    def _partner(self) -> dict[str, Any]:
        rows = self.office.get(f"/api/operator/v1/partners?q={self.mark}").expect(200)["data"]
        found: dict[str, Any] = next(row for row in rows if row["slug"] == self.facts.slug)
        return found

    def _step(self, who: Program, address: str, verb: str, state: str) -> None:
        who.post(f"{address}/{verb}", {}).expect(200, 409)
        found = who.get(address).expect(200)["status"]
        if found != state:
            raise Refused(f"after {verb} the integration is {found}, not {state}")

    def _sold(self) -> list[dict[str, Any]]:
        """The metered calls of the integration that the log shows, once they are all there, or once no more come."""
        arrived = len(self.upstream.arrived(f"story-{self.mark}-"))
        seen, since = -1, time.monotonic()
        while True:
            rows = self.client.get(f"/api/partner/v1/usage/requests?path=/apis/{self.slug}&limit=200").expect(200)["data"]
            metered = [row for row in rows if row["metered"]]
            if len(metered) >= arrived:
                return metered
            if len(metered) != seen:
                seen, since = len(metered), time.monotonic()
            elif time.monotonic() - since > 30:
                return metered  # what a killed process had not sent is unknown, and never billed
            time.sleep(0.25)

    def _payout(self) -> dict[str, Any]:
        """The seller's payout that holds what was just earned."""
        for row in self.seller.get("/api/partner/v1/billing/payouts").expect(200)["data"]:
            found = self.seller.get(f"/api/partner/v1/billing/payouts/{row['id']}").expect(200)
            if self.earned <= {earning["id"] for earning in found["earnings"]}:
                payout: dict[str, Any] = found.json
                return payout
        raise Refused("no payout holds what was earned")


def steps(story: Story) -> Iterator[Step]:
    """The plot."""
    worker = "Look at logs/worker.log in the home."
    web = "Look at logs/web.log in the home, and open the page yourself."
    yield Step("A newcomer registers", story.register, web)
    yield Step("It confirms its address", story.confirm, worker)
    yield Step("It signs in", story.sign_in, web)
    yield Step("It goes through the onboarding", story.onboard, web)
    yield Step("An operator approves it in the console", story.approve, web)
    yield Step("It creates a live key in the portal", story.create_key, web)
    yield Step("It subscribes to webhooks", story.subscribe, "Are local targets allowed (PORTICO_ALLOW_LOCAL_TARGETS=1)?")
    yield Step("It calls the API", story.call, "Look at logs/gateway.log in the home.")
    yield Step("A worker does the work", story.work, worker)
    yield Step("A webhook arrives", story.be_told, worker)
    yield Step("Usage shows the call", story.count, worker)
    yield Step("A seller publishes an integration", story.publish, web)
    yield Step("The newcomer installs it", story.install, web)
    yield Step("It calls it through the gateway", story.use, "Look at logs/gateway.log in the home.")
    yield Step("The month is closed", story.close, worker)
    yield Step("The invoice is paid", story.pay, web)
    yield Step("The seller earns its share", story.earn, web)
    yield Step("The seller is paid", story.pay_out, web)
    yield Step("Ledger and log are proven", story.prove, "`manage.py verify_audit` says where a chain breaks.")


def _said(page: Answer) -> str:
    return f"The console said: {' '.join(re.findall(r'messagelist.*?</ul>', page.text, re.DOTALL))[:300]}"
