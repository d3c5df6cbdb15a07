"""What the owner of the machine allows: `requirements.toml` constrains values and sets none.

A value of a file that is not allowed is replaced by one that is, with a warning; asked for on the command line it is
a fault. Where nobody asked, the default adapts without a word.
"""

import os
from collections.abc import Mapping
from typing import cast

from codex.config._faults import Faults, Layer, Path, Table, Toml, dotted
from codex.config._sources import read_layer
from codex.protocol.permission import APPROVAL_POLICIES

# The key in requirements.toml: the key it constrains, and the values known.
_ALLOWED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "allowed_approval_policies": ("approval_policy", (*APPROVAL_POLICIES, "granular")),
    "allowed_approvals_reviewers": ("approvals_reviewer", ("user", "auto_review", "guardian_subagent")),
    "allowed_sandbox_modes": ("sandbox_mode", ("read-only", "workspace-write", "danger-full-access")),
    "allowed_web_search_modes": ("web_search", ("disabled", "cached", "indexed", "live")),
}
_FALLBACKS = {"sandbox_mode": "read-only", "web_search": "disabled"}
_FLAG, _TEXTS = "allow_managed_hooks_only", ("additional_developer_instructions", "guardian_policy_config")
_PROFILES, _PROFILE = "allowed_permission_profiles", "default_permissions"
# The built-in profiles that sandbox modes stand for.
_PROFILE_OF = {"read-only": ":read-only", "workspace-write": ":workspace", "danger-full-access": ":danger-full-access"}
# Layers that somebody typed, just now.
TYPED = ("option", "override")


