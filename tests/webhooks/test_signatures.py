"""Signatures by `openssl` (make_vectors.py), judged by our own code, by others' libraries, and by the receivers of the docs."""

import datetime
import http.client
import json
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook

from tests.deploy.conftest import free_port
from tests.webhooks.receiving import CHECKS, LANGUAGES, Command, Language, environment
from webhooks import signing

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())
SHARED = [vector for vector in VECTORS if all(key.startswith("whsec_") for key in vector["keys"])]
LARGEST = 1024 * 1024


def judged(command: Command, folder: Path, vectors: list[dict[str, Any]]) -> dict[str, bool]:
    """What a program says of each vector."""
    fields = ("id", "timestamp", "signature", "body", "now")
    lines = [
        "\t".join(
            b64encode(str(text).encode()).decode() for text in (" ".join(vector["keys"]), *(vector[name] for name in fields))
        )
        for vector in vectors
    ]
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60
    )
    assert not done.returncode, done.stderr
    said = [line == "1" for line in done.stdout.split()]
    return dict(zip((vector["name"] for vector in vectors), said, strict=True))


def expected(vectors: list[dict[str, Any]]) -> dict[str, bool]:
    return {vector["name"]: vector["valid"] for vector in vectors}


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS) >= 40


def test_our_signatures_are_the_same() -> None:
    def signed(vector: dict[str, Any]) -> str:
        facts = {"message_id": vector["id"], "timestamp": int(vector["timestamp"]), "body": vector["body"].encode()}
        return " ".join(signing.sign(key, **facts) for key in vector["signers"])

    made = [vector for vector in VECTORS if vector["signers"]]
    assert {vector["name"]: signed(vector) for vector in made} == {vector["name"]: vector["signature"] for vector in made}


def test_we_verify_them() -> None:
    def fits(vector: dict[str, Any]) -> bool:
        facts = {name: vector[name] for name in ("timestamp", "now")} | {"signatures": vector["signature"]}
        return any(signing.verify(key, message_id=vector["id"], body=vector["body"].encode(), **facts) for key in vector["keys"])

    assert {vector["name"]: fits(vector) for vector in VECTORS} == expected(VECTORS)


def test_standardwebhooks_of_pypi_verifies_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def fits(vector: dict[str, Any], key: str) -> bool:
        class Then(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> "Then":
                return cls.fromtimestamp(vector["now"], tz)

        monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Then)
        headers = {f"webhook-{name}": vector[name] for name in ("id", "timestamp", "signature")}
        try:
            Webhook(key).verify(vector["body"], headers, json_parse=False)
        except (standardwebhooks.WebhookVerificationError, ValueError):
            return False
        return True

    assert {each["name"]: any(fits(each, key) for key in each["keys"]) for each in SHARED} == expected(SHARED)


def test_standardwebhooks_of_npm_verifies_them(tmp_path: Path) -> None:
    if not (CHECKS / "node_modules").exists():
        pytest.skip("standardwebhooks of npm is not installed: npm ci --prefix tests/webhooks/receivers")
    assert judged(["node", CHECKS / "npm.js"], tmp_path, SHARED) == expected(SHARED)


@pytest.fixture(scope="module", params=LANGUAGES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Language, Path]:
    """A receiver, ready to run, and the folder where it is."""
    language, folder = request.param, tmp_path_factory.mktemp("receiver")
    language.ready(folder)
    return language, folder


def test_receiver_verifies_them(built: tuple[Language, Path]) -> None:
    language, folder = built
    assert judged(language.check(folder), folder, VECTORS) == expected(VECTORS)


class Running:
    """A receiver that has been started, with a shared secret and a public key."""

    def __init__(self, language: Language, folder: Path, inbox: Path) -> None:
        self.secret, self.private, self.inbox, self.port = signing.new_secret(), signing.new_private_key(), inbox, free_port()
        keys = f"{self.secret} {signing.public_key(self.private)}"
        settings = {"WEBHOOK_KEYS": keys, "PORT": str(self.port), "INBOX": str(inbox)}
        self.log = folder / "receiver.log"
        with self.log.open("wb") as log:
            command, env = language.serve(folder, self.port), environment(folder) | settings
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)

    def ask(self, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> int:
        deadline = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request(method, "/hooks", body, headers or {})
                return connection.getresponse().status
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "it does not listen"
                time.sleep(0.02)
            finally:
                connection.close()

    def deliver(self, key: str, message_id: str, body: bytes, *, sent: bytes | None = None, ago: int = 0) -> int:
        """What it answers to a delivery, signed `ago` seconds ago; `sent` is another body than the one that was signed."""
        timestamp = int(time.time()) - ago
        signature = "v9,abcd " + signing.sign(key, message_id=message_id, timestamp=timestamp, body=body)
        headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
        return self.ask("POST", body if sent is None else sent, headers)

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.inbox.iterdir()}


@pytest.fixture
def running(built: tuple[Language, Path], tmp_path: Path) -> Iterator[Running]:
    receiver = Running(*built, tmp_path / "inbox")
    yield receiver
    receiver.process.terminate()
    receiver.process.wait(20)


def test_receiver_takes_each_event_once_and_nothing_forged(running: Running) -> None:
    body = '{"type": "course.completed", "title": "Größe 🙂"}'.encode()
    assert running.deliver(running.secret, "evt_1", body) == 204
    assert running.deliver(running.secret, "evt_1", body) == 204, "had before"
    assert running.deliver(running.private, "evt_2", b"") == 204
    assert running.deliver(running.secret, "evt_3", body, sent=body + b" ") == 400
    assert running.deliver(signing.new_secret(), "evt_3", body) == 400
    assert running.deliver(running.private, "evt_3", body, ago=310) == 400
    assert running.deliver(running.secret, "../evt_3", body) == 400
    assert running.ask("POST", body) == 400
    assert running.ask("GET") in {405, 501}
    assert running.kept() == {"evt_1.json": body, "evt_2.json": b""}
    assert running.log.read_text().count("received") == 2
