"""Every page and every operation lets in exactly those whom the table of permissions names.

The routes are read from the URL table and from the OpenAPI document, so that one that is added later is asked here without
being named. A page says itself whom it is for: `partner_page(...)`, or a line in `portal.access.AUDIENCES`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from core import operators
from core.actors import SYSTEM
from core.api.operations import Operation, operations
from core.models import User
from core.scopes import SCOPES
from developers import openapi
from partners import members, partners, tiers
from partners.permissions import PERMISSIONS, Role, allows
from portal import access
from portal.access import Audience, Page
from tests.callers import Caller

# Not there until it was set; whoever may see it is told so.
UNSET = frozenset({"GET /api/partner/v1/billing/payout-account"})

SIGN_IN = re.compile(r"/(accounts|admin|p/[a-z]+)/login\b")

OPERATOR, STRANGER, ANONYMOUS = "operator", "stranger", "anonymous"
VISITORS = [*Role, STRANGER, ANONYMOUS, OPERATOR]


class TestTable:
    def test_docs_show_it_as_it_is(self) -> None:
        written = Path(settings.ROOT, "docs/permissions.md").read_text()
        assert written == access.markdown(), "docs/permissions.md is out of date: run `make docs` and commit it"

    def test_every_page_says_whom_it_is_for(self) -> None:
        silent = [page.path for page in access.pages() if not page.permission and page.audience is None]
        assert not silent, f"put these behind @partner_page, or say in portal.access.AUDIENCES whom they are for: {silent}"

    def test_audiences_name_pages_that_exist(self) -> None:
        gone = access.AUDIENCES.keys() - {page.name for page in access.pages()}
        assert not gone, f"take these out of portal.access.AUDIENCES: {gone}"

    def test_every_permission_is_declared(self) -> None:
        used = {name for page in access.pages() if page.permission for name in (page.permission, page.post)}
        used |= {each.scope for each in operations() if each.scope and each.audience == "partner"}
        strange = used - PERMISSIONS.keys() - SCOPES.keys()
        assert not strange, f"misspelt, or not declared by core.scopes.register in the app's scopes.py: {strange}"

    def test_openapi_document_has_the_same_operations_and_scopes(self) -> None:
        paths = json.loads(openapi.document().json)["paths"]
        described = {
            (method.upper(), _shape(path)): operation.get("x-scope")
            for path, methods in paths.items()
            for method, operation in methods.items()
            if isinstance(operation, dict) and "responses" in operation
        }
        assert described == {(each.method, _shape(each.path)): each.scope for each in operations()}


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.fixture
def acme(db: None) -> Any:
    tiers.seed()
    partner = partners.create(name="Acme", by=SYSTEM, active=True)
    for role in Role:
        members.add(partner=partner, user=User.objects.create_user(f"{role}@acme.example"), role=role, by=SYSTEM)
    return partner


@pytest.fixture
def globex(db: None) -> Any:
    return partners.create(name="Globex", by=SYSTEM, active=True, owner=User.objects.create_user("stranger@globex.example"))


@pytest.fixture
def browser(acme: Any, globex: Any, visitor: str) -> Client:
    """The visitor's, signed in unless anonymous."""
    client = Client(raise_request_exception=False)
    if visitor == OPERATOR:
        client.force_login(User.objects.create_superuser("operator@portico.example"))
    elif visitor != ANONYMOUS:
        client.force_login(User.objects.get(email__startswith=f"{visitor}@"))
    return client


@pytest.mark.parametrize("visitor", VISITORS)
def test_pages(browser: Client, acme: Any, visitor: str) -> None:
    faults = []
    for page in access.pages():
        path = re.sub(r"\{\w+\}", "nothing", page.path.replace("{slug}", acme.slug))
        for method in ("GET", "POST"):
            with transaction.atomic():
                answer = browser.generic(method, path)
                transaction.set_rollback(True)
            found = _outcome(answer)
            if found not in {*_wanted(page, method, visitor), "wrong method"}:
                faults.append(
                    f"{method} {path} ({page.name}): {found} {answer.status_code}, not {_wanted(page, method, visitor)}"
                )
    assert not faults, "\n".join(faults)


