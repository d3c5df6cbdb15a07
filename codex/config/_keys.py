"""The keys of the configuration and what each may hold.

A leaf is a kind: a word of `Kind`, or the tuple of the strings that are allowed. `*` stands for any name.
Kinds: `later` keys are Codex's and have no room here yet: their values are not read, their names are told once.
"""

from collections.abc import Mapping
from typing import TypeAlias

# The kinds, as words: string, boolean, count (>= 0), amount (any number >= 0), positive (>= 1), strings, string map,
# path, paths, file, url, approval, feature, log level, permissions, profiles, skill switches, hooks, later.
Rule: TypeAlias = "str | tuple[str, ...] | Mapping[str, Rule]"

_PROVIDER: Mapping[str, Rule] = {
    "name": "string",
    "base_url": "url",
    "env_key": "string",
    "env_key_instructions": "string",
    "experimental_bearer_token": "string",
    "wire_api": ("responses", "chat", "scripted"),
    "query_params": "string map",
    "http_headers": "string map",
    "env_http_headers": "string map",
    "request_max_retries": "count",
    "stream_max_retries": "count",
    "stream_idle_timeout_ms": "positive",
    "response_header_timeout_ms": "positive",
    "requires_openai_auth": "boolean",
    "script": "path",
    "auth": "later",
    "aws": "later",
    "supports_websockets": "later",
    "supports_standalone_web_search": "later",
    "websocket_connect_timeout_ms": "later",
}

# Features that can be a table of settings beside true and false.
FEATURE_SETTINGS: Mapping[str, Mapping[str, Rule]] = {
    "multi_agent_v2": {"enabled": "boolean", "max_concurrent_threads_per_session": "positive", "*": "later"},
}
_BUDGET: Mapping[str, Rule] = {
    "tokens": "count",
    "model_calls": "count",
    "tool_calls": "count",
    "depth": "count",
    "fan_out": "count",
    "agents": "count",
    "usd": "amount",
    "processes": "count",
}
# What a role says of the settings of its agents, as fields of `Config` have it.
ROLE_SETTINGS: Mapping[str, Rule] = {
    "developer_instructions": "string",
    "model": "string",
    "model_reasoning_effort": "string",
    "model_reasoning_summary": ("auto", "concise", "detailed", "none"),
    "model_verbosity": ("low", "medium", "high"),
    "service_tier": "string",
}
ROLE_TABLE: Mapping[str, Rule] = {
    **ROLE_SETTINGS,
    "allowed_tools": "strings",
    "approval_policy": "approval",
    "deadline_seconds": "positive",
    "description": "string",
    "isolation": ("share", "worktree", "lease"),
    "nickname_candidates": "strings",
    "placement": ("here", "worker"),
    "restart": ("never", "on_crash"),
    "restart_history": "boolean",
    "sandbox_mode": ("read-only", "workspace-write", "danger-full-access"),
    "stall_seconds": "positive",
}
_ROOMS: Mapping[str, Rule] = {
    "agents": {
        "budget": _BUDGET,
        "max_threads": "positive",
        "max_depth": "count",
        "default_subagent_model": "string",
        "default_subagent_reasoning_effort": "string",
        "enabled": "boolean",
        "max_restarts": "count",
        "restart_period_seconds": "positive",
        "stall_seconds": "positive",
        "placement": ("here", "worker"),
        "worker_silence_seconds": "positive",
        "interrupt_message": "boolean",
        "job_max_runtime_seconds": "later",
        "max_concurrent_threads_per_session": "positive",
        "*": {"config_file": "file", **ROLE_TABLE},
    },
    "allow_login_shell": "boolean",
    "approval_policy": "approval",
    "approval_timeout_seconds": "positive",
    "approvals_reviewer": ("user", "auto_review", "guardian_subagent"),
    "auto_review": {"policy": "string"},
    "background_terminal_max_timeout": "positive",
    "compact_prompt": "string",
    "default_permissions": "string",
    "developer_instructions": "string",
    "experimental_compact_prompt_file": "file",
    "experimental_instructions_file": "file",
    "features": {"*": "feature"},
    "hide_agent_reasoning": "boolean",
    "history": {"persistence": ("save-all", "none"), "max_bytes": "later"},
    "hooks": "hooks",
    "include_environment_context": "boolean",
    "include_permissions_instructions": "boolean",
    "instructions": "string",
    "log_dir": "path",
    "log_level": "log level",
    "model": "string",
    "model_auto_compact_token_limit": "positive",
    "model_auto_compact_token_limit_scope": ("total", "body_after_prefix"),
    "model_catalog_json": "file",
    "model_context_window": "positive",
    "model_instructions_file": "file",
    "model_provider": "string",
    "model_prices": {"*": {"input": "amount", "cached_input": "amount", "output": "amount"}},
    "model_providers": {"*": _PROVIDER},
    "model_reasoning_effort": "string",
    "model_reasoning_summary": ("auto", "concise", "detailed", "none"),
    "model_script": "path",
    "model_verbosity": ("low", "medium", "high"),
    "notify": "strings",
    "openai_base_url": "url",
    "oss_provider": ("ollama", "lmstudio"),
    "permissions": "permissions",
    "profile": "string",
    "project_doc_fallback_filenames": "strings",
    "project_doc_max_bytes": "count",
    "project_root_markers": "strings",
    "projects": {"*": {"trust_level": ("trusted", "untrusted")}},
    "sandbox_linux": {"allow_unprotected_git": "boolean"},
    "sandbox_mode": ("read-only", "workspace-write", "danger-full-access"),
    "sandbox_workspace_write": {
        "writable_roots": "paths",
        "network_access": "boolean",
        "exclude_tmpdir_env_var": "boolean",
        "exclude_slash_tmp": "boolean",
    },
    "service_tier": "string",
    "shell_environment_policy": {
        "inherit": ("all", "core", "none"),
        "ignore_default_excludes": "boolean",
        "exclude": "strings",
        "set": "string map",
        "include_only": "strings",
        "experimental_use_profile": "later",
        "filters": {"*": ("include", "exclude")},
    },
    "show_raw_agent_reasoning": "boolean",
    "skills": {
        "bundled": {"enabled": "boolean"},
        "config": "skill switches",
        "include_instructions": "boolean",
        "max_context_tokens": "positive",
    },
    "tool_output_token_limit": "positive",
    "tools": {
        "update_plan": {"enabled": "boolean"},
        "experimental_request_user_input": "later",
        "client_search_provider": "later",
        "view_image": "later",
        "web_search": "later",
    },
    "web_search": ("disabled", "cached", "indexed", "live"),
}

