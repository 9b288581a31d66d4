"""A program for a network namespace of its own, in which *every* address leads to one listener: what is reached shows.

Given on stdin `{"addresses": […], "urls": […]}`, it says what the guarded client made of each, and of names whose server (which
speaks true DNS) changes its mind; and at which addresses the listener was reached meanwhile. See test_ssrf.py.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.conf import settings

PUBLIC = {"93.184.216.34", "2606:4700::1111"}
"""Addresses where a delivery may arrive; they are this namespace's own, as all others are."""
PORTS = (80, 443, 8080)
NO_MEANS = "The machine allows no namespace with networks of both families"
Step = dict[str, Any]

# What the name server says, look-up by look-up; the last holds for good. Whatever isn't here is at 127.0.0.1.
ZONES: dict[str, list[Step]] = {
    "public.example": [{"A": ["93.184.216.34"], "AAAA": ["2606:4700::1111"]}],
    "inner.example": [{"A": ["127.0.0.1"]}],
    "metadata.example": [{"A": ["169.254.169.254"]}],
    "zero.example": [{"A": ["0.0.0.0"]}],
    "inner6.example": [{"AAAA": ["::1"]}],
    "mapped.example": [{"AAAA": ["::ffff:127.0.0.1"]}],
    "nat64.example": [{"AAAA": ["64:ff9b::7f00:1"]}],
    "alias.example": [{"CNAME": "router.home.arpa", "A": ["192.168.1.1"]}],
    "mixed.example": [{"A": ["93.184.216.34", "10.0.0.8"]}],
    "mixed-backwards.example": [{"A": ["10.0.0.8", "93.184.216.34"]}],
    "mixed-families.example": [{"A": ["93.184.216.34"], "AAAA": ["fd00::1"]}],
    "mixed-families-backwards.example": [{"A": ["172.16.0.1"], "AAAA": ["2606:4700::1111"]}],
    "last-of-many.example": [{"A": [*["93.184.216.34"] * 20, "127.0.0.1"]}],
    "turns.example": [{"A": ["93.184.216.34"]}, {"A": ["127.0.0.1"]}],
    "flickers.example": [{"A": [address]} for address in ["93.184.216.34", "127.0.0.1"] * 20],
    "grows.example": [{"A": ["93.184.216.34"]}, {"A": ["93.184.216.34", "127.0.0.1"]}],
    "changes-family.example": [{"A": ["93.184.216.34"]}, {"AAAA": ["::1"]}],
}
# A single visit; and twice, on a connection of its own each.
ONCE = [name for name, steps in ZONES.items() if len(steps) == 1 and name != "public.example"]
TWICE = [name for name, steps in ZONES.items() if len(steps) > 1]
REDIRECTS = {
    "301": "http://127.0.0.1/",
    "302": "http://169.254.169.254/latest/meta-data/",
    "303": "//10.0.0.1:8080/",
    "307": "http://[::1]/",
    "308": "http://inner.example/",
}


def all_addresses_are_ours() -> None:
    """`ip link set lo up; ip route add local default dev lo`, for both families, and PUBLIC as addresses of `lo`."""
    with socket.socket() as probe:
        flags = struct.unpack("16sh", fcntl.ioctl(probe, 0x8913, struct.pack("16sh", b"lo", 0)))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP
    for family in (socket.AF_INET, socket.AF_INET6):
        size = 32 if family == socket.AF_INET else 128
        netlink(24, struct.pack("BBBBBBBBI", family, 0, 0, 0, 255, 3, 254, 2, 0), {4: struct.pack("I", 1)})  # RTM_NEWROUTE
        for address in PUBLIC:
            if (":" in address) == (family == socket.AF_INET6):
                raw = socket.inet_pton(family, address)
                netlink(20, struct.pack("BBBBI", family, size, 0, 0, 1), {1: raw, 2: raw})  # RTM_NEWADDR


