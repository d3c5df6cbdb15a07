"""The page on permission profiles tells what the code does."""

import re
import tomllib
from pathlib import Path

from codex.config._permissions import ACCESS, SPECIAL
from codex.config._profiles import BUILT_IN
from codex.sandbox.patterns import DEFAULT_SCAN_DEPTH
from codex.sandbox.policy import MINIMAL
from tests.codex.config.place import Place

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/reference/permissions.md").read_text(encoding="utf-8")


def test_the_page_names_every_profile_place_and_access() -> None:
    assert re.findall(r"^\| `(:[a-z-]+)` \|", PAGE, re.MULTILINE) == list(BUILT_IN)
    assert set(re.findall(r'`"(:[a-z_]+)"`', PAGE)) == set(SPECIAL)
    assert all(f'`"{word}"`' in PAGE for word in ACCESS)
    assert ", ".join(f"`{path}`" for path in MINIMAL) in PAGE
    assert f"(default {DEFAULT_SCAN_DEPTH})" in PAGE


def test_the_example_of_the_page_is_a_profile_that_loads(place: Place) -> None:
    example = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    assert tomllib.loads(example)
    place.write(example)
    config = place.load()
    assert (config.warnings, config.sandbox_policy.profile, config.sandbox_policy.network) == ((), "careful", True)
