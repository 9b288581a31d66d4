"""Every list, form and deed of the console, and every operation of the operator API, lets in the roles that `core.roles` names.

Pages are read from the admin site and operations from the API's views, so that one that is added later is asked here without
being named.
"""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client

from apikeys import snapshots
from core import crypto, ids, operators, roles
from core.actors import SYSTEM, Actor
from core.api.operations import operations
from core.models import Event, OperatorToken, User
from core.roles import Role
from portal import console_access
from tests.callers import Caller

pytestmark = pytest.mark.django_db

NO_ROLE = "no role"
OPERATORS = [*Role, NO_ROLE]


def make_operator(role: str, email: str = "") -> User:
    if role == Role.SUPERUSER:
        return User.objects.create_superuser(email or "root@portico.example")
    user = User.objects.create_user(email or f"{role.replace(' ', '-')}@portico.example", is_staff=True)
    if role in Role.values:
        user.groups.add(Group.objects.get(name=role))
    return user


def sign_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


class TestTable:
    def test_groups_are_as_the_table_says_and_stay_so(self):
        support = Group.objects.get(name=Role.SUPPORT)
        expected = roles.permissions_of(Role.SUPPORT)
        support.permissions.add(Permission.objects.get(codename="change_price"))
        support.permissions.remove(Permission.objects.get(codename="change_key"))
        own = Group.objects.create(name="Own")
        own.permissions.set(Permission.objects.filter(codename="view_tier"))
        for _ in range(2):
            roles.sync()
            found = {f"{app}.{name}" for app, name in support.permissions.values_list("content_type__app_label", "codename")}
            assert found == expected
        assert own.permissions.count() == 1
        assert not Group.objects.filter(name=Role.SUPERUSER).exists()

    def test_every_list_of_ours_belongs_to_a_right(self):
        named = {name for right in roles.RIGHTS.values() for name in right.permissions}
        theirs = {"django_celery_beat", "auth"}
        lists = {(model._meta.app_label, model._meta.model_name) for model in admin.site._registry}
        forgotten = {f"{app}.{name}" for app, name in lists if app not in theirs and f"{app}.view_{name}" not in named}
        assert not forgotten, f"say in core.roles.RIGHTS who may see these: {forgotten}"

    def test_every_scope_is_a_right(self):
        assert operators.SCOPES.keys() <= roles.RIGHTS.keys()


@pytest.mark.parametrize("role", OPERATORS)
def test_lists_and_forms(role):
    client, faults = sign_in(make_operator(role)), []
    for page in console_access.pages():
        may = page.may.get(role, frozenset())
        asked = {
            "view": client.get(page.path),
            "add": client.get(f"{page.path}add/"),
            "change": client.post(f"{page.path}{ids.new()}/change/", {}),
            "delete": client.post(f"{page.path}{ids.new()}/delete/", {"post": "yes"}),
        }
        for verb, answer in asked.items():
            allowed = answer.status_code != 403
            assert answer.status_code < 500, (verb, page.path)
            if allowed != (verb in may):
                faults.append(f"{verb} {page.path}: {answer.status_code}, {sorted(may)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", OPERATORS)
def test_deeds(role):
    """Buttons by their address; what is done to chosen rows by whether the list offers and does it."""
    client, faults = sign_in(make_operator(role)), []
    for model, console in admin.site._registry.items():
        page = next(each for each in console_access.pages() if each.model == model._meta.label_lower)
        for name in getattr(console, "actions_detail", ()):
            answer = client.post(f"{page.path}{ids.new()}/{getattr(console, name).url_path}/", {"_form_submitted": "True"})
            allowed = answer.status_code != 403
            if allowed != (role in page.deeds[name]):
                faults.append(f"{name} {page.path}: {answer.status_code}")
        if "view" in page.may.get(role, ()):
            request = console_access.request_of(role)
            offered = set(console.get_actions(request)) & set(console.actions or ())
            if offered != {name for name in console.actions or () if role in page.deeds[name]}:
                faults.append(f"{page.path} offers {offered}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", OPERATORS)
def test_operations(role):
    """A token with every scope may do what its operator has the right to."""
    user = make_operator(role)
    token = operators.issue(user=user, name="T", scopes=["*"], by=SYSTEM).token
    caller = Caller("operator", scopes=tuple(operators.effective(token)), credential=token.pk)
    faults = []
    for operation in operations():
        if operation.audience != "operator" or operation.name.endswith(("payouts/run", "/check")):
            continue
        path = re.sub(r"\{\w+\}", "nothing", operation.path)
        answer = caller.send_to(operation.method, path, None if operation.method in {"GET", "DELETE"} else {})
        allowed = not (answer.status_code == 403 and answer.json()["code"] == "insufficient_scope")
        wanted = role in Role.values and role in roles.RIGHTS[operation.scope].roles
        if allowed != wanted:
            faults.append(f"{operation.name}: {answer.status_code}, {operation.scope}")
    assert not faults, "\n".join(faults)


