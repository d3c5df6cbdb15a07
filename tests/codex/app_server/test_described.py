"""The page of the app-server names every method, as offered or as not supported."""

import re
from pathlib import Path

from codex.app_server import dispatch
from codex.app_server.api.catalog import NOT_SUPPORTED, REQUESTS

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "app-server.md"


def _named(part: str) -> set[str]:
    return set(re.findall(r"`([a-zA-Z]+(?:/[a-zA-Z_/]+)?)`", part))


def test_the_page_names_the_methods_that_are_offered_and_those_that_are_not() -> None:
    offered, absent = _PAGE.read_text(encoding="utf-8").split("## Methods\n")[1].split("## Methods of Codex that")
    assert (_named(offered) >= set(REQUESTS), _named(absent)) == (True, set(NOT_SUPPORTED))


def test_every_handler_is_one_of_the_catalogs_methods() -> None:
    assert set(dispatch.offered()) - set(REQUESTS) == set()
