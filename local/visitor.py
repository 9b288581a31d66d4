"""Visitors of the platform from outside: a person with a browser, a program with a key. HTTP and nothing else.

Both bear a platform that is being restarted under them: what could not be sent or was answered 502, 503 or 504 is sent
again. Programs send the same Idempotency-Key again, so nothing happens twice; what persons do by forms is such that doing
it twice ends in the same state, and the story looks at the state afterwards.
"""

import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from types import MappingProxyType
from typing import Any
from uuid import uuid4

PATIENCE = 60.0
PAUSE = 0.25
AWAY = frozenset({502, 503, 504})


class Refused(Exception):
    """An answer that is not the one expected; the text says which, and what it said."""


@dataclass(frozen=True)
class Answer:
    """What came back. `url` is where redirects led."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    attempts: int = 1

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __getitem__(self, name: str) -> Any:
        return self.json[name]

    def expect(self, *statuses: int) -> "Answer":
        """This answer, if its status is one of these. Raises Refused."""
        if self.status not in statuses:
            said = " ".join(self.text.split())[:400]
            raise Refused(f"{self.url} answered {self.status} instead of {' or '.join(map(str, statuses))}: {said}")
        return self


@dataclass
class Program:
    """A program with a credential. Paths are those of the API; every POST carries an Idempotency-Key."""

    base_url: str
    key: str = ""
    token: str = ""

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, once: str = "") -> Answer:
        """`once` names the Idempotency-Key; a fresh one otherwise."""
        return self.call("POST", path, body, {"Idempotency-Key": once or uuid4().hex})

    def put(self, path: str, body: Any) -> Answer:
        return self.call("PUT", path, body)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """The answer of the platform, as often as it takes until there is one that is final."""
        sent = dict(headers or {})
        if self.key:
            sent["X-API-Key"] = self.key
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return _persist(opener, method, self.base_url + path, data, sent)


@dataclass
class Form:
    """A form as a page shows it, ready to be filled in."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)


@dataclass
class Person:
    """A person with a browser: cookies, links, forms."""

    base_url: str
    jar: CookieJar = field(default_factory=CookieJar)

    def __post_init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def open(self, path: str) -> Answer:
        """A page."""
        return _persist(self._opener, "GET", self._url(path), None, {})

    def submit(self, page: Answer, values: Mapping[str, str | list[str]] = MappingProxyType({}), *, having: str = "") -> Answer:
        """Fill in `values` and send a form of a page: the one that has the field `having`, else the one that is sent to the page
        itself. Raises Refused if there is none."""
        form = self._form(page, having)
        filled: list[tuple[str, str]] = []
        for name, value in {**form.values, **values}.items():
            filled += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        target = urllib.parse.urljoin(page.url, form.action)
        data = urllib.parse.urlencode(filled).encode()
        headers = {"Referer": page.url, "Content-Type": "application/x-www-form-urlencoded"}
        return _persist(self._opener, "POST", target, data, headers)

    def _url(self, path: str) -> str:
        return urllib.parse.urljoin(f"{self.base_url}/", path)

    @staticmethod
    def _form(page: Answer, having: str) -> Form:
        reader = _Forms()
        reader.feed(page.text)
        here = page.url.split("#")[0]
        for form in reader.forms:
            is_own = urllib.parse.urljoin(here, form.action).split("?")[0] == here.split("?")[0]
            if form.method == "post" and (having in form.fields if having else is_own):
                return form
        wanted = f"with the field {having!r}" if having else "of its own"
        raise Refused(f"{page.url} ({page.status}) has no form {wanted}; it says: {_words(page.text)[:300]}")


def _words(html: str) -> str:
    """What a page says in its main part, without markup."""
    main = html.partition("<main")[2] or html
    return " ".join(re.sub(r"<[^>]*>", " ", main.partition(">")[2]).split())


class _Forms(HTMLParser):
    """Reads the forms of a page with the values that they stand at."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        form, name = self._open, given.get("name", "")
        if form is None or not name:
            if form is not None and tag == "option" and self._select:
                self._choose(form, given)
            return
        if tag == "input":
            self._input(form, name, given)
        elif tag == "textarea":
            form.fields.add(name)
            form.values[name], self._area = "", name
        elif tag == "select":
            form.fields.add(name)
            self._select = name

    def _input(self, form: Form, name: str, given: dict[str, str]) -> None:
        form.fields.add(name)
        kind = given.get("type", "text")
        if kind in {"checkbox", "radio"}:
            if "checked" in given:
                form.values[name] = given.get("value") or "on"
        elif kind not in {"file", "button", "reset", "submit", "image"}:
            form.values[name] = given.get("value", "")

    def _choose(self, form: Form, given: dict[str, str]) -> None:
        if "selected" in given or self._select not in form.values:
            form.values[self._select or ""] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._open and self._area:
            self._open.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


def _persist(opener: urllib.request.OpenerDirector, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
    deadline, attempts = time.monotonic() + PATIENCE, 0
    while True:
        attempts += 1
        wait = PAUSE
        try:
            answer = _send(opener, method, url, data, headers, attempts)
            in_flight = answer.status == 409 and b'"idempotency_in_flight"' in answer.body
            if (answer.status not in AWAY and not in_flight) or time.monotonic() > deadline:
                return answer
            wait = min(float(answer.headers.get("retry-after", PAUSE)), 1.0)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                raise Refused(f"{url} could not be reached for {PATIENCE:.0f} s: {error}") from error
        time.sleep(wait)


def _send(
    opener: urllib.request.OpenerDirector, method: str, url: str, data: bytes | None, headers: dict[str, str], attempts: int
) -> Answer:
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310  (the platform's own address)
    try:
        with opener.open(request, timeout=30) as response:
            return Answer(response.status, _lower(response.headers), response.read(), response.url, attempts)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers), error.read(), error.url or url, attempts)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def until(look: Callable[[], Any], *, seconds: float, what: str, pause: float = PAUSE, hint: str = "") -> Any:
    """The first true thing that `look` finds. Raises Refused with `what` was waited for and `hint`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Refused(f"{what} did not happen within {seconds:.0f} s. {hint}".strip())
        time.sleep(pause)
