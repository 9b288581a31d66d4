"""A logo is made from pixels alone, served so that caches keep it, and leaves nothing behind when it goes."""

import io
import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from core import relay
from core.models import Event, User
from partners import logos, notices, partners
from partners.models import Logo, Member, Partner
from tests.callers import Caller
from tests.partners import files
from tests.partners.conftest import PUBLIC
from tests.partners.hostile import located_jpeg, png_that_claims, zip_bomb

pytestmark = pytest.mark.django_db

REFUSED = [
    ("nothing", lambda: b"", "empty"),
    ("svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "file_picture"),
    ("svg behind a declaration", lambda: b"<?xml version='1.0'?><svg><script>alert(1)</script></svg>", "file_picture"),
    ("html", lambda: b"<!doctype html><script>alert(1)</script>", "file_picture"),
    ("pdf", files.pdf, "file_picture"),
    ("gif", lambda: b"GIF89a" + bytes(50), "file_picture"),
    ("sound in the same wrapping as webp", lambda: b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "file_picture"),
    ("webp head on nothing", lambda: b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40), "file_unreadable"),
    ("jpeg cut off", lambda: files.jpeg((300, 300))[:400], "file_unreadable"),
    ("png bomb", lambda: png_that_claims(60_000, 60_000), "file_pixels"),
    ("png that lies about its size", lambda: png_that_claims(5_000, 5_000), "file_unreadable"),
    ("zip bomb", zip_bomb, "file_picture"),
    ("dot", lambda: files.png((20, 20)), "file_small"),
    ("stripe", lambda: files.png((900, 100)), "file_shape"),
]


def send(partner: Partner, content: bytes, name: str = "logo.png"):
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile(name, content)})
    return Caller("key", partner.pk).send("PUT", "/partner/logo", body, content_type=MULTIPART_CONTENT)


def on_disk() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT, "logos").glob("**/*") if path.is_file()]


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def logo(active) -> str:
    return logos.put(partner=active, content=files.png((300, 300)), by=PUBLIC).logo


