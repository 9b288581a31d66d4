"""What is done to many partners at once: asked for first, done one by one, each refusal told in words."""

import pytest
from django.test import Client

from core import relay
from core.actors import SYSTEM
from core.console_bulk import MOST_AT_ONCE, MOST_TOLD
from core.models import Event, User
from core.roles import Role
from partners import partners
from partners.models import Member, Note, Notice, Partner, Tier
from partners.reviews import CHECKLIST
from tests.test_operator_roles import make_operator, sign_in

pytestmark = pytest.mark.django_db

LIST = "/admin/partners/partner/"


@pytest.fixture
def console(operator) -> Client:
    return sign_in(operator)


@pytest.fixture
def three(by_operator) -> list[Partner]:
    """Two live ones and a suspended one."""
    made = [partners.create(name=name, by=by_operator, active=True) for name in ("Acme", "Globex", "Hooli")]
    partners.suspend(partner=made[2], reason="Unpaid", by=by_operator)
    return made


def chosen(name: str, rows: list[Partner], **form: object) -> dict[str, object]:
    return {"action": name, "_selected_action": [str(row.pk) for row in rows], "_form_submitted": "True", **form}


class TestAsking:
    def test_says_what_happens_to_how_many_and_does_nothing_yet(self, console, three):
        page = console.post(LIST, chosen("suspend_selected", three))
        text = page.content.decode()
        assert [row.name for row in page.context["fitting"]] == ["Globex", "Acme"]
        assert [(row.name, state) for row, state in page.context["others"]] == [("Hooli", "Suspended")]
        for words in ("Suspend: 2 rows", "1 row stays as it is", "Its calls are refused from the next one on"):
            assert words in text
        assert set(Partner.objects.values_list("status", flat=True)) == {"active", "suspended"}

    def test_reason_is_asked_for(self, console, three):
        page = console.post(LIST, chosen("suspend_selected", three, _sure="1"))
        assert "This field is required" in page.content.decode()
        assert Partner.objects.filter(status="active").count() == 2

    def test_done_keeps_the_filters(self, console, three):
        answer = console.post(f"{LIST}?status__exact=active", chosen("suspend_selected", three[:2], _sure="1", reason="Audit"))
        assert answer["Location"] == f"{LIST}?status__exact=active"
        assert set(Partner.objects.values_list("status", "status_reason")) == {("suspended", "Audit"), ("suspended", "Unpaid")}
        assert Event.objects.filter(type="partner.suspended").count() == 3

    def test_row_that_is_not_in_the_filtered_list_is_left_alone(self, console, three):
        console.post(f"{LIST}?status__exact=suspended", chosen("suspend_selected", three[:1], _sure="1", reason="Audit"))
        three[0].refresh_from_db()
        assert three[0].status == "active"

    def test_no_more_than_can_be_looked_through(self, console):
        tier = Tier.objects.create(slug="t", name="T", rank=1)
        Partner.objects.bulk_create(Partner(slug=f"p-{n}", name=f"P {n}", tier=tier) for n in range(MOST_AT_ONCE + 1))
        form = chosen("close_selected", [Partner.objects.first()], select_across="1", _sure="1", reason="x")
        assert "At most 500 at once" in console.post(LIST, form, follow=True).content.decode()
        assert not Partner.objects.filter(status="closed").exists()


class TestDoing:
    def test_refusals_are_told_in_words_and_leave_the_others_done(self, console, submitted):
        unready = partners.create(name="Unready", by=SYSTEM)
        form = chosen("approve_selected", [unready, submitted], _sure="1", checklist=list(CHECKLIST))
        page = console.post(LIST, form, follow=True).content.decode()
        assert "1 row changed" in page
        assert "Unready: " in page
        assert "Missing:" in page
        submitted.refresh_from_db()
        unready.refresh_from_db()
        assert (submitted.status, unready.status) == ("active", "pending")

    def test_many_refusals_are_not_all_told(self, console):
        rows = [partners.create(name=f"P {number}", by=SYSTEM) for number in range(MOST_TOLD + 5)]
        page = console.post(LIST, chosen("approve_selected", rows, _sure="1", checklist=list(CHECKLIST)), follow=True)
        text = page.content.decode()
        assert text.count("Missing:") == MOST_TOLD
        assert "5 more refused" in text
        assert "changed." not in text

    def test_tier(self, console, three):
        gold = Tier.objects.create(slug="gold", name="Gold", rank=99)
        console.post(LIST, chosen("change_tier_selected", three, _sure="1", tier=str(gold.pk)))
        assert set(Partner.objects.values_list("tier__slug", flat=True)) == {"gold"}
        assert Event.objects.filter(type="partner.tier_changed").count() == 3

    def test_letter_reaches_owners_and_admins(self, console, three):
        for role in ("owner", "admin", "viewer"):
            Member.objects.create(partner=three[0], user=User.objects.create_user(f"{role}@acme.example"), role=role)
        words = {"subject": "Sunday", "text": "We work on {the} database."}
        page = console.post(LIST, chosen("message_selected", three, _sure="1", **words), follow=True)
        assert "3 rows changed" in page.content.decode()
        while relay.seal():
            pass
        told = Notice.objects.filter(kind="partner_messaged")
        assert set(told.values_list("user__email", flat=True)) == {"owner@acme.example", "admin@acme.example"}
        page = sign_in(User.objects.get(email="owner@acme.example")).get("/p/acme/notifications/").content.decode()
        assert "Sunday" in page
        assert "We work on {the} database." in page

    def test_only_what_the_role_may_is_offered_and_done(self, three):
        reviewer = sign_in(make_operator(Role.REVIEWER))
        listed = reviewer.get(LIST).content.decode()
        assert "approve_selected" in listed
        assert "suspend_selected" not in listed
        reviewer.post(LIST, chosen("suspend_selected", three, _sure="1", reason="x"))
        assert Partner.objects.filter(status="active").count() == 2


def test_note_is_for_operators_alone(console, three, operator):
    console.post(f"{LIST}{three[0].pk}/note/", {"_form_submitted": "True", "text": "Called them."})
    note = Note.objects.get()
    assert (note.text, note.operator) == ("Called them.", operator)
    event = Event.objects.get(type="operator.noted")
    assert event.partner_id is None
    assert event.data["partner"] == three[0].public_id
    assert "Called them." not in str(event.data)
