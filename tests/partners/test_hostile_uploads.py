"""Whatever is uploaded is refused in words or made harmless, and nobody but those who may opens what is kept."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from core.models import User
from partners import documents, inspection
from partners.models import Document
from tests.callers import Caller
from tests.partners import files
from tests.partners.conftest import PUBLIC
from tests.partners.hostile import HARMLESS, NAMES, REFUSED

pytestmark = pytest.mark.django_db


@pytest.fixture
def globex(active) -> Caller:
    return Caller("key", active.pk)


def send(caller: Caller, content: bytes, name: str = "registration.pdf"):
    body = encode_multipart(BOUNDARY, {"kind": "registration", "file": SimpleUploadedFile(name, content)})
    return caller.send("POST", "/partner/documents", body, content_type=MULTIPART_CONTENT)


def kept() -> bytes:
    return Path(default_storage.path(Document.objects.get().file.name)).read_bytes()


@pytest.mark.parametrize(("content", "code"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_refused_in_words(globex, content, code):
    answer = send(globex, content())
    assert answer.status_code == 422, answer.content
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/file", code)
    assert error["detail"].endswith(".")
    assert not Document.objects.exists()
    assert not list(Path(settings.MEDIA_ROOT).glob("documents/**/*.*"))


@pytest.mark.parametrize(("content", "gone"), [pytest.param(*case[1:], id=case[0]) for case in HARMLESS])
def test_made_harmless(globex, content, gone):
    sent = content()
    assert any(each in sent for each in gone), "the test's own file is harmless"
    assert send(globex, sent).status_code == 201
    assert [each for each in gone if each in kept()] == []
    assert inspection.clean(kept()).pages == 1, "what is kept can be read"


def test_too_large_is_refused(globex):
    assert send(globex, files.pdf().ljust(documents.LARGEST + 1)).status_code == 413


def test_picture_stands_upright_once_its_exif_is_gone(globex):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    send(globex, files.jpeg((40, 20), exif=exif.tobytes()), "photo.jpg")
    with Image.open(io.BytesIO(kept())) as picture:
        assert picture.size == (20, 40)
        assert not picture.getexif()


@pytest.mark.parametrize(("name", "shown"), NAMES.items())
def test_name_is_only_shown(active, signed_in, name, shown):
    document = documents.upload(partner=active, kind="other", filename=name, content=files.png(), by=PUBLIC)
    assert document.filename == shown
    place = Path(default_storage.path(document.file.name))
    assert place.is_relative_to(Path(settings.MEDIA_ROOT) / "documents")
    assert place.name.isalnum()
    answer = signed_in(active, "owner").get(f"/p/globex/documents/{document.public_id}")
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]


class TestWhoOpensIt:
    @pytest.fixture
    def document(self, active) -> Document:
        return documents.upload(partner=active, kind="tax", filename="tax.pdf", content=files.pdf(2), by=PUBLIC)

    @pytest.fixture
    def addresses(self, document) -> list[str]:
        console = f"/admin/partners/document/{document.pk}"
        return [f"/p/globex/documents/{document.public_id}", f"{console}/content", f"{console}/pages/1"]

    def test_owner_and_admin_download_it(self, active, signed_in, document):
        for role in ("owner", "admin"):
            answer = signed_in(active, role).get(f"/p/globex/documents/{document.public_id}")
            assert answer.content == documents.read(document)
            assert answer["Content-Disposition"] == 'attachment; filename="tax.pdf"'
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer["Content-Security-Policy"]
            assert answer["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("role", ["developer", "finance", "viewer"])
    def test_other_roles_get_404(self, active, signed_in, addresses, role):
        assert [signed_in(active, role).get(each).status_code for each in addresses] == [404, 404, 404]

    def test_strangers_get_404(self, newcomer, signed_in, addresses):
        stranger = signed_in(newcomer, "owner")
        assert [stranger.get(each).status_code for each in addresses] == [404, 404, 404]
        assert stranger.get(addresses[0].replace("globex", "acme")).status_code == 404

    def test_nobody_gets_404(self, addresses):
        assert [Client().get(each).status_code for each in addresses] == [404, 404, 404]

    def test_operator_without_the_right_gets_404(self, addresses):
        client = Client()
        client.force_login(User.objects.create_user("clerk@portico.example", is_staff=True))
        assert [client.get(each).status_code for each in addresses] == [404, 404, 404]

    def test_reviewer_sees_pictures_of_its_pages(self, operator, document):
        client = Client()
        client.force_login(operator)
        page = f"/admin/partners/document/{document.pk}/pages"
        answer = client.get(f"{page}/2")
        assert answer["Content-Type"] == "image/png"
        assert answer["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
        assert answer.content.startswith(b"\x89PNG")
        assert client.get(f"{page}/3").status_code == 404
        shown = client.get(f"/admin/partners/document/{document.pk}/change/").content.decode()
        assert f"{page}/2" in shown

    def test_file_lies_below_no_address(self, document):
        for place in ("media", "files", "static"):
            assert Client().get(f"/{place}/{document.file.name}").status_code == 404