class Requirements:
    """The constraints in force; without a file everything is allowed."""

    __slots__ = ("_faults", "_layer", "_table", "_warnings")

    def __init__(self, system_dir: str, faults: Faults, warnings: list[str]) -> None:
        self._faults, self._warnings = faults, warnings
        self._layer = read_layer("requirements", os.path.join(system_dir, "requirements.toml"), faults)
        self._table: Table = {} if self._layer is None else self._checked(self._layer)

    def constrain(self, key: str, value: str, asked: Layer | None) -> str:
        """The value, or an allowed one in its place; `asked` is the layer that asked for it, if one did."""
        allowed = cast("list[str] | None", self._table.get(key))
        if allowed is None or value in allowed:
            return value
        fallback = _FALLBACKS.get(key, allowed[0])
        if asked is not None and asked.kind != "program":
            self._refuse(asked, (key,), f'"{value}" is not allowed here', f'"{fallback}" is in force')
        return fallback

    @property
    def only_profiles(self) -> bool:
        """Whether permission profiles are constrained, so that a sandbox mode counts as the profile it stands for."""
        return _PROFILES in self._table

    def profile(self, key: str, wanted: str | None, asked: Layer | None) -> str | None:
        """The permission profile in force where the key asks for `wanted`; None where a sandbox mode is in force."""
        default = cast("str | None", self._table.get(_PROFILE))
        if not self.only_profiles:
            return wanted if key == _PROFILE and wanted is not None else default if wanted is None else None
        allowed = cast("list[str]", self._table[_PROFILES])
        fallback = default or min(allowed, key=lambda name: (name != ":read-only", name != ":workspace"))
        if key == "sandbox_mode" and wanted is not None:
            wanted = _PROFILE_OF[wanted]
        if wanted is None or wanted in allowed:
            return wanted or fallback
        if asked is not None:
            self._refuse(asked, (key,), f'"{wanted}" is not allowed here', f'"{fallback}" is in force')
        return fallback

    def pin(self, features: Table, find: "Mapping[str, Layer]") -> Table:
        """The features with the pinned ones as they are pinned; `find` gives the layer that set one."""
        pinned = cast("Table", self._table.get("features", {}))
        for name, value in pinned.items():
            if name in find and features.get(name) != value:
                self._refuse(find[name], ("features", name), "is pinned here", f"it is {'on' if value else 'off'}")
        return {**features, **pinned}

    def rules(self) -> Table:
        """The fields of `Config` that hold the rules in the file; whoever uses them checks them."""
        if self._layer is None or "rules" not in self._table:
            return {}
        return {"owner_rules": self._table["rules"], "owner_rules_file": self._layer.origin}

    def forced(self, instructions: Toml) -> Table:
        """The fields of `Config` that the file decides; `instructions` are the developer's own."""
        forced: Table = {"managed_hooks_only": True} if self._table.get(_FLAG) is True else {}
        added, policy = (self._table.get(name, "") for name in _TEXTS)
        if added:
            parts = [part for part in (instructions, added) if isinstance(part, str) and part]
            forced["developer_instructions"] = "\n\n".join(parts)
        if isinstance(policy, str) and policy.strip():
            forced["auto_review_policy"] = policy
        return forced

    def _refuse(self, asked: Layer, key: Path, problem: str, outcome: str) -> None:
        assert self._layer is not None
        text = f"{problem} by {self._layer.origin}"
        if asked.kind in TYPED:
            self._faults.add_at(asked.origin, key, f"{text}; leave it out, or ask the machine's owner")
        else:
            self._warnings.append(f"{asked.where(key)}: {dotted(key)}: {text}; {outcome}")

    def _checked(self, layer: Layer) -> Table:
        found: Table = {}
        ignored: list[str] = []
        for name, value in layer.table.items():
            if name in _ALLOWED:
                key, known = _ALLOWED[name]
                if self._is_list_of(layer, name, value, known):
                    words = (
                        "auto_review" if word == "guardian_subagent" else word for word in cast("list[str]", value)
                    )
                    found[key] = [*dict.fromkeys(words), *(("disabled",) if key == "web_search" else ())]
            elif name in (_FLAG, *_TEXTS, _PROFILE):
                kind, expected = (bool, "true or false") if name == _FLAG else (str, "a text")
                if isinstance(value, kind):
                    found[name] = value
                else:
                    self._faults.add(layer, (name,), f"expected {expected}")
            elif name in ("features", "feature_requirements"):
                found["features"] = {**cast("Table", found.get("features", {})), **self._pins(layer, name, value)}
            elif name == _PROFILES:
                found |= self._profiles(layer, value)
            elif name == "rules":
                if isinstance(value, dict):
                    found[name] = value
                else:
                    self._faults.add(layer, ("rules",), "expected a table with prefix_rules")
            else:
                ignored.append(name)
        if "sandbox_mode" in found and "read-only" not in cast("list[str]", found["sandbox_mode"]):
            self._faults.add(layer, ("allowed_sandbox_modes",), 'must hold "read-only": there is nothing stricter')
        allowed, default = found.get(_PROFILES), found.get(_PROFILE)
        if isinstance(allowed, list) and default is not None and default not in allowed:
            self._faults.add(layer, (_PROFILE,), f"{default!r} is not among {_PROFILES}; allow it, or name another one")
        if ignored:
            names = ", ".join(ignored)
            self._warnings.append(f"{layer.origin}: nothing here enforces these requirements yet: {names}")
        return found

    def _is_list_of(self, layer: Layer, name: str, value: Toml, known: tuple[str, ...]) -> bool:
        good = isinstance(value, list) and value and all(item in known for item in value)
        if not good:
            expected = ", ".join(f'"{word}"' for word in known)
            self._faults.add(layer, (name,), f"expected an array with at least one of {expected}")
        return bool(good)

    def _profiles(self, layer: Layer, value: Toml) -> Table:
        """The allowed profiles: those that are true in a table, or those of an array."""
        names: list[Toml] = []
        if isinstance(value, list):
            names = [name for name in value if isinstance(name, str)]
        elif isinstance(value, dict) and all(isinstance(on, bool) for on in value.values()):
            names = [name for name, on in value.items() if on]
        if names:
            return {_PROFILES: names}
        self._faults.add(layer, (_PROFILES,), 'expected a table such as { ":workspace" = true } with at least one true')
        return {}

    def _pins(self, layer: Layer, name: str, value: Toml) -> Table:
        if isinstance(value, dict) and all(isinstance(item, bool) for item in value.values()):
            return value
        self._faults.add(layer, (name,), "expected a table of features that are true or false")
        return {}
