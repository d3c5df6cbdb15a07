"""Which paths a pattern denies."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.sandbox.patterns import DEFAULT_SCAN_DEPTH, Pattern


@pytest.mark.parametrize(
    ("pattern", "denied", "allowed"),
    [
        ("/w/**/*.env", ["/w/.env", "/w/a.env", "/w/a/b/.env", "/w/a.env/inside"], ["/w/env", "/x/.env", "/w/.envrc"]),
        ("/w/*.env", ["/w/.env", "/w/a.env"], ["/w/a/b.env", "/w"]),
        ("/w/?.txt", ["/w/a.txt"], ["/w/ab.txt", "/w/.txt", "/w/a/txt"]),
        ("/w/[ab]*", ["/w/a", "/w/bx/y"], ["/w/c", "/w/"]),
        ("/w/[!a-c]", ["/w/d"], ["/w/a", "/w/dd", "/w//"]),
        ("/w/**/secrets/**", ["/w/secrets", "/w/a/secrets/b/c"], ["/w/secret", "/w/a"]),
        ("/w/**/a/*.key", ["/w/a/x.key", "/w/b/a/x.key"], ["/w/a/b/x.key", "/w/x.key"]),
        ("/**/id_rsa", ["/id_rsa", "/home/me/.ssh/id_rsa"], ["/home/id_rsa.pub"]),
        ("/w/[z-a]", ["/w/[z-a]"], ["/w/a", "/w/z"]),
        ("/w/[]x]", ["/w/]", "/w/x"], ["/w/a"]),
        ("/w/[a", ["/w/[a"], ["/w/a"]),
    ],
)
def test_a_pattern_denies_what_it_matches_and_what_lies_in_it(
    pattern: str, denied: list[str], allowed: list[str]
) -> None:
    found = Pattern(pattern)
    assert [path for path in denied if not found.matches(path)] == []
    assert [path for path in allowed if found.matches(path)] == []


def test_the_search_begins_where_the_pattern_does_and_is_as_deep_as_it_must_be() -> None:
    assert [(Pattern(text).base, Pattern(text).depth) for text in ("/w/x/*/y.*", "/w/**/a", "/**/a")] == [
        ("/w/x", 2),
        ("/w", DEFAULT_SCAN_DEPTH),
        ("/", DEFAULT_SCAN_DEPTH),
    ]
    assert Pattern("/w/**/a", 3).depth == 3
    assert Pattern("/w/*/a", 3).depth == 2
    assert Pattern("/w/x/**/a").moved("/v").text == "/v/**/a"


parts = st.text(st.sampled_from("ab.*?[]!^-&|~\\ \n"), min_size=1, max_size=6)


@given(st.lists(parts, min_size=1, max_size=4), st.lists(parts, min_size=1, max_size=5))
def test_every_pattern_is_a_valid_expression_that_stays_within_its_base(pattern: list[str], path: list[str]) -> None:
    found = Pattern("/" + "/".join(pattern))
    assert re.compile(found.expression)
    place = "/" + "/".join(path)
    assert not found.matches(place) or place.startswith(found.base.rstrip("/") + "/")


@given(st.lists(st.sampled_from(["a", "b", "*", "**", "a*"]), min_size=1, max_size=4), st.data())
def test_what_is_below_a_denied_path_is_denied(pattern: list[str], data: st.DataObject) -> None:
    found = Pattern("/base/" + "/".join(pattern))
    path = "/base/" + "/".join(data.draw(st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4)))
    assert not found.matches(path) or found.matches(path + "/more")
