"""No address that users give leads inwards: tried where every address would lead to a listener, were it not for the guard."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_addresses import INNER, SPELLINGS
from tests.core.walled import NO_MEANS, ONCE, PUBLIC, REDIRECTS, TWICE

ROOT = Path(__file__).parents[2]
NAMESPACES = (["unshare", "--net", "--mount"], ["unshare", "--map-root-user", "--net", "--mount"])


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What the program in the namespace saw."""
    able = [
        each
        for each in NAMESPACES
        if shutil.which("unshare") and not subprocess.run([*each, "true"], capture_output=True).returncode
    ]
    if not able:
        pytest.skip("a network namespace wants unshare(1), and root or user namespaces: apt-get install util-linux")
    done = subprocess.run(
        [*able[0], sys.executable, "-m", "tests.core.walled"],
        input=json.dumps({"addresses": INNER, "urls": SPELLINGS}),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.stderr.startswith(NO_MEANS):
        pytest.skip(done.stderr.splitlines()[0])
    assert not done.returncode, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_listener_is_everywhere(said: dict[str, Any]) -> None:
    """Else nothing could be learnt here."""
    assert len(said["without a guard"]) >= 45
    assert said["public"] == {"fetch": "200", "dial": "taken", "check": "taken"}


@pytest.mark.parametrize(("kind", "least"), [("addresses", 45), ("urls", 15), ("names", len(ONCE))])
def test_nothing_inner_is_reached(said: dict[str, Any], kind: str, least: int) -> None:
    assert len(said[kind]) >= least
    assert {case: outcomes for case, outcomes in said[kind].items() if outcomes != ["refused"] * 3} == {}
    assert said["reached by those"] == []


def test_name_that_turns_inward_after_the_check(said: dict[str, Any]) -> None:
    assert said["turning names"] == {name: ["taken", "refused"] for name in TWICE}
    assert set(said["flickering"]) == {"200", "refused"}, "each connection is judged by what is looked up for it"
    assert set(said["reached by the others"]) <= PUBLIC
    assert len(ONCE) + len(TWICE) >= 10


def test_redirects_inward_are_not_followed(said: dict[str, Any]) -> None:
    assert said["redirects"] == {status: status for status in REDIRECTS}
    assert set(said["reached by the others"]) <= PUBLIC