class TestTaking:
    @pytest.mark.parametrize("content", [files.png((300, 150)), files.jpeg((150, 300)), files.webp((80, 80))])
    def test_squares_in_two_sizes(self, active, content):
        answer = send(active, content)
        assert answer.status_code == 200, answer.content
        for name, size in (("small", 64), ("large", 256)):
            picture = Client().get(answer.json()["logo"][name].removeprefix(settings.BASE_URL))
            with Image.open(io.BytesIO(picture.content)) as shown:
                assert (shown.format, shown.size, shown.mode) == ("PNG", (size, size), "RGBA")

    def test_what_is_too_narrow_stands_on_nothing(self, active):
        send(active, files.png((300, 150)))
        with Image.open(Logo.objects.get().large.open()) as picture:
            assert picture.getpixel((128, 10))[3] == 0
            assert picture.getpixel((128, 128)) == (0, 128, 128, 255)

    @pytest.mark.parametrize(("content", "code"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
    def test_refused_in_words(self, active, content, code):
        answer = send(active, content())
        assert answer.status_code == 422, answer.content
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/file", code)
        assert error["detail"].endswith(".")
        assert not on_disk()

    def test_too_large_is_refused(self, active):
        assert send(active, files.png((64, 64)).ljust(logos.LARGEST + 1)).status_code == 413

    def test_nothing_of_the_file_is_kept_but_its_pixels(self, active):
        content = located_jpeg()
        logos.put(partner=active, content=_enlarged(content), by=PUBLIC)
        assert all(each not in path.read_bytes() for path in on_disk() for each in (b"secret", b"Exif", b"GPS"))

    def test_event_has_before_and_after(self, active, logo):
        events = Event.objects.filter(type="partner.updated")
        assert [event.data["changes"]["logo"] for event in events] == [["", logo]]

    def test_same_picture_again_changes_nothing(self, active, logo):
        logos.put(partner=active, content=files.png((300, 300)), by=PUBLIC)
        assert Event.objects.filter(type="partner.updated").count() == 1
        assert len(on_disk()) == 2


def _enlarged(content: bytes) -> bytes:
    """The picture with all that it tells, large enough for a logo."""
    with Image.open(io.BytesIO(content)) as picture:
        out = io.BytesIO()
        picture.resize((200, 200)).save(out, "JPEG", exif=picture.getexif().tobytes(), comment=b"secret-comment")
    assert b"secret" in out.getvalue()
    return out.getvalue()


class TestServing:
    def test_caches_keep_it_for_ever_and_browsers_run_nothing(self, logo):
        answer = Client().get(f"/logos/{logo}/64.png")
        assert answer["Content-Type"] == "image/png"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "Cookie" not in answer.get("Vary", "")
        assert not answer.cookies

    @pytest.mark.parametrize("path", ["{}/65.png", "{}/640.png", "{}x/64.png", "../logos/{}/64.png", "%2e%2e/64.png"])
    def test_nothing_else_is_there(self, logo, path):
        assert Client().get("/logos/" + path.format(logo)).status_code == 404

    def test_file_has_no_address_of_its_own(self, logo):
        name = Logo.objects.get().small.name
        for path in (f"/{name}", f"/static/{name}", f"/files/{name}", f"/media/{name}"):
            assert Client().get(path).status_code == 404

    def test_two_partners_may_have_the_same(self, active, logo, confirmed):
        logos.put(partner=confirmed, content=files.png((300, 300)), by=PUBLIC)
        partners.close(partner=active, by=PUBLIC)
        assert Client().get(f"/logos/{logo}/64.png").status_code == 200

    def test_closed_partner_has_none(self, active, logo):
        partners.close(partner=active, by=PUBLIC)
        assert Client().get(f"/logos/{logo}/64.png").status_code == 404


@pytest.mark.django_db(transaction=True)
class TestLeaving:
    def test_replaced_one_is_deleted(self, active, logo):
        before = on_disk()
        logos.put(partner=active, content=files.png((200, 100)), by=PUBLIC)
        assert len(on_disk()) == 2
        assert not set(before) & set(on_disk())
        assert Client().get(f"/logos/{logo}/64.png").status_code == 404

    def test_removed_one_is_deleted(self, active, logo):
        assert Caller("key", active.pk).send("DELETE", "/partner/logo").status_code == 204
        active.refresh_from_db()
        assert (active.logo, on_disk()) == ("", [])
        assert Event.objects.filter(type="partner.updated").latest("id").data["changes"]["logo"] == [logo, ""]

    def test_files_that_no_row_names_are_swept_once_they_are_old(self, logo):
        lost, young = (Path(settings.MEDIA_ROOT, "logos", "00", name) for name in ("lost", "young"))
        lost.parent.mkdir(exist_ok=True)
        for path in (lost, young):
            path.write_bytes(b"x")
        for path in (lost, *on_disk()):
            if path != young:
                os.utime(path, (0, time.time() - 90_000))
        assert logos.sweep() == 1
        assert (lost.exists(), young.exists(), len(on_disk())) == (False, True, 3)


def test_team_is_told_why_operators_took_it_away(active, logo, by_operator, client, operator, mailoutbox):
    Member.objects.create(partner=active, user=User.objects.create_user("ann@globex.example"), role="owner")
    client.force_login(operator)
    page = f"/admin/partners/partner/{active.pk}/remove-logo/"
    client.post(page, {"_form_submitted": "True", "reason": ""})
    active.refresh_from_db()
    assert active.logo, "without a reason nothing happens"
    client.post(page, {"_form_submitted": "True", "reason": "It is somebody else's."})
    active.refresh_from_db()
    assert not active.logo
    relay.seal()
    while notices.send_due():
        pass
    (told,) = [mail for mail in mailoutbox if mail.subject == "Globex: we took your logo away"]
    assert "It is somebody else's." in told.body