def netlink(kind: int, body: bytes, attributes: dict[int, bytes]) -> None:
    """One message of rtnetlink(7), and its acknowledgement."""
    for number, value in attributes.items():
        body += struct.pack("HH", 4 + len(value), number) + value
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(struct.pack("IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
        error = struct.unpack_from("i", kernel.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


class Listener:
    """At every address on PORTS: answers HTTP, and remembers where it was reached."""

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self._sockets = [socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) for port in PORTS]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            for ready in select.select(self._sockets, [], [])[0]:
                taken = ready.accept()[0]
                self.reached.add(taken.getsockname()[0].removeprefix("::ffff:"))
                threading.Thread(target=self._answer, args=(taken,), daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        with taken, contextlib.suppress(OSError):
            line = taken.recv(65_536).split(b" ")  # empty from whoever only connects
            path = line[1].decode().strip("/") if len(line) > 1 else ""
            status = path if path in REDIRECTS else "200"
            where = f"Location: {REDIRECTS[path]}\r\nRefresh: 0; url={REDIRECTS[path]}\r\n" if path in REDIRECTS else ""
            taken.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n{where}Connection: close\r\n\r\n".encode())

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[str]]:
        """What is reached during the block, filled in at its end."""
        self.reached.clear()
        found: list[str] = []
        yield found
        found += sorted(self.reached)


class NameServer:
    """Answers A and AAAA from ZONES by UDP (RFC 1035), nothing to be kept by anybody."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[str, str]] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(4_096)
            self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += 1 + length
        kind = {1: "A", 28: "AAAA"}.get(struct.unpack_from("!H", question, at + 1)[0], "")
        name = ".".join(labels).lower()
        steps = ZONES.get(name, [{"A": ["127.0.0.1"]}])
        step = steps[min(self._asked[name, kind], len(steps) - 1)]
        self._asked[name, kind] += 1
        family = socket.AF_INET if kind == "A" else socket.AF_INET6
        records, owner = [], b"\xc0\x0c"
        if alias := step.get("CNAME"):
            target = b"".join(bytes([len(label)]) + label.encode() for label in alias.split(".")) + b"\0"
            records.append(record(owner, 5, target))
            owner = target
        records += [record(owner, 1 if kind == "A" else 28, socket.inet_pton(family, text)) for text in step.get(kind, [])]
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(records), 0, 0)
        return head + question[12 : at + 5] + b"".join(records)


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def use_name_server() -> None:
    """Put our own in the place of the machine's, in this namespace."""
    with tempfile.NamedTemporaryFile("w") as mine:
        mine.write("nameserver 127.0.0.1\noptions timeout:4 attempts:1\n")
        mine.flush()
        subprocess.run(["mount", "--bind", mine.name, "/etc/resolv.conf"], check=True)


def reachable(address: str) -> bool:
    """Whether a program without a guard gets there: else it would say nothing that the guarded one doesn't."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.settimeout(1)
        probe.connect((address, 8080))
        return True
    return False


async def outcome(asked: Callable[[], Awaitable[Any]]) -> str:
    from core.outbound import Refused, Unreachable

    try:
        return str(getattr(await asked(), "status", "taken"))
    except Refused:
        return "refused"
    except Unreachable as failure:
        return f"unreachable: {failure.reason}"


async def main() -> dict[str, Any]:
    from core.addresses import check_url
    from core.outbound import Client, Dialer

    given = json.load(sys.stdin)
    listener, _names, dialer = Listener(), NameServer(), Dialer()

    async def fetch(url: str) -> str:
        async with Client() as client:
            return await outcome(lambda: client.fetch("POST", url, body=b"{}", timeout=10))

    async def dial(origin: str) -> str:
        return await outcome(lambda: dialer.connect(asyncio.Protocol, origin, seconds=10))

    async def check(url: str) -> str:
        return await outcome(lambda: asyncio.to_thread(check_url, url))

    said: dict[str, Any] = {}
    hosts = {
        address: f"http://[{address}]:8080/" if ":" in address else f"http://{address}:8080/" for address in given["addresses"]
    }
    with ThreadPoolExecutor(len(hosts)) as threads:
        said["without a guard"] = [host for host, there in zip(hosts, threads.map(reachable, hosts), strict=True) if there]
    said["public"] = {way.__name__: await way("http://public.example:8080") for way in (fetch, dial, check)}
    with listener.watched() as reached:
        said["addresses"] = {address: [await fetch(url), await dial(url), await check(url)] for address, url in hosts.items()}
        said["urls"] = {url: [await fetch(url), await dial(url), await check(url)] for url in given["urls"]}
        said["names"] = {
            name: [await fetch(f"http://{name}/"), await dial(f"http://{name}"), await check(f"http://{name}/")] for name in ONCE
        }
    said["reached by those"] = reached
    with listener.watched() as reached:
        said["turning names"] = {name: [await check(f"http://{name}/"), await fetch(f"http://{name}/")] for name in TWICE}
        said["flickering"] = sorted({await fetch("http://flickers.example/") for _ in range(20)})
        said["redirects"] = {path: await fetch(f"http://public.example/{path}") for path in REDIRECTS}
    said["reached by the others"] = reached
    return said


if __name__ == "__main__":
    settings.configure(ALLOW_LOCAL_TARGETS=False, PRIVATE_UPSTREAMS=(), BASE_URL="https://portico.example", USE_I18N=False)
    django.setup()
    try:
        all_addresses_are_ours()
        use_name_server()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{NO_MEANS}: {error}")
    print(json.dumps(asyncio.run(main())))
