"""What is in force key by key, and which layer decided it: for `codex config show` and for clients of the engine."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import attrs

from codex.base.jsontext import Json, JsonObject
from codex.config._build import as_json, merge
from codex.config._faults import Path, Table, Toml, dotted, is_secret
from codex.config._keys import KEYS, Rule
from codex.config.load import Resolution
from codex.config.schema import Config

# Keys whose field in `Config` has another name.
FIELDS: Mapping[str, str] = {
    "agents.max_threads": "max_agents",
    "agents.max_depth": "max_depth",
    "agents.max_concurrent_threads_per_session": "max_concurrent_threads",
    "agents.enabled": "agents_enabled",
    "agents.default_subagent_model": "agent_model",
    "agents.default_subagent_reasoning_effort": "agent_reasoning_effort",
    "agents.max_restarts": "max_restarts",
    "agents.restart_period_seconds": "restart_period_seconds",
    "agents.stall_seconds": "stall_seconds",
    "agents.placement": "placement",
    "agents.worker_silence_seconds": "worker_silence_seconds",
    "agents.interrupt_message": "interrupt_message",
    "sandbox_mode": "sandbox_policy.mode",
    "sandbox_linux.allow_unprotected_git": "allow_unprotected_git",
    "auto_review.policy": "auto_review_policy",
    "skills.bundled.enabled": "skills.bundled",
    "tools.update_plan.enabled": "update_plan_enabled",
}
_SECRET = "(not shown)"


@attrs.frozen
class Setting:
    """What one layer says: `where` is its file and line, the option, or the variable."""

    layer: str
    where: str
    value: Json


@attrs.frozen
class Origin:
    """One key: the value in force and the layer it comes from; `overridden` are those below, highest first.

    The layer is `default` where no layer says anything, and `derived` where something else than the layers decided:
    requirements, or an option such as `--oss`. `ignored`: nothing here uses the key yet.
    """

    path: Path
    value: Json
    layer: str
    where: str
    overridden: tuple[Setting, ...] = ()
    ignored: bool = False

    @property
    def key(self) -> str:
        """The path as one writes it in TOML."""
        return dotted(self.path)


def find_origins(resolution: Resolution) -> list[Origin]:
    """Every key that has a value, in the order of their names; secrets are not shown."""
    merged = merge(resolution.layers)
    written = dict(_leaves(merged, KEYS, ()))
    defaults = Config(codex_home="", cwd="")
    found = [_origin(resolution, path, value) for path, value in written.items()]
    for path in _fixed_keys(KEYS, ()):
        value = _field(resolution.config, path)
        if path not in written and value is not None:
            layer = "default" if value == _field(defaults, path) else "derived"
            found.append(Origin(path, value, layer, ""))
    seen = set(written)
    for layer in reversed(resolution.layers):
        for path, value in layer.ignored.items():
            if path not in seen:
                found.append(Origin(path, _shown(path, value), layer.kind, layer.where(path), ignored=True))
            seen.add(path)
    return sorted(found, key=lambda origin: origin.key)


def as_tree(origins: Iterable[Origin]) -> JsonObject:
    """The values in force as nested tables."""
    tree: JsonObject = {}
    for origin in origins:
        place: Json = tree
        for part in origin.path[:-1]:
            if isinstance(place, dict):
                place = place.setdefault(part, {})
        if isinstance(place, dict):
            place[origin.path[-1]] = origin.value
    return tree


def _origin(resolution: Resolution, path: Path, merged: Toml) -> Origin:
    settings = [
        Setting(layer.kind, layer.where(path), _shown(path, value))
        for layer in reversed(resolution.layers)
        if (value := _at(layer.table, path)) is not None
    ]
    value, in_force = _shown(path, merged), _field(resolution.config, path)
    if not settings:  # a shortcut such as `openai_base_url` said it
        return Origin(path, value, "derived", "")
    if in_force is not None and in_force != as_json(merged):
        return Origin(path, in_force, "derived", "", tuple(settings))
    first, *others = settings
    return Origin(path, value, first.layer, first.where, tuple(others))


def _leaves(table: Table, rules: Mapping[str, Rule], path: Path) -> Iterator[tuple[Path, Toml]]:
    for name, value in table.items():
        rule = rules.get(name, rules.get("*"))
        if isinstance(rule, Mapping) and isinstance(value, dict):
            yield from _leaves(value, rule, (*path, name))
        elif rule != "profiles":
            yield (*path, name), value


def _fixed_keys(rules: Mapping[str, Rule], path: Path) -> Iterator[Path]:
    for name, rule in rules.items():
        if name == "*":
            continue
        if isinstance(rule, Mapping):
            yield from _fixed_keys(rule, (*path, name))
        else:
            yield (*path, name)


def _field(config: Config, path: Path) -> Json:
    """The value in a `Config` for a key; None where there is none, or no field."""
    place: object = config
    name = ".".join(path)
    for part in FIELDS.get(name, name).replace("sandbox_workspace_write.", "sandbox_policy.").split("."):
        place = getattr(place, part, None)
    if isinstance(place, tuple):
        items = cast("tuple[object, ...]", place)
        return [str(item) for item in items] if all(isinstance(item, str) for item in items) else None
    return place if isinstance(place, bool | int | str) else None


def _at(table: Table, path: Path) -> "Toml | None":
    place: Toml = table
    for part in path:
        if not isinstance(place, dict) or part not in place:
            return None
        place = place[part]
    return place


def _shown(path: Path, value: Toml) -> Json:
    if is_secret(path):
        return _SECRET
    if isinstance(value, dict):
        return {name: _shown((*path, name), inner) for name, inner in value.items()}
    return as_json(value)