def _wanted(page: Page, method: str, visitor: str) -> set[str]:
    """What may happen. A page of one object finds none here, which is no refusal: the permission is asked for first."""
    admitted = {"let in"} | ({"nothing"} if "{" in page.path.replace("{slug}", "") or not page.permission else set())
    if page.permission:
        if visitor == ANONYMOUS:
            return {"nothing" if page.hidden else "sign in"}
        if visitor in {STRANGER, OPERATOR}:
            return {"nothing"}
        allowed = allows(visitor, page.post if method == "POST" else page.permission)
        return admitted if allowed else {"nothing" if page.hidden else "forbidden"}
    if page.audience == Audience.PERSON:
        return {"sign in"} if visitor == ANONYMOUS else admitted
    if page.audience == Audience.OPERATOR:
        return admitted if visitor == OPERATOR else {"sign in"}
    return admitted


def _outcome(answer: Any) -> str:
    if answer.status_code >= 500:
        return "broken"
    if answer.status_code == 302 and SIGN_IN.match(answer["Location"]):
        return "sign in"
    return {403: "forbidden", 404: "nothing", 405: "wrong method"}.get(answer.status_code, "let in")


@pytest.fixture
def caller(acme: Any, globex: Any, visitor: str) -> Caller:
    """A program with all that the visitor can give it: a member, a key with the role's scopes."""
    if visitor == ANONYMOUS:
        return Caller("anonymous")
    if visitor == OPERATOR:
        user = User.objects.create_superuser("operator@portico.example")
        return Caller("operator", credential=operators.issue(user=user, name="T", scopes=["*"], by=SYSTEM).token.pk)
    if visitor == STRANGER:
        return Caller("key", globex.pk)
    return Caller("key", acme.pk, scopes=tuple(name for name in SCOPES if allows(visitor, name)))


@pytest.mark.parametrize("visitor", VISITORS)
def test_operations(caller: Caller, visitor: str) -> None:
    faults = list(_faults(caller, visitor))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("visitor", [Role.OWNER, OPERATOR])
def test_operations_without_any_scope(caller: Caller, visitor: str) -> None:
    bare = Caller(caller.kind, caller.partner, scopes=(), credential=caller.credential)
    faults = list(_faults(bare, visitor))
    assert not faults, "\n".join(faults)


def _faults(caller: Caller, visitor: str) -> Iterator[str]:
    for operation in operations():
        path = re.sub(r"\{\w+\}", "nothing", operation.path)
        with transaction.atomic():
            answer = caller.send_to(operation.method, path, None if operation.method in {"GET", "DELETE"} else {})
            transaction.set_rollback(True)
        found, wanted = _answered(answer), _admitted(operation, caller, visitor)
        if found not in wanted:
            yield f"{operation.name}: {found} {answer.status_code}, not {wanted}"


def _admitted(operation: Operation, caller: Caller, visitor: str) -> set[str]:
    if operation.audience == "public":
        return {"let in", "nothing"}
    if visitor == ANONYMOUS:
        return {"sign in"}
    if (operation.audience == "operator") != (visitor == OPERATOR):
        return {"nothing"}
    if operation.scope and operation.scope not in caller.scopes and "*" not in caller.scopes:
        return {"forbidden"}
    return {"let in", "nothing"} if "{" in operation.path or operation.name in UNSET else {"let in"}


def _answered(answer: Any) -> str:
    if answer.status_code >= 500:
        return "broken"
    if answer.status_code == 403 and answer.json()["code"] != "insufficient_scope":
        return "let in"  # refused for what the partner is, by a rule of the operation's own
    return {401: "sign in", 403: "forbidden", 404: "nothing"}.get(answer.status_code, "let in")
