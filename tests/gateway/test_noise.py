"""Whatever bytes are sent, the answer is a documented refusal or, where no harm was done to the request, the operation's.

`PORTICO_TRIALS=100000 python -m pytest -m slow tests/gateway/test_noise.py` sends as many, and prints what became of them.
"""

import asyncio
import json
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from core import problems
from core.actors import SYSTEM
from marketplace import installations
from tests.gateway.noise import Noise, Sent
from tests.gateway.processes import GatewayProcess
from tests.platform import member

pytestmark = pytest.mark.slow

TRIALS = int(os.environ.get("PORTICO_TRIALS", "3000"))
SEED = 20261123
AT_ONCE, CONNECTIONS = 6, 48
WAIT = 1.0
"""Seconds for an answer to what may be no whole request."""
MOST_GROWTH = 64 * 1024 * 1024
# What the operations that noise may hit after all answer with; 302 and 304 are pages'.
LEGITIMATE = {200, 201, 202, 204, 302, 304}


@pytest.fixture(scope="module")
def door(platform):
    """A gateway behind a proxy on this machine, which names the client's address: most noise comes from an address of its own."""
    with GatewayProcess(PORTICO_TRUSTED_PROXIES="127.0.0.0/8") as running:
        yield running


@pytest.fixture
def noise(platform, served) -> Noise:
    acme = member(platform, "Acme", tier="enterprise")  # without a quota: some noise does no harm, and is a call
    installations.install(integration=served.integration, partner=acme.partner, environment="live", by=SYSTEM)
    return Noise(SEED, acme.key(scopes=["keys:read", "requests:read"]).text, served.integration.slug)


def test_noise_is_refused_in_documented_words(door, noise, gateway, say):
    outcomes, unknown, sizes = Counter(), [], []

    async def send(batches):
        for number, batch in enumerate(batches):
            for sent, (status, code) in await exchange(door, batch):
                outcomes[sent.kind, status, code] += 1
                if not is_documented(sent, status, code) or (sent.kind == "credential" and status not in {400, 401, 429}):
                    unknown.append((sent.data[:300], status, code))
            if number % 100 == 10:
                sizes.append(memory(door))

    async def send_all():
        batches = batched(noise)
        await asyncio.gather(*(send(batches) for _ in range(CONNECTIONS)))

    asyncio.run(send_all())
    grown = memory(door) - sizes[0]
    say(told(outcomes, grown))
    door.get("/api/partner/v1/keys", key=noise.key, headers={"X-Forwarded-For": "198.51.100.1"}).expect(200)
    assert not unknown, "\n".join(map(str, unknown[:20]))
    assert grown < MOST_GROWTH
    for code in {code for _kind, _status, code in outcomes if code}:
        gateway.get(f"/developers/errors/{code}").expect(200)


def batched(noise):
    """As many requests as are tried, in groups for one connection: up to the first that may end it."""
    left = TRIALS
    while left > 0:
        batch = []
        while len(batch) < AT_ONCE and left > 0 and (not batch or batch[-1].goes_on):
            batch.append(noise.next())
            left -= 1
        yield batch


async def exchange(door, batch: list[Sent]) -> list[tuple[Sent, tuple[int, str]]]:
    """The whole answers to requests that are sent at once: status, and the code of a problem.

    What may be the beginning of a longer request may have none, for a while.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    answers = []
    try:
        writer.write(b"".join(sent.data for sent in batch))
        for sent in batch:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                try:
                    async with asyncio.timeout(60 if sent.goes_on else WAIT):
                        answers.append((sent, await read(reader, is_head=sent.data.startswith(b"HEAD "))))
                except TimeoutError:
                    assert not sent.goes_on, sent
                    break
    finally:
        writer.close()
    assert answers or not batch[0].goes_on, batch[0]
    return answers


async def read(reader, *, is_head: bool) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    version, status = head[0].split()[:2]
    assert version == b"HTTP/1.1"
    if status == b"100":
        return await read(reader, is_head=is_head)
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head[1:])}
    body = b""
    if headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    elif not is_head:
        body = await reader.readexactly(int(headers.get(b"content-length", 0)))
    if headers.get(b"content-type") != problems.CONTENT_TYPE.encode() or not body:
        return int(status), headers.get(b"x-portico-code", b"").decode()
    document = json.loads(body)
    assert document["status"] == int(status), document
    return int(status), document["code"]


def is_documented(sent: Sent, status: int, code: str) -> bool:
    """A problem of the catalogue, under its status (nginx is told 403), of which a HEAD sees the status alone; the answer of an
    operation; or a page that isn't there or wants no such request."""
    known = problems.catalogue().get(code)
    if known is not None:
        return status < 500 and status in {known.status, 403}
    if code or status >= 500:
        return False
    refusals = {kind.status for kind in problems.catalogue().values()} if sent.data.startswith(b"HEAD ") else {400, 403, 404, 405}
    return status in LEGITIMATE | refusals


def memory(door) -> int:
    """Of the gateway with all its processes, in bytes."""
    group = os.getpgid(door.process.pid)
    found = 0
    for each in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if each.name.isdigit() and os.getpgid(int(each.name)) == group:
                found += int((each / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found


def told(outcomes: Counter, grown: int) -> str:
    """What became of them, by kind."""
    kinds = sorted({kind for kind, _status, _code in outcomes})
    lines = [f"{TRIALS} requests, {sum(outcomes.values())} answers; memory grew by {grown / 1e6:.1f} MB"]
    for kind in kinds:
        of_kind = Counter({(status, code): count for (each, status, code), count in outcomes.items() if each == kind})
        said = [f"{count} × {status} {code}".rstrip() for (status, code), count in of_kind.most_common()]
        lines.append(f"  {kind}: {', '.join(said)}")
    return "\n".join(lines)
