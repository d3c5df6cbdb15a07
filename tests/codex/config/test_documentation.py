"""The reference page tells what the code does."""

import re
from pathlib import Path

from codex.config import Config, ProviderInfo, load_config
from codex.config._keys import documented_keys
from codex.config.origins import FIELDS
from codex.protocol.permission import APPROVAL_POLICIES

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| .+ \|$", re.MULTILINE)


def test_every_key_is_documented_with_its_type() -> None:
    documented = {key: kind.strip().replace(" / ", " | ") for key, kind, _ in ROW.findall(PAGE)}
    policies = " | ".join((*APPROVAL_POLICIES, "{ granular = {…} }"))
    kinds = {**documented_keys(), "approval_policy": policies, "features.<name>": "boolean"}
    assert documented == kinds


def test_every_documented_default_is_the_one_in_force() -> None:
    config = load_config(codex_home="/no/such", cwd="/", environ={})
    provider = ProviderInfo("x", "x")
    wrong = {
        key: default for key, _, default in ROW.findall(PAGE) if default.strip() not in _defaults(key, config, provider)
    }
    assert not wrong


def _defaults(key: str, config: Config, provider: ProviderInfo) -> set[str]:
    if key == "model_providers.<name>.name":
        return {"its id"}
    place: object = config
    field = FIELDS.get(key, key).replace("sandbox_workspace_write.", "sandbox_policy.")
    if field.startswith("model_providers.<name>."):
        place, field = provider, field.rpartition(".")[2]
    for part in field.split("."):
        place = getattr(place, part, None)
    if place in (None, {}):
        return {"—", "`{}`"}
    if isinstance(place, tuple):
        return {"`[" + ", ".join(f'"{item}"' for item in place) + "]`"}
    return {f"`{str(place).lower()}`", f'`"{place}"`'} if not isinstance(place, str) else {f'`"{place}"`'}


def test_every_variable_that_is_read_is_documented() -> None:
    section = PAGE.partition("## Variables of the environment")[2]
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "codex/config").glob("*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', sources))
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)) == read
