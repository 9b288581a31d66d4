"""A virus scanner sees each document before anybody else; one that can't be reached holds documents back, and says so."""

import socketserver
import struct
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from core import clock
from core.models import Event
from core.states import StaleState
from partners import documents, onboarding
from partners.models import Document
from tests.partners import files
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

# What our scanner takes for a virus: the first bytes of a PNG.
MARK = b"\x89PNG"


class Clamd(socketserver.StreamRequestHandler):
    """Speaks as much of clamd's protocol as INSTREAM needs, and says FOUND of what holds MARK."""

    def handle(self) -> None:
        assert self._until_nul() == b"zINSTREAM"
        content = b""
        while size := struct.unpack("!L", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
        self.server.seen.append(content)
        self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if MARK in content else self.server.says)

    def _until_nul(self) -> bytes:
        found = b""
        while (letter := self.rfile.read(1)) not in {b"\0", b""}:
            found += letter
        return found


@pytest.fixture(params=["tcp", "unix"])
def clamd(request, settings, tmp_path):
    """A scanner at an address of its own, which `settings` names."""
    kind = socketserver.ThreadingTCPServer if request.param == "tcp" else socketserver.ThreadingUnixStreamServer
    server = kind(("127.0.0.1", 0) if request.param == "tcp" else str(tmp_path / "clamd"), Clamd)
    server.seen, server.says = [], b"stream: OK\0"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_address[1]}" if request.param == "tcp" else str(tmp_path / "clamd")
    settings.SCANNER_URL = f"clamd://{place}"
    yield server
    server.shutdown()
    server.server_close()


def upload(partner, content: bytes) -> Document:
    return documents.upload(partner=partner, kind="registration", filename="r", content=content, by=PUBLIC)


def test_clean_one_goes_on_to_review(clamd, active, by_operator):
    document = upload(active, files.pdf())
    assert document.state == "scanning"
    with pytest.raises(StaleState):
        documents.accept(document=document, by=by_operator)
    assert documents.scan_due() == 1
    document.refresh_from_db()
    assert document.state == "waiting"
    assert clamd.seen == [documents.read(document)]
    documents.accept(document=document, by=by_operator)


def test_infected_one_is_deleted_and_told(clamd, active, django_capture_on_commit_callbacks):
    document = upload(active, files.png())
    place = document.file.path
    with django_capture_on_commit_callbacks(execute=True):
        documents.scan_due()
    document.refresh_from_db()
    assert (document.state, document.reason) == ("infected", "The virus scanner found Win.Test.EICAR_HDB-1.")
    assert not Path(place).exists()
    assert Event.objects.filter(type="document.infected", partner_id=active.pk).exists()


@pytest.mark.parametrize("clamd", ["tcp"], indirect=True)
def test_answer_that_is_no_verdict_holds_it_back(clamd, active):
    clamd.says = b"INSTREAM size limit exceeded. ERROR\0"
    document = upload(active, files.pdf())
    assert documents.scan_due() == 0
    document.refresh_from_db()
    assert document.state == "scanning"


class TestUnreachable:
    @pytest.fixture
    def document(self, settings, tmp_path, active) -> Document:
        settings.SCANNER_URL = f"clamd://{tmp_path / 'nobody'}"
        return upload(active, files.pdf())

    def test_nobody_opens_it(self, document, operator, signed_in, active):
        documents.scan_due()
        client = Client()
        client.force_login(operator)
        assert client.get(f"/admin/partners/document/{document.pk}/content").status_code == 404
        assert client.get(f"/admin/partners/document/{document.pk}/pages/1").status_code == 404
        assert "has not seen it yet" in client.get(f"/admin/partners/document/{document.pk}/change/").content.decode()
        owner = signed_in(active, "owner")
        assert owner.get(f"/p/globex/documents/{document.public_id}").status_code == 404
        assert "Waiting for the virus scan" in owner.get("/p/globex/verification/").content.decode()

    def test_it_is_asked_again_later_and_later(self, document, monkeypatch):
        assert documents.scan_due() == 0
        assert documents.scan_due() == 0, "not at once"
        first = Document.objects.get().scan_due_at
        assert timedelta(seconds=5) < first - clock.now() <= timedelta(seconds=10)
        Document.objects.update(scan_due_at=clock.now())
        documents.scan_due()
        assert Document.objects.get().scan_due_at - clock.now() > timedelta(seconds=20)

    def test_it_can_be_taken_back(self, document):
        documents.remove(document=document, by=PUBLIC)
        assert not Document.objects.exists()

    def test_submission_waits_for_no_scanner_but_approval_does(self, document, active):
        active.verified_at = None
        active.save()
        assert onboarding.missing(active) == []
        assert [str(each) for each in onboarding.missing(active, accepted=True)] == ["Company registration"]
