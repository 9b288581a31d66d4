"""Documents are taken in by what they contain, kept where nobody guesses, and decided once."""

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from core.models import Event
from core.states import StaleState
from partners import documents, onboarding, reviews
from partners.models import Document, Tier
from tests.callers import Caller
from tests.partners import files
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

PDF, PNG, JPEG = files.pdf(), files.png(), files.jpeg()


@pytest.fixture
def globex(active) -> Caller:
    return Caller("key", active.pk)


def send(caller: Caller, content: bytes, name: str = "tax.pdf", kind: str = "tax", **headers: str):
    body = encode_multipart(BOUNDARY, {"kind": kind, "file": SimpleUploadedFile(name, content)})
    return caller.send("POST", "/partner/documents", body, content_type=MULTIPART_CONTENT, **headers)


@pytest.mark.parametrize(("content", "content_type"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")])
def test_type_is_found_by_content(globex, content, content_type):
    answer = send(globex, content, name="anything.exe")
    assert answer.status_code == 201, answer.content
    shown = globex.get(f"/partner/documents/{answer.json()['id']}")
    assert (shown["content_type"], shown["state"], shown["pages"]) == (content_type, "waiting", 1)
    assert shown["size"] == Document.objects.get().file.size


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"PK\x03\x04",
        b"GIF89a",
        b" %PDF-1.7",
        b"MZ",
        b"hello",
    ],
)
def test_anything_else_is_refused_whatever_its_name(globex, content):
    answer = send(globex, content, name="registration.pdf")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert not Document.objects.exists()


def test_too_large_is_refused(globex, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST", len(PDF) + 2_000)
    assert send(globex, PDF.ljust(len(PDF) + 2_001)).status_code == 413
    assert send(globex, PDF.ljust(len(PDF) + 2_000)).status_code == 201


def test_large_one_is_uploaded_once_under_its_idempotency_key(globex):
    large = PDF.ljust(19 * 1024 * 1024)
    first, again = (send(globex, large, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert first.json()["id"] == again.json()["id"]
    assert Document.objects.count() == 1


def test_more_than_anybody_needs_are_refused(globex, monkeypatch):
    monkeypatch.setattr(documents, "MOST", 2)
    kept = [send(globex, PDF).json()["id"] for _ in range(2)]
    refused = send(globex, PDF)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    globex.delete(f"/partner/documents/{kept[0]}")
    assert send(globex, PDF).status_code == 201


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("a\\b\\c.pdf", "c.pdf"), ("x" * 200 + ".pdf", ("x" * 200 + ".pdf")[-120:])],
)
def test_name_is_for_reading_only(active, name, kept):
    document = documents.upload(partner=active, kind="tax", filename=name, content=PDF, by=PUBLIC)
    assert document.filename == kept
    stored = Path(default_storage.path(document.file.name))
    assert stored.is_relative_to(Path(settings.MEDIA_ROOT) / "documents")
    assert stored.read_bytes().startswith(b"%PDF-")
    assert document.public_id not in str(stored)
    assert str(document.pk) not in str(stored)


def test_stranger_finds_nothing(globex, newcomer):
    public_id = send(globex, PDF).json()["id"]
    stranger = Caller("key", newcomer.pk)
    stranger.get(f"/partner/documents/{public_id}", expect=404)
    stranger.delete(f"/partner/documents/{public_id}", expect=404)
    assert stranger.get("/partner/documents")["data"] == []


def test_taken_back_until_it_is_decided(globex, active, django_capture_on_commit_callbacks):
    public_id = send(globex, PDF).json()["id"]
    stored = Path(default_storage.path(Document.objects.get().file.name))
    with django_capture_on_commit_callbacks(execute=True):
        globex.delete(f"/partner/documents/{public_id}")
    assert not stored.exists()
    decided = documents.upload(partner=active, kind="tax", filename="t.pdf", content=PDF, by=PUBLIC)
    documents.accept(document=decided, by=PUBLIC)
    globex.delete(f"/partner/documents/{decided.public_id}", expect=409)
    with pytest.raises(StaleState):
        documents.reject(document=decided, reason="late", by=PUBLIC)


def test_no_event_holds_the_content_or_the_name(globex):
    send(globex, PDF, name="passport of ann.pdf")
    assert "ann" not in str(Event.objects.get(type="document.uploaded").data)


def test_tier_that_needs_documents_waits_for_accepted_ones(submitted, by_operator):
    Tier.objects.filter(pk=submitted.tier_id).update(needs_documents=True)
    submitted.tier.refresh_from_db()
    assert onboarding.progress(submitted).steps[3].missing == ["registration"]
    document = documents.upload(partner=submitted, kind="registration", filename="r.pdf", content=PDF, by=PUBLIC)
    with pytest.raises(reviews.NotReady):
        reviews.approve(partner=submitted, by=by_operator)
    documents.accept(document=document, by=by_operator)
    reviews.approve(partner=submitted, by=by_operator)


def test_uploaded_in_the_portal(signed_in, confirmed):
    Tier.objects.filter(pk=confirmed.tier_id).update(needs_documents=True)
    client = signed_in(confirmed, "owner")
    page = "/p/acme/onboarding/documents"
    assert "Company registration" in client.get(page).content.decode()
    refused = client.post(page, {"kind": "registration", "file": SimpleUploadedFile("r.pdf", b"<html>")})
    assert "no PDF, PNG or JPEG file" in refused.content.decode()
    client.post(page, {"kind": "registration", "file": SimpleUploadedFile("r.pdf", PDF)})
    assert "r.pdf" in client.get(page).content.decode()


def test_file_that_no_document_names_is_swept_once_it_is_old(active, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    kept = documents.upload(partner=active, kind="other", filename="a.png", content=files.png(), by=PUBLIC)
    lost, young = (tmp_path / "documents" / "00aa" / name for name in ("lost", "young"))
    lost.parent.mkdir(exist_ok=True)
    for path in (lost, young):
        path.write_bytes(b"x")
    for path in (lost, Path(kept.file.path)):
        os.utime(path, (0, time.time() - 90_000))
    assert documents.sweep() == 1
    assert (lost.exists(), young.exists(), documents.read(kept)[:4]) == (False, True, b"\x89PNG")