_LATER = """
analytics apps apps_mcp_product_sku audio browser_use
chatgpt_base_url check_for_update_on_startup cli_auth_credentials_store commit_attribution computer_use
debug desktop disable_paste_burst
experimental_realtime_start_instructions experimental_realtime_ws_backend_prompt experimental_realtime_ws_base_url
experimental_realtime_ws_model experimental_realtime_ws_startup_context experimental_thread_config_endpoint
experimental_thread_store experimental_use_freeform_apply_patch experimental_use_unified_exec_tool feedback file_opener
forced_chatgpt_workspace_id forced_login_method ghost_snapshot goals include_apply_patch_tool
include_apps_instructions include_collaboration_mode_instructions marketplaces mcp_oauth_callback_port
mcp_oauth_callback_url mcp_oauth_credentials_store mcp_servers memories model_supports_reasoning_summaries
notice otel personality
plan_mode_reasoning_effort plugins realtime responses_api_metadata review_model
sqlite_home suppress_unstable_features_warning tool_suggest tui windows windows_wsl_setup_acknowledged
""".split()

KEYS: Mapping[str, Rule] = {**_ROOMS, **dict.fromkeys(_LATER, "later"), "profiles": "profiles"}

# Older spellings, read as the newer ones.
RENAMED: Mapping[str, str] = {"experimental_instructions_file": "model_instructions_file"}

# Values that ask for nothing we do not do anyway: they are not named among the ignored.
SATISFIED: Mapping[str, object] = {"web_search": "disabled", "check_for_update_on_startup": False}


def documented_keys() -> dict[str, str]:
    """Every key with a room here as a dotted path (`<name>` for any name), and its kind in words."""
    found: dict[str, str] = {}

    def walk(rules: Mapping[str, Rule], path: str) -> None:
        for name, rule in rules.items():
            here = path + ("<name>" if name == "*" else name)
            if isinstance(rule, Mapping):
                walk(rule, here + ".")
            elif rule != "later":
                found[here] = rule if isinstance(rule, str) else " | ".join(rule)

    walk(KEYS, "")
    return found
