"""What the gateway needs to know of a server that it carries calls to: of an integration's, or of one of the operator's own."""

import re

import msgspec


class Upstream(msgspec.Struct, frozen=True):
    """Where calls are sent on to, and how much patience it deserves. Times are seconds."""

    url: str
    connect_timeout: float = 5.0
    head_timeout: float = 30.0
    """Until the head of the answer has come."""
    idle_timeout: float = 30.0
    """Between two parts of an answer."""
    stream_idle_timeout: float = 300.0
    """The same for event streams and WebSockets, which may have nothing to say for a while."""
    retries: int = 1
    """How often a call without effects and body is sent again if nothing at all came back."""
    websocket: bool = False
    private: bool = False
    """Whether it may be at an address that `PORTICO_PRIVATE_UPSTREAMS` lists."""


class Operation(msgspec.Struct, frozen=True):
    """What may be called under a route, and the scopes that this takes, all of them. Usage shows its `path`."""

    path: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    """Of the whole path below the route."""
    scopes: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True):
    """What stands under `/apis/<slug>/`. Ids are UUIDs as 32 hex digits."""

    id: str
    owner: str
    """The partner whose integration it is; "" for a product of the operator's own."""
    slug: str
    upstream: Upstream
    signing_secrets: tuple[str, ...]
    """The upstream gets a signature with each."""
    scopes: tuple[str, ...]
    """What a credential that calls must carry."""
    version: int
    """Of `core.versions`: a route of another version is stale."""
    live: bool
    """Whether calls are let through now."""
    test_upstream: Upstream | None = None
    """Where calls of the test environment go, if elsewhere."""
    has_test: bool = True
    """Whether there are calls of the test environment at all."""
    operations: tuple[Operation, ...] | None = None
    """The first that fits counts. None: whatever its upstream knows."""
    wants_installation: bool = True
    wants_rank: int = 0
    """The least rank of a caller's tier."""
    wants_tier: str = ""
    """The name of that tier."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """What else the upstream is sent."""
    tells_address: bool = False
    """Whether the upstream learns the address of the caller."""

    def upstream_of(self, environment: str) -> Upstream:
        """Where calls of an environment go."""
        return self.test_upstream if self.test_upstream is not None and environment == "test" else self.upstream
