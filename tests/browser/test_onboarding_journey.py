"""A new person becomes a verified, live partner: five steps, a round that was sent back, and the operators' review."""

import re
from typing import Any

import pytest

from core import relay
from local.sink import Sink
from partners import notices
from partners.models import ApiSetup, Document, Partner, Review, Tier
from tests.browser import people
from tests.browser.conftest import Visit, Visitor, code_in
from tests.partners import files

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_from_sign_up_to_live(visit: Visit, mailoutbox: list[Any]) -> None:
    Tier.objects.update(needs_application=True, needs_documents=True)
    person = visit()
    _sign_up(person, mailoutbox)
    with Sink() as sink:
        _fill_in(person, sink)
    _upload(person, "first.png", files.png((600, 400)))
    _submit(person)

    reviewer = visit(people.operator())
    _decide_document(reviewer, "Reject", "It is only a colour.")
    _ask_for_changes(reviewer, "Please send an extract of the register.")

    person.goto("/p/initech/onboarding/")
    person.page.get_by_text("Please send an extract of the register.").wait_for()
    person.page.get_by_text("It is only a colour.").wait_for()
    person.keep("journey-sent-back")
    person.assert_accessible()
    _upload(person, "extract.pdf", files.pdf(2))
    _submit(person)

    _decide_document(reviewer, "Accept")
    _approve(reviewer)

    person.goto("/p/initech/onboarding/activation")
    person.page.get_by_text("Initech is live").wait_for()
    person.goto("/p/initech/verification/")
    person.page.get_by_text("Your documents are verified").wait_for()
    person.keep("journey-verified")
    person.assert_accessible()
    partner = Partner.objects.get(slug="initech")
    assert (partner.status, bool(partner.verified_at)) == ("active", True)
    assert [each.decision for each in Review.objects.filter(partner=partner).order_by("id")] == ["changes_requested", "approved"]
    _assert_told(mailoutbox)


def _sign_up(person: Visitor, mailoutbox: list[Any]) -> None:
    page = person.page
    person.goto("/accounts/signup/")
    page.fill("[name=email]", "bo@initech.example")
    page.fill("[name=password1]", people.PASSWORD)
    page.fill("[name=company_name]", "Initech")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="Confirm your e-mail address").wait_for()
    page.fill("[name=code]", code_in(mailoutbox[-1]))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Initech").wait_for()


def _fill_in(person: Visitor, sink: Sink) -> None:
    page = person.page
    person.goto("/p/initech/onboarding/")
    page.fill("[name=contact_name]", "Bo Lumbergh")
    page.get_by_text("Kept.").wait_for()
    person.goto("/p/initech/onboarding/")
    assert page.input_value("[name=contact_name]") == "Bo Lumbergh", "kept without a click"
    page.get_by_text("Missing: Contact e-mail").wait_for()
    page.fill("[name=contact_email]", "bo@initech.example")
    _go_on(person, "Business details")
    for name, value in {"legal_name": "Initech Ltd", "street": "1 Road", "city": "Leeds", "country": "GB"}.items():
        page.fill(f"[name={name}]", value)
    _go_on(person, "API setup")
    page.fill("[name=use_case]", "Orders from our shop")
    page.fill("[name=webhook_url]", sink.url)
    _go_on(person, "Documents")
    assert sink.wait_for("webhook.test")
    assert ApiSetup.objects.get().webhook_reached
    person.goto("/p/initech/onboarding/api-setup")
    page.get_by_text("Your server took a signed test delivery").wait_for()
    person.keep("journey-api-setup")
    person.assert_accessible()


def _go_on(person: Visitor, title: str) -> None:
    person.page.get_by_role("button", name="Save and go on").click()
    person.page.get_by_role("heading", level=1, name=title).wait_for()


def _upload(person: Visitor, name: str, content: bytes) -> None:
    person.goto("/p/initech/onboarding/documents")
    person.page.select_option("[name=kind]", "registration")
    person.page.set_input_files("[name=file]", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    person.page.get_by_role("button", name="Upload").click()
    person.page.get_by_role("link", name=name, exact=True).wait_for()


def _submit(person: Visitor) -> None:
    person.goto("/p/initech/onboarding/activation")
    person.page.get_by_role("main").get_by_role("button", name="Submit").click()
    person.page.get_by_text("Meanwhile you can build with test keys.").wait_for()


def _decide_document(reviewer: Visitor, deed: str, reason: str = "") -> None:
    document = Document.objects.get(state="waiting")
    reviewer.goto(f"/admin/partners/document/{document.pk}/change/")
    picture = reviewer.page.locator(".console-pages img").first
    picture.scroll_into_view_if_needed()
    reviewer.page.wait_for_function("document.querySelector('.console-pages img').naturalWidth > 100")
    reviewer.keep(f"journey-document-{deed.lower()}")
    reviewer.page.get_by_role("link", name=re.compile(rf"\b{deed}$")).first.click()
    if reason:
        reviewer.page.get_by_label("Reason").fill(reason)
    reviewer.page.get_by_role("button", name=deed).click()
    reviewer.page.get_by_text("Done.").wait_for()


def _ask_for_changes(reviewer: Visitor, reason: str) -> None:
    reviewer.goto("/admin/partners/review/")
    reviewer.page.get_by_role("link", name="Initech").first.click()
    reviewer.page.get_by_text("Initech Ltd").wait_for()
    reviewer.keep("journey-review")
    reviewer.page.get_by_role("link", name="Ask for changes").first.click()
    reviewer.page.get_by_label("Reason").fill(reason)
    reviewer.page.get_by_role("button", name="Ask for changes").click()
    reviewer.page.get_by_text("Done.").wait_for()


def _approve(reviewer: Visitor) -> None:
    review = Review.objects.get(decision="waiting")
    reviewer.goto(f"/admin/partners/review/{review.pk}/change/")
    reviewer.page.get_by_role("link", name=re.compile(r"\bApprove$")).first.click()
    boxes = reviewer.page.locator("[name=checklist]")
    boxes.first.wait_for()
    for box in boxes.all():
        box.check()
    reviewer.keep("journey-approve")
    reviewer.page.get_by_role("button", name="Approve").click()
    reviewer.page.get_by_text("Done.").wait_for()


def _assert_told(mailoutbox: list[Any]) -> None:
    while relay.relay():
        pass
    while notices.send_due():
        pass
    subjects = {message.subject for message in mailoutbox}
    assert {
        "Initech: please change something and submit again",
        "Initech: a document was not accepted",
        "Initech: a document was accepted",
        "Initech was approved",
        "Initech is live",
    } <= subjects, subjects
    assert all(message.alternatives for message in mailoutbox)
