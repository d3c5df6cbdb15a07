"""Checked layers become one `Config`: merged from low to high, with the defaults that depend on one another."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from codex.config._faults import Faults, Layer, Path, Table, Toml
from codex.config._providers import OSS_MODELS, SCRIPTED_MODEL, build_providers, check_selected, choose_oss_provider
from codex.config._sources import read_text
from codex.config.schema import Config, ShellEnvironmentPolicy, SkillSettings
from codex.protocol.permission import Granular, SandboxPolicy

if TYPE_CHECKING:
    from codex.base.jsontext import Json, JsonObject
    from codex.config._projects import Project
    from codex.config._requirements import Requirements
    from codex.config._roles import Check
    from codex.config.role import Role
    from codex.protocol.permission import ApprovalPolicy, SandboxMode

# Keys that are fields of `Config` as they are.
_PLAIN = (
    "allow_login_shell",
    "approval_timeout_seconds",
    "background_terminal_max_timeout",
    "developer_instructions",
    "hide_agent_reasoning",
    "include_environment_context",
    "include_permissions_instructions",
    "log_dir",
    "log_level",
    "model_auto_compact_token_limit",
    "model_auto_compact_token_limit_scope",
    "model_catalog_json",
    "model_context_window",
    "model_reasoning_effort",
    "model_reasoning_summary",
    "model_verbosity",
    "project_doc_max_bytes",
    "service_tier",
    "show_raw_agent_reasoning",
    "tool_output_token_limit",
)
# Keys of tables that are fields of another name.
_NESTED: Mapping[tuple[str, str], str] = {
    ("agents", "max_threads"): "max_agents",
    ("agents", "max_depth"): "max_depth",
    ("agents", "enabled"): "agents_enabled",
    ("agents", "default_subagent_model"): "agent_model",
    ("agents", "default_subagent_reasoning_effort"): "agent_reasoning_effort",
    ("agents", "max_restarts"): "max_restarts",
    ("agents", "restart_period_seconds"): "restart_period_seconds",
    ("agents", "stall_seconds"): "stall_seconds",
    ("agents", "placement"): "placement",
    ("agents", "worker_silence_seconds"): "worker_silence_seconds",
    ("agents", "interrupt_message"): "interrupt_message",
    ("agents", "max_concurrent_threads_per_session"): "max_concurrent_threads",
    ("sandbox_linux", "allow_unprotected_git"): "allow_unprotected_git",
}
# Keys of a layer that say the same as a key of a provider.
_PROVIDER_SHORTCUTS = (("openai_base_url", "openai", "base_url"), ("model_script", "scripted", "script"))


class Builder:
    """Puts a `Config` together from checked layers, lowest first."""

    def __init__(
        self,
        layers: Sequence[Layer],
        faults: Faults,
        requirements: "Requirements",
        project: "Project",
        *,
        codex_home: str,
    ) -> None:
        self._layers, self._faults, self._codex_home = layers, faults, codex_home
        self._requirements, self._project = requirements, project
        self._merged = merge(layers)

    def build(
        self,
        *,
        oss: bool,
        local_provider: str | None,
        add_dirs: Sequence[str],
        ephemeral: bool,
        bypass_hook_trust: bool,
        exec_defaults: bool,
        roles: "Mapping[str, Role]",
        profile: str | None,
        warnings: list[str],
        ignored: Mapping[str, Toml],
    ) -> Config:
        """The whole; faults that only show between keys are added, and the result then counts for nothing."""
        provider, model = self._model(oss=oss, local_provider=local_provider)
        approval, sandbox = self._permissions(add_dirs, warnings, exec_defaults=exec_defaults)
        values: dict[str, object] = {key: self._merged[key] for key in _PLAIN if key in self._merged}
        for key in ("notify", "project_doc_fallback_filenames", "project_root_markers"):
            if key in self._merged:
                values[key] = tuple(cast("list[str]", self._merged[key]))
        for (table, key), field in _NESTED.items():
            if key in (found := self._sub(table)):
                values[field] = found[key]
        values |= self._threads_of_v2()
        values |= self._spending()
        values |= self._reviewer()
        values |= self._requirements.rules()
        values |= self._requirements.forced(self._merged.get("developer_instructions", ""))
        update_plan = cast("Table", self._sub("tools").get("update_plan", {}))
        if "enabled" in update_plan:
            values["update_plan_enabled"] = update_plan["enabled"]
        providers = build_providers(self._sub("model_providers"))
        check_selected(providers, provider, self._where("model_provider"), self._faults)
        # The checked values have the types of the fields.
        new = cast("Callable[..., Config]", Config)
        return new(
            codex_home=self._codex_home,
            cwd=self._project.cwd,
            model=model,
            model_provider=provider,
            model_providers=providers,
            model_instructions=self._text("model_instructions_file", "instructions"),
            compact_prompt=self._text("experimental_compact_prompt_file", "compact_prompt"),
            approval_policy=approval,
            sandbox_policy=sandbox,
            shell_environment_policy=self._shell_environment(),
            features=self._features(exec_defaults=exec_defaults),
            skills=self._skills(),
            hooks=self._hooks(),
            ephemeral=ephemeral,
            roles=roles,
            bypass_hook_trust=bypass_hook_trust,
            profile=profile,
            trust_level=self._project.trust,
            project_root=self._project.root,
            warnings=tuple(warnings),
            extra={key: as_json(value) for key, value in ignored.items()},
            **values,
        )

    def roles(self, check: "Check", *, of_user: bool) -> "dict[str, Role]":
        """The roles of sub-agents; the user's own folder counts with `of_user`."""
        tables = {
            name: table for name, table in self._sub("agents").items() if isinstance(table, dict) and name != "budget"
        }
        folders = self._project.folders("agents", self._codex_home)
        if of_user:
            folders.insert(0, os.path.join(self._codex_home, "agents"))
        folders = [path for path in folders if os.path.isdir(path)]
        if not tables and not folders:
            return {}
        from codex.config._roles import read_roles

        return read_roles(tables, folders, self._faults, check)

    def _threads_of_v2(self) -> Table:
        """How many threads of a tree may work at a time: the feature's own setting wins."""
        key = "max_concurrent_threads_per_session"
        v2 = self._sub("features").get("multi_agent_v2")
        return {"max_concurrent_threads": v2[key]} if isinstance(v2, dict) and key in v2 else {}

    def _spending(self) -> dict[str, object]:
        budget, prices = self._sub("agents").get("budget"), self._sub("model_prices")
        if not budget and not prices:
            return {}
        from codex.config import _spending

        limits = _spending.budget_of(cast("Table", budget or {}))
        return {"budget": limits, "model_prices": _spending.prices_of(prices, self._faults, self._place)}

    def _sub(self, key: str) -> Table:
        return cast("Table", self._merged.get(key, {}))

    def _where(self, key: str) -> str:
        """Where the winning value of a top-level key was written."""
        layer = self._winner(key)
        return layer.where((key,)) if layer is not None else "(default)"

    def _winner(self, key: str) -> Layer | None:
        return next((layer for layer in reversed(self._layers) if key in layer.table), None)

    def _model(self, *, oss: bool, local_provider: str | None) -> tuple[str, str | None]:
        model = cast("str | None", self._merged.get("model"))
        provider = cast("str", self._merged.get("model_provider", "openai"))
        if oss:
            requested = local_provider or cast("str | None", self._merged.get("oss_provider"))
            provider = choose_oss_provider(requested, self._faults) or provider
            # As in Codex: the model in config.toml belongs to the provider there, not to the local one.
            model = next((str(layer.table["model"]) for layer in self._layers[::-1] if _asks_for_model(layer)), None)
        if model is None:
            scripted = self._is_scripted(provider)
            model = SCRIPTED_MODEL if scripted else OSS_MODELS.get(provider)
        return provider, model

    def _is_scripted(self, provider: str) -> bool:
        table = cast("Table", self._sub("model_providers").get(provider, {}))
        return table.get("wire_api", "scripted" if provider == "scripted" else "") == "scripted"

    def _features(self, *, exec_defaults: bool) -> dict[str, bool]:
        set_by = {name: layer for layer in self._layers for name in cast("Table", layer.table.get("features", {}))}
        features: Table = {
            name: value.get("enabled", True) if isinstance(value, dict) else value
            for name, value in self._sub("features").items()
        }
        if exec_defaults:  # a run without a conversation ends with its turn
            features.setdefault("background_wake", False)
        return cast("dict[str, bool]", self._requirements.pin(features, set_by))

    def _permissions(
        self, add_dirs: Sequence[str], warnings: list[str], *, exec_defaults: bool
    ) -> tuple["ApprovalPolicy", SandboxPolicy]:
        trust, approval = self._project.trust, "on-request"
        if trust == "untrusted":
            approval = "untrusted"
        if exec_defaults:
            approval = "never"
        wanted = self._merged.get("approval_policy")
        allowed = self._allowed("approval_policy", approval)
        mode = cast(
            "SandboxMode", self._allowed("sandbox_mode", "workspace-write" if trust == "trusted" else "read-only")
        )
        approval = _granular(wanted) if isinstance(wanted, dict) and allowed == "granular" else allowed
        profile = self._permission_profile(add_dirs, warnings)
        if profile is not None:
            return cast("ApprovalPolicy", approval), profile
        write = self._sub("sandbox_workspace_write")
        roots = [*cast("list[str]", write.get("writable_roots", [])), *add_dirs]
        if add_dirs and mode == "read-only":
            warnings.append("--add-dir: ignored, since the sandbox is read-only; add --sandbox workspace-write")
        return cast("ApprovalPolicy", approval), SandboxPolicy(
            mode=mode,
            writable_roots=tuple(dict.fromkeys(roots)),
            network_access=write.get("network_access") is True,
            exclude_tmpdir_env_var=write.get("exclude_tmpdir_env_var") is True,
            exclude_slash_tmp=write.get("exclude_slash_tmp") is True,
        )

    def _allowed(self, key: str, default: str) -> str:
        """The value of a key that requirements may constrain; of a table its name."""
        value = self._merged.get(key, default)
        name = next(iter(value), "") if isinstance(value, dict) else cast("str", value)
        return self._requirements.constrain(key, name, self._winner(key))

    def _reviewer(self) -> Table:
        """Who answers questions, with the old name of the reviewer model read as the new one."""
        self._allowed("web_search", "disabled")
        name = "user" if self._merged.get("approvals_reviewer", "user") == "user" else "auto_review"
        winner = self._winner("approvals_reviewer")
        values: Table = {"approvals_reviewer": self._requirements.constrain("approvals_reviewer", name, winner)}
        if "policy" in self._sub("auto_review"):
            values["auto_review_policy"] = self._sub("auto_review")["policy"]
        return values

    def _permission_profile(self, add_dirs: Sequence[str], warnings: list[str]) -> SandboxPolicy | None:
        """The policy of the permission profile in force; None where a sandbox mode is."""
        key = "default_permissions"
        wanted, winner, mode = self._merged.get(key), self._winner(key), self._winner("sandbox_mode")
        if mode is not None and (winner is None or winner.kind != "option"):
            if winner is not None:
                where = self._where("sandbox_mode")
                warnings.append(f"{key}: {wanted!r} is not in force, since {where} sets sandbox_mode; remove one")
            key, wanted, winner = "sandbox_mode", self._merged["sandbox_mode"], mode
        name = self._requirements.profile(key, cast("str | None", wanted), winner)
        if name is None:
            if "permissions" in self._merged and mode is None:
                warnings.append("permissions: no profile is in force; name one with default_permissions")
            return None
        from codex.config._profiles import Profiles

        if "sandbox_workspace_write" in self._merged:
            warnings.append(f"sandbox_workspace_write: not in force under the permission profile {name!r}")
        profiles = Profiles(cast("dict[str, Table]", self._sub("permissions")), self._faults, self._place)
        policy = profiles.policy(name, self._where("default_permissions"), add_dirs)
        allowed = cast("SandboxMode", self._requirements.constrain("sandbox_mode", policy.mode, winner))
        return policy if allowed == policy.mode else SandboxPolicy(allowed)

    def _place(self, path: Path) -> str:
        """Where the winning value of a key path was written."""
        for layer in reversed(self._layers):
            place: Toml | None = layer.table
            for part in path:
                place = place.get(part) if isinstance(place, dict) else None
            if place is not None:
                return layer.where(path)
        return "(default)"

    def _shell_environment(self) -> ShellEnvironmentPolicy:
        table = dict(self._sub("shell_environment_policy"))
        filters = cast("dict[str, str]", table.pop("filters", {}))
        if filters and ("exclude" in table or "include_only" in table):
            key = ("shell_environment_policy", "filters")
            winner = self._winner(key[0])
            where = winner.where(key) if winner is not None else self._where(key[0])
            self._faults.add_at(where, key, "cannot stand beside `exclude` or `include_only`; say it all in `filters`")
        elif filters:
            table["exclude"] = [pattern for pattern, word in filters.items() if word == "exclude"]
            table["include_only"] = [pattern for pattern, word in filters.items() if word == "include"]
        # The checked table has the fields' names and types, but for arrays.
        fields = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
        return cast("Callable[..., ShellEnvironmentPolicy]", ShellEnvironmentPolicy)(**fields)

    def _hooks(self) -> "tuple[tuple[str, str, JsonObject], ...]":
        layers = [layer for layer in self._layers if "hooks" in layer.table]
        return tuple((layer.kind, layer.origin, cast("JsonObject", as_json(layer.table["hooks"]))) for layer in layers)

    def _skills(self) -> SkillSettings:
        table = self._sub("skills")
        switches = cast("list[dict[str, str | bool]]", table.get("config", []))
        tokens = cast("int | None", table.get("max_context_tokens"))
        return SkillSettings(
            bundled=cast("Table", table.get("bundled", {})).get("enabled") is not False,
            include_instructions=table.get("include_instructions") is not False,
            max_context_tokens=tokens,
            switches=tuple((str(each.get("path") or each["name"]), each["enabled"] is True) for each in switches),
        )

    def _text(self, file_key: str, text_key: str) -> str | None:
        """The text of the file that the one key names, else the other key's."""
        path = self._merged.get(file_key)
        if path is None:
            return cast("str | None", self._merged.get(text_key))
        key: Path = (file_key,)
        where = self._where(key[0])
        text = read_text(str(path), self._faults, missing_is_fault=True, where=where, key=key)
        if text is not None and not text.strip():
            self._faults.add_at(where, key, f"{path!r} is empty; write the text into it, or remove the key")
        return text


def _granular(value: Table) -> Granular:
    return cast("Callable[..., Granular]", Granular)(**cast("Table", value["granular"]))


def merge(layers: Sequence[Layer]) -> Table:
    """The layers' tables as one: tables are joined, everything else replaces what is below."""
    merged: Table = {}
    for layer in layers:
        _join(merged, layer.table)
        for shortcut, provider, key in _PROVIDER_SHORTCUTS:
            providers = cast("dict[str, Table]", layer.table.get("model_providers", {}))
            if shortcut in layer.table and key not in providers.get(provider, {}):
                _join(merged, {"model_providers": {provider: {key: layer.table[shortcut]}}})
    return merged


def _join(into: Table, table: Table) -> None:
    for key, value in table.items():
        below = into.get(key)
        if isinstance(value, dict):
            target: Table = {**below} if isinstance(below, dict) else {}
            _join(target, value)
            into[key] = target
        else:
            into[key] = value


def _asks_for_model(layer: Layer) -> bool:
    return layer.kind != "user" and "model" in layer.table


def as_json(value: Toml) -> "Json":
    """A TOML value as JSON: dates and times become text."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value if isinstance(value, bool | int | float | str) else str(value)