class TestTokens:
    def test_gateway_learns_scopes_as_the_operators_rights_bound_them(self):
        user = make_operator(Role.FINANCE)
        issued = operators.issue(user=user, name="T", scopes=["*"], by=SYSTEM)
        grant = snapshots.find_operator(crypto.digest(issued.secret))
        assert grant.scopes == {"partners:read", "billing:read", "billing:write", "audit:read"}

    def test_nobody_hands_on_what_they_may_not(self):
        with pytest.raises(operators.BeyondOwnRights, match="billing:write"):
            operators.issue(user=make_operator(Role.SUPPORT), name="T", scopes=["billing:write"], by=SYSTEM)

    def test_each_makes_and_sees_their_own(self):
        support, root = make_operator(Role.SUPPORT), make_operator(Role.SUPERUSER)
        other = operators.issue(user=root, name="Root's", scopes=["*"], by=SYSTEM).token
        browser = sign_in(support)
        form = browser.get("/admin/core/operatortoken/add/").content.decode()
        assert "partners:write" in form
        assert "billing:write" not in form
        answer = browser.post("/admin/core/operatortoken/add/", {"name": "Mine", "scopes": ["billing:write"]})
        assert "Select a valid choice" in answer.content.decode()
        browser.post("/admin/core/operatortoken/add/", {"name": "Mine", "scopes": ["partners:read"]})
        mine = OperatorToken.objects.get(name="Mine")
        assert mine.user == support
        listed = browser.get("/admin/core/operatortoken/").content.decode()
        assert str(mine.pk) in listed
        assert str(other.pk) not in listed


class TestAppointing:
    def test_role_is_given_in_the_console_and_told(self):
        root = make_operator(Role.SUPERUSER)
        person = User.objects.create_user("bo@portico.example")
        page = sign_in(root).get(f"/admin/core/user/{person.pk}/change/").content.decode()
        assert "Reviewer: decides reviews" in page
        form = {"name": "Bo", "is_active": "on", "is_staff": "on", "groups": [str(Group.objects.get(name="reviewer").pk)]}
        assert sign_in(root).post(f"/admin/core/user/{person.pk}/change/", form).status_code == 302
        event = Event.objects.get(type="operator.appointed")
        assert event.data["changes"] == {"operator": [False, True], "roles": [[], ["reviewer"]]}
        assert event.actor_id == root.pk
        assert sign_in(person).get("/admin/partners/review/").status_code == 200

    def test_taken_back_it_holds_at_once(self):
        root, person = make_operator(Role.SUPERUSER), make_operator(Role.FINANCE)
        token = operators.issue(user=person, name="T", scopes=["*"], by=SYSTEM).token
        version = OperatorToken.objects.get(pk=token.pk).version
        browser = sign_in(person)
        assert browser.get("/admin/billing/invoice/").status_code == 200
        sign_in(root).post(f"/admin/core/user/{person.pk}/change/", {"name": "", "is_active": "on", "is_staff": "on"})
        assert browser.get("/admin/billing/invoice/").status_code == 403
        token = OperatorToken.objects.select_related("user").get(pk=token.pk)
        assert token.version > version
        assert operators.effective(token) == frozenset()

    def test_nobody_changes_their_own_role(self):
        root = make_operator(Role.SUPERUSER)
        sign_in(root).post(f"/admin/core/user/{root.pk}/change/", {"name": "Root", "is_staff": "", "is_superuser": ""})
        root.refresh_from_db()
        assert (root.name, root.is_staff, root.is_superuser, root.is_active) == ("Root", True, True, True)
        with pytest.raises(operators.OwnRole):
            operators.appoint(user=root, is_staff=True, is_superuser=False, groups=[], by=Actor("operator", root.pk))

    def test_roles_that_come_with_the_platform_are_not_edited(self):
        browser, group = sign_in(make_operator(Role.SUPERUSER)), Group.objects.get(name="support")
        assert browser.get(f"/admin/auth/group/{group.pk}/change/").status_code == 200
        assert browser.post(f"/admin/auth/group/{group.pk}/change/", {"name": "x"}).status_code == 403


class TestOperatorsAreForSuperusers:
    def test_support_neither_sees_nor_changes_how_operators_sign_in(self):
        from allauth.account.models import EmailAddress

        root, browser = make_operator(Role.SUPERUSER), sign_in(make_operator(Role.SUPPORT))
        address = EmailAddress.objects.create(user=root, email=root.email, verified=False)
        assert root.email not in browser.get("/admin/account/emailaddress/").content.decode()
        browser.post(f"/admin/account/emailaddress/{address.pk}/confirm/", {"_form_submitted": "True"})
        address.refresh_from_db()
        assert not address.verified
        assert browser.post(f"/admin/core/user/{root.pk}/change/", {"name": "Mallory"}).status_code == 403

    def test_first_page_shows_what_the_role_may_see(self):
        page = sign_in(make_operator(Role.FINANCE)).get("/admin/").content.decode()
        assert "Payouts to approve" in page
        assert "Documents to check" not in page
        assert "/admin/core/user/" not in page
