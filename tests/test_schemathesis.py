"""The running platform keeps to its own OpenAPI document, whatever schemathesis makes of that: no answer is a fault of ours, and
each has a documented status, content type, headers and body; what breaks the schema is refused.

`PORTICO_TRIALS=200 python -m pytest -m slow tests/test_schemathesis.py` tries as many examples of each operation.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.processes import GatewayProcess
from tests.platform import ROOT, Api, Gateway, Member
from tests.platform import member as make_member
from tests.routes import MAKERS

pytestmark = pytest.mark.slow

TRIALS = os.environ.get("PORTICO_TRIALS", "4")
SETTINGS = """
seed = 1
workers = 1  # one after the other: the same calls find the same things
continue-on-failure = true
hooks = "tests.schemathesis_hooks"
warnings = false
[cache]
enabled = false
[generation]
database = "none"
with-security-parameters = false  # the caller's credential is in the headers; others are for tests/gateway/test_noise.py
[output.truncation]
enabled = false
[checks.positive_data_acceptance]
enabled = false  # no schema says that an id or a slug exists, a cursor is ours, an end comes after its start, a state allows it
[[operations]]
include-path-regex = "/keys/\\\\{public_id\\\\}"
[operations.checks.ensure_resource_availability]
enabled = false  # a live key may make a test key, which it can't see
[[operations]]
include-path-regex = "/keys/report-leak$"
[operations.checks.negative_data_rejection]
enabled = false  # what is no finding in a scanner's batch is left out, so that it doesn't hold up the others
"""


@pytest.fixture(scope="module")
def door(platform: Gateway) -> Iterator[GatewayProcess]:
    """A gateway that takes any number of strangers' calls and paths that don't exist."""
    with GatewayProcess(PORTICO_ADDRESS_RATE="10000000", PORTICO_GUESS_RATE="10000000") as running:
        yield running


@pytest.fixture
def acme(door: GatewayProcess) -> Member:
    """A partner that may do everything, as often as it likes."""
    return make_member(door, "Acme", tier="enterprise")


def run(door: Gateway, folder: Path, header: str, paths: str, ids: dict[str, list[str]], own_key: str = "") -> str:
    """Have schemathesis call the operations at these paths, and often with these ids; what it says. Raises AssertionError."""
    settings = folder / "schemathesis.toml"
    document = door.get("/api/schema?format=json").expect(200).json
    settings.write_text(SETTINGS + "\n".join(with_ids(document["paths"], ids)))
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "--config-file", str(settings)]
    command += ["run", f"{door.base_url}/api/schema?format=json", "--url", door.base_url, "--no-color", "--max-examples", TRIALS]
    command += ["--include-path-regex", paths, *(["--header", header] if header else ["--phases", "examples,fuzzing"])]
    env = os.environ | {"PORTICO_OWN_KEY": own_key}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-60_000:]}\n{done.stderr[-4_000:]}"
    return done.stdout


def with_ids(paths: dict[str, Any], ids: dict[str, list[str]]) -> Iterator[str]:
    """The part of the settings that names ids by the collection that stands before them in the path."""
    places = {path: found for path in paths if (found := re.match(r"(.*?)/\{(\w+)\}", path)) and ids.get(found[1])}
    names = {found[1]: f"d{number}" for number, found in enumerate(places.values())}
    for collection, name in names.items():
        yield f"[dictionaries.{name}]\nvalues = {json.dumps(ids[collection])}"
    for path, found in places.items():
        bound = f'{{ dictionary = "{names[found[1]]}", probability = 0.8 }}'
        yield f'[[operations]]\ninclude-path = "{path}"\n[operations.parameters]\n"path.{found[2]}" = {bound}'


def listed(api: Api, *collections: str) -> dict[str, list[str]]:
    """The ids of what there is, by the collection's path."""
    rows = {each: api.get(f"/{each}?limit=20").expect(200)["data"] for each in collections}
    return {f"{api.root}/{each}": [row.get("id") or row["requestId"] for row in found] for each, found in rows.items()}


def test_a_partners_calls(door: GatewayProcess, acme: Member, tmp_path: Path, say: Any) -> None:
    own = acme.api
    ids = {f"{own.root}/{kind}": [make(acme) for _ in range(few(kind))] for kind, make in MAKERS.items()}
    ids |= {f"{own.root}/event-types": ["key.created"], f"{own.root}/partners": [acme.partner.slug]}
    header, own_key = f"X-API-Key: {own.key}", acme.keys[0].key.public_id
    say(figures(run(door, tmp_path, header, "^/api/partner/", ids, own_key)))


def test_an_operators_calls(door: GatewayProcess, acme: Member, operator: Api, tmp_path: Path, say: Any) -> None:
    for kind in ("partner/documents", "integrations", "requests", "billing/invoices", "billing/payouts"):
        for _ in range(few(kind)):
            MAKERS[kind](acme)
    ids = listed(Api(door, operator.key, operator.root, operator.header), "documents", "integrations", "requests", "payouts")
    ids[f"{operator.root}/partners"] = [make_member(door, "Globex").partner.public_id for _ in range(3)]
    say(figures(run(door, tmp_path, f"Authorization: Bearer {operator.key}", "^/api/operator/", ids)))


def test_a_strangers_calls(door: GatewayProcess, tmp_path: Path, say: Any) -> None:
    say(figures(run(door, tmp_path, "", "^/", {})))


def few(kind: str) -> int:
    """How many of a kind there are, so that one is left when others are gone. Of some there is one at a time."""
    return 1 if kind in {"billing/invoices", "partner/tier-requests"} else 3


def figures(said: str) -> str:
    """The program's own count."""
    return " ".join(said[said.index("API Operations:") :].split())
