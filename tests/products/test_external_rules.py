"""The texts of an API product, line by line."""

import pytest

from products.external import rules


@pytest.mark.parametrize(
    ("path", "fits", "fits_not"),
    [
        ("/orders", ["/orders", "/orders/"], ["/orders/1", "/ordersx", "/Orders", ""]),
        ("/orders/{id}", ["/orders/1", "/orders/ä b/"], ["/orders", "/orders/", "/orders/1/lines"]),
        ("/files/{path...}", ["/files", "/files/", "/files/a/b"], ["/filesx", "/file"]),
        ("/{path...}", ["", "/", "/a/b"], []),
        ("/", ["", "/"], ["/a"]),
        ("/v1.0/a", ["/v1.0/a"], ["/v1x0/a"]),
    ],
)
def test_patterns(path, fits, fits_not):
    pattern = rules.pattern(path)
    assert [each for each in fits if not pattern.fullmatch(each)] == []
    assert [each for each in fits_not if pattern.fullmatch(each)] == []


def test_operations_have_methods_and_scopes():
    found, mistakes = rules.operations("GET,POST /a o:read o:write\n\n  *  /b", ["o:read", "o:write"])
    assert mistakes == []
    assert [(each.methods, each.path, each.scopes) for each in found] == [
        ({"GET", "HEAD", "POST"}, "/a", ("o:read", "o:write")),
        (set(rules.METHODS), "/b", ()),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("FETCH /a", "FETCH is no method"),
        ("GET", "comes a path"),
        ("GET a", "comes a path"),
        ("GET /a//b", "no part of a path"),
        ("GET /a/../b", "no part of a path"),
        ("GET /{path...}/b", "no part of a path"),
        ("GET /(a|b)*", "no part of a path"),
        ("GET /a o:admin", "o:admin is not among the scopes"),
    ],
)
def test_a_wrong_operation_is_named_by_its_line(line, said):
    _found, mistakes = rules.operations(f"GET /ok\n{line}", ["o:read"])
    assert len(mistakes) == 1
    assert mistakes[0].startswith("Line 2: ")
    assert said in mistakes[0]


@pytest.mark.parametrize("line", ["read See", "other:read See", "o:read", "o:Read See", "o:a See again", f"o:{'a' * 70} See"])
def test_a_wrong_scope_is_named_by_its_line(line):
    found, mistakes = rules.scopes(f"o:a See\n{line}", "o")
    assert [scope.name for scope in found] == ["o:a"]
    assert len(mistakes) == 1
    assert mistakes[0].startswith("Line 2: ")


@pytest.mark.parametrize("line", ["X-A", "X-A:", "X A: b", "X-A: ä", "Host: a", "x-partner-id: a", "X_A: b", "X-B: again"])
def test_a_wrong_header_is_named_by_its_line(line):
    found, mistakes = rules.headers(f"X-B: 1\n{line}", {})
    assert found == {"X-B": "1"}
    assert len(mistakes) == 1
    assert mistakes[0].startswith("Line 2: ")


def test_hidden_headers_of_which_there_are_none():
    assert len(rules.headers("X-C: ••••••", {})[1]) == 1


def test_a_hidden_header_keeps_its_value():
    found, mistakes = rules.headers("x-a: ••••••\nX-B: 2", {"X-A": "1", "X-B": "old", "X-C": "3"})
    assert (found, mistakes) == ({"x-a": "1", "X-B": "2"}, [])
