"""No route of the API gives one partner what is another's, or the other environment's, or says that it exists.

The routes are read from the OpenAPI document of the running platform, so a route that is added later is asked here without
being named. What has to be named is how an object of each kind comes to be: a route whose kind is missing in MAKERS fails.
"""

import pytest

from tests import routes as described
from tests.platform import Api, Gateway, Member
from tests.routes import MAKERS, ROOT, Route

# What is the same for every partner, such as a catalogue.
SHARED = frozenset({"event-types", "marketplace/integrations", "terms"})

# Kinds that belong to a partner as a whole and to no environment of it.
OF_BOTH_ENVIRONMENTS = frozenset(
    {"notifications", "partner/documents", "partner/invitations", "partner/members", "partner/tier-requests"}
)


@pytest.fixture(scope="module")
def routes(platform: Gateway) -> list[Route]:
    document = platform.get("/api/schema?format=json").expect(200).json
    found = list(described.read(document))
    assert len(found) > 20, "the document is all but empty"
    return found


@pytest.fixture(scope="module")
def owned(routes: list[Route]) -> list[Route]:
    """Partners' routes that name an object."""
    return [route for route in routes if route.audience == "partner" and route.has_id and route.kind not in SHARED]


def test_each_kind_can_be_made(owned: list[Route]) -> None:
    missing = sorted({route.kind for route in owned} - MAKERS.keys())
    assert not missing, f"add to MAKERS in {described.__file__} how an object of each of these comes to be: {', '.join(missing)}"


@pytest.fixture
def objects(acme: Member, owned: list[Route]) -> dict[str, str]:
    """An object of Acme's of each kind, by kind."""
    return {kind: MAKERS[kind](acme) for kind in sorted({route.kind for route in owned} & MAKERS.keys())}


def _asked(api: Api, route: Route, path: str) -> str:
    answer = api.request(route.method, path.removeprefix(api.root), route.body)
    if answer.status == 404 and answer["code"] == "not_found":
        return ""
    return f"{route} answered {answer.status} {answer.body[:200]!r}"


def test_owner_sees_each_of_them(acme: Member, owned: list[Route], objects: dict[str, str]) -> None:
    """So that the refusals below are about who asks, and not about an id that is nobody's."""
    shown = {route.kind: route for route in owned if route.method == "GET" and route.path.count("{") == 1}
    for kind, route in shown.items():
        acme.api.get(route.with_id(objects[kind]).removeprefix(ROOT)).expect(200)


def test_strangers_are_told_that_there_is_nothing(
    globex: Member, initech: Member, owned: list[Route], objects: dict[str, str]
) -> None:
    faults = [
        fault
        for route in owned
        for stranger in (globex, initech)
        if (fault := _asked(stranger.api, route, route.with_id(objects[route.kind])))
    ]
    assert not faults, "\n".join(faults)


def test_other_environment_is_told_that_there_is_nothing(acme: Member, owned: list[Route], objects: dict[str, str]) -> None:
    bound = [route for route in owned if route.kind not in OF_BOTH_ENVIRONMENTS]
    faults = [fault for route in bound if (fault := _asked(acme.test_api, route, route.with_id(objects[route.kind])))]
    assert not faults, "\n".join(faults)


def test_lists_of_strangers_hold_none_of_them(globex: Member, acme: Member, routes: list[Route], objects: dict[str, str]) -> None:
    lists = [route for route in routes if route.audience == "partner" and route.method == "GET" and not route.has_id]
    for api, but in ((globex.api, frozenset()), (acme.test_api, OF_BOTH_ENVIRONMENTS)):
        for route in lists:
            text = api.get(route.path.removeprefix(ROOT)).body.decode("utf-8", "replace")
            seen = [public_id for kind, public_id in objects.items() if kind not in but and public_id in text]
            assert not seen, f"{route} shows {seen}"


def test_nobody_is_asked_for_a_credential(gateway: Gateway, routes: list[Route]) -> None:
    faults = []
    for route in routes:
        if route.audience != "public":
            answer = gateway.request(route.method, route.with_id("nothing"), route.body)
            if (answer.status, answer.json.get("code")) != (401, "missing_credential"):
                faults.append(f"{route} answered {answer.status} {answer.body[:200]!r}")
    assert not faults, "\n".join(faults)


def test_partner_finds_no_operator_route(acme: Member, gateway: Gateway, routes: list[Route]) -> None:
    api = Api(gateway, acme.api.key, root="")
    faults = [
        fault for route in routes if route.audience == "operator" and (fault := _asked(api, route, route.with_id("nothing")))
    ]
    assert not faults, "\n".join(faults)


def test_operator_finds_no_partner_route(operator: Api, gateway: Gateway, routes: list[Route], objects: dict[str, str]) -> None:
    api = Api(gateway, operator.key, root="", header="Authorization")
    faults = [
        fault
        for route in routes
        if route.audience == "partner" and (fault := _asked(api, route, route.with_id(objects.get(route.kind, "nothing"))))
    ]
    assert not faults, "\n".join(faults)
