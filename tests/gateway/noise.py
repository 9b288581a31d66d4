"""Requests that no client in its right mind sends, made from a seed: credentials, paths, headers and framings."""

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_letters, digits

ALPHABETS = [ascii_letters + digits, "0OIl1", "äöüßéñ", "\u0080\u00a0\u00ff", "𝟘𝟙Ａｐ", "%$#@!~`'\"\\", " \t", "\x00\x01\x1b\x7f"]
KEYS, OPERATION = "/api/partner/v1/keys", "/api/partner/v1/health"


@dataclass(frozen=True)
class Sent:
    """A request, and whether the connection serves on after the answer."""

    kind: str
    data: bytes
    goes_on: bool


class Noise:
    """A stream of requests from a seed. Each names an address of its own in X-Forwarded-For, as a proxy would."""

    def __init__(self, seed: int, key: str, slug: str) -> None:
        self.random = random.Random(seed)
        self.key, self.slug = key, slug
        self.kinds: list[tuple[str, Callable[[], tuple[bytes, bool]]]] = [
            ("credential", self._credential), ("credential", self._credential), ("path", self._path), ("path", self._path),
            ("header", self._header), ("framing", self._framing), ("question", self._question), ("bytes", self._bytes),
        ]  # fmt: skip

    def next(self) -> Sent:
        """The next request."""
        kind, make = self.random.choice(self.kinds)
        data, goes_on = make()
        return Sent(kind, data, goes_on)

    def _text(self, longest: int = 40) -> str:
        letters = self.random.choice(ALPHABETS)
        return "".join(self.random.choices(letters, k=self.random.randint(0, longest)))

    def _mutated(self, text: str) -> str:
        """The text with something left out, doubled, put in or turned around."""
        at, other = self.random.randint(0, len(text)), self.random.randint(0, len(text))
        low, high = min(at, other), max(at, other)
        return self.random.choice(
            [
                text[:low] + text[high:], text[:at] + self._text(6) + text[at:], text + text[low:high], text.swapcase(),
                text[::-1], text[:at], text * self.random.randint(2, 30),
                text[:at] + self.random.choice(ascii_letters) + text[at + 1 :],
            ]
        )  # fmt: skip

    def _request(self, target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
        address = ".".join(str(self.random.randint(1, 254)) for _ in range(3))
        lines = [f"{method} {target} HTTP/1.1", "Host: x", f"X-Forwarded-For: 100.{address}", *headers, "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogatepass") + body

    def _credential(self) -> tuple[bytes, bool]:
        """None of these is a key of anybody's."""
        parts = [self._text(), self._text(8), self._encoded(self._text())]
        jwt = ".".join(self._encoded(self._json()) for _ in range(self.random.randint(1, 4)))
        made = self.random.choice(
            [
                f"{self._mutated(self.key)}!", f"pk_live_{self._text(60)}", f"pk_test_{parts[0]}", f"po_{parts[0]}",
                jwt, f"eyJ{jwt}", f"eyJhbGciOiJub25lIn0.{jwt}.", "x" * self.random.randint(1, 9_000), *parts, "pk_live_", "",
            ]
        )  # fmt: skip
        made = made.replace("\r", "").replace("\n", "")
        header = self.random.choice(
            [
                f"X-API-Key: {made}", f"Authorization: Bearer {made}", f"authorization:bearer {made}", f"Authorization: {made}",
                f"Authorization: Basic {self._encoded(made)}", f"X-API-Key: {made}\r\nX-API-Key: {parts[0]}!",
                f"X-API-Key: {made}\r\nAuthorization: Bearer {parts[1]}!", f"X-Api-Key:{made}\r\nX-API-Secret: {parts[0]}",
                f"Authorization: Digest username={parts[1]}", f"Cookie: portico_session={parts[0]}",
            ]
        )  # fmt: skip
        return self._request(self.random.choice([KEYS, f"/apis/{self.slug}/x", "/api/operator/v1/partners"]), header), True

    def _encoded(self, text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _json(self) -> str:
        return self.random.choice(
            [
                '{"alg":"none"}',
                f'{{"alg":"RS256","kid":"{self._text(8)}"}}',
                '{"sub":1}',
                "{}",
                "[]",
                "null",
                '{"alg":"HS256"}',
                "{",
            ]
        )

    def _path(self) -> tuple[bytes, bool]:
        base = self.random.choice(
            [KEYS, OPERATION, f"/apis/{self.slug}/x", "/api/requests", "/gateway/authorize", "/gateway/metrics"]
        )
        odd = [
            "/", "//", "/.", "/..", "%2e%2e", "%2f", "%5c", "\\", "%00", "%25", "%c0%ae", "%zz", "%", ";", ";/../", "é", "\u202e",
            "<", '"', "..;/", "%0d%0a", "?", "?é", '?"<', "&", "#", "~", "%F0%9F%92%A5", "%ff", "\x7f", ":", "@",
            "x" * self.random.randint(1, 9_000),
        ]  # fmt: skip
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randint(1, len(base))
            base = base[:at] + self.random.choice(odd) + base[at:]
        if self.random.random() < 0.1:
            base = self.random.choice(["http://evil.example", "https://u:p@x:1", "//x", "ftp://x", "*", ""]) + base
        method = self.random.choice(["GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "PROPFIND"])
        headers = [f"X-API-Key: {self.key}"] if self.random.random() < 0.5 else []
        return self._request(base.replace(" ", "").replace("\r", ""), *headers, method=method), method != "HEAD"

    def _header(self) -> tuple[bytes, bool]:
        name = self.random.choice(
            [
                "Host", "Connection", "Accept", "Cookie", "Idempotency-Key", "X-Request-Id", "Content-Type", "Expect", "Upgrade",
                "TE", "Range", "If-None-Match", "Portico-Identity", "X_API_Key", "X-Partner-Id", "X-Forwarded-Host", "User-Agent",
                "Via", "Accept-Language", "Content-Encoding", "Forwarded", "X-Forwarded-Proto", self._text(12),
            ]
        )  # fmt: skip
        value = self.random.choice(
            [self._text(200), "close", "keep-alive", "100-continue", "websocket", "h2c", ",", "x" * 40_000]
        )
        separator = self.random.choice([":", ": ", " : ", "", ":\r\n ", ":\t", "=", ":\n", ":\r"])
        header = f"{name}{separator}{value}"
        headers = [header] * self.random.choice([1, 1, 1, 2, 3, 200])
        key = [f"X-API-Key: {self.key}"] if self.random.random() < 0.3 else []
        return self._request(self.random.choice([OPERATION, KEYS]), *key, *headers), False

    def _framing(self) -> tuple[bytes, bool]:
        body = self.random.choice(
            [b"", b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", self._raw()]
        )
        length = self.random.choice(
            [str(len(body)), "0", "-1", "+1", "1e3", "99999999999999999999", "0x5", "5, 5", "", "５", "10"]
        )
        coding = self.random.choice(
            ["chunked", "Chunked", "identity", "gzip, chunked", "chunked, chunked", "xchunked", "\x0bchunked"]
        )
        headers = self.random.choice(
            [
                [f"Content-Length: {length}"],
                [f"Transfer-Encoding: {coding}"],
                [f"Transfer-Encoding : {coding}"],
                [f"Content-Length: {length}", f"Transfer-Encoding: {coding}"],
                [f"Content-Length: {length}", f"Content-Length: {len(body)}"],
            ]
        )
        return self._request(KEYS, *headers, "Content-Type: application/json", method="POST", body=body), False

    def _question(self) -> tuple[bytes, bool]:
        uri = self._mutated(self.random.choice([KEYS, "/orders/7?x=1"]))
        method = self.random.choice(["GET", "POST", self._text(5)])
        names = self.random.choice([("X-Original-URI", "X-Original-Method"), ("X-Forwarded-Uri", "X-Forwarded-Method")])
        style = self.random.choice(["", "?style=nginx", "?style=x&scope=%ff", "?scope=keys:read"])
        key = [f"X-API-Key: {self.key}"] if self.random.random() < 0.5 else []
        return self._request(f"/gateway/authorize{style}", f"{names[0]}: {uri}", f"{names[1]}: {method}", *key), True

    def _bytes(self) -> tuple[bytes, bool]:
        whole = self._request(KEYS, f"X-API-Key: {self.key}!")
        at = self.random.randint(0, len(whole) - 5)
        return whole[:at] + self._raw() + whole[at + self.random.randint(0, 4) :], False

    def _raw(self) -> bytes:
        return self.random.randbytes(self.random.randint(0, 12))
