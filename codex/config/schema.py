"""What is in force for a session: one frozen `Config`, whatever files and flags it came from.

Every default is written here, once; `docs/reference/configuration.md` is tested against it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject
from codex.protocol.budget import Budget
from codex.protocol.permission import ApprovalPolicy, ApprovalsReviewer, SandboxPolicy

if TYPE_CHECKING:
    from codex.config.role import Role
    from codex.ports.placement import Placement

WireApi: TypeAlias = Literal["responses", "chat", "scripted"]
CompactScope: TypeAlias = Literal["total", "body_after_prefix"]


@frozen
class ProviderInfo:
    """A model provider as `[model_providers.<id>]` describes it.

    Durations are in milliseconds, as in the file. `wire_api = "scripted"` is the offline model: `script` is its file.
    """

    id: str
    name: str
    base_url: str | None = None
    env_key: str | None = None
    env_key_instructions: str | None = None
    experimental_bearer_token: str | None = attrs.field(default=None, repr=False)
    wire_api: WireApi = "responses"
    query_params: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    http_headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    env_http_headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    request_max_retries: int = 4
    stream_max_retries: int = 5
    stream_idle_timeout_ms: int = 300_000
    response_header_timeout_ms: int = 600_000
    requires_openai_auth: bool = False
    script: str | None = None


@frozen
class ShellEnvironmentPolicy:
    """Which variables of our environment a command sees."""

    inherit: Literal["all", "core", "none"] = "all"
    ignore_default_excludes: bool = True
    exclude: tuple[str, ...] = ()
    set: Mapping[str, str] = attrs.field(factory=dict[str, str])
    include_only: tuple[str, ...] = ()


@frozen
class SkillSettings:
    """What is in force for skills. `switches` are (name or absolute path of a SKILL.md, whether it is on) in order."""

    bundled: bool = True
    include_instructions: bool = True
    max_context_tokens: int | None = None
    switches: tuple[tuple[str, bool], ...] = ()


@frozen
class Config:
    """Everything a session needs to know; paths are absolute.

    `model` is None when nothing named one: starting a thread then fails with the ways out. Limits: `max_depth` and
    `max_agents` bound the sub-agents of one root thread, and `max_concurrent_threads` those of the second
    generation with it; `budget` is what a root thread may use together with them. `model_prices` are USD per
    million tokens of input, cached input and output. `agent_model` and `agent_reasoning_effort` are those of agents
    whose spawn and role name none; `roles` are the own ones. A parent starts its agents again `max_restarts` times
    in `restart_period_seconds`; a turn of an agent is ended when its model says nothing for `stall_seconds`. Agents
    whose spawn and role do not say it run at `placement`; a worker that gives no sign of life for
    `worker_silence_seconds` is ended. `interrupt_message`: the model is told that a turn was interrupted.
    `trust_level` is None where the user has not said whether they trust the project, whose root is `project_root`.
    `notify` is a program and its arguments, told of the end of each turn. `hooks` are the tables
    of the layers that have one, lowest first: the layer's kind, its file or option, and the table. `warnings` are
    sentences for the user; `extra` holds the values of keys without a room yet.
    `auto_review_policy` is what the reviewer model is told beside its own rules. `openai_base_url` and
    `model_script` stand in their providers. `owner_rules` is the table `rules` of the requirements, as it stands in
    `owner_rules_file`; it counts under `ignore_rules` too. `allowed_tools` are the names of the tools that the
    model is offered at most, None is all of them.
    """

    codex_home: str
    cwd: str
    model: str | None = None
    model_provider: str = "openai"
    model_providers: Mapping[str, ProviderInfo] = attrs.field(factory=dict[str, ProviderInfo])
    model_context_window: int | None = None
    model_auto_compact_token_limit: int | None = None
    model_auto_compact_token_limit_scope: CompactScope = "total"
    compact_prompt: str | None = None
    model_reasoning_effort: str | None = None
    model_reasoning_summary: str | None = None
    model_verbosity: str | None = None
    model_instructions: str | None = None
    model_catalog_json: str | None = None
    service_tier: str | None = None
    developer_instructions: str | None = None
    approval_policy: ApprovalPolicy = "on-request"
    approvals_reviewer: ApprovalsReviewer = "user"
    approval_timeout_seconds: int = 600
    auto_review_policy: str | None = None
    sandbox_policy: SandboxPolicy = SandboxPolicy()
    allow_unprotected_git: bool = False
    allowed_tools: frozenset[str] | None = None
    shell_environment_policy: ShellEnvironmentPolicy = ShellEnvironmentPolicy()
    allow_login_shell: bool = True
    include_permissions_instructions: bool = True
    include_environment_context: bool = True
    project_doc_max_bytes: int = 32_768
    project_doc_fallback_filenames: tuple[str, ...] = ()
    project_root_markers: tuple[str, ...] = (".git",)
    tool_output_token_limit: int | None = None
    background_terminal_max_timeout: int = 300_000
    update_plan_enabled: bool | None = None
    max_agents: int = 6
    max_concurrent_threads: int = 4
    max_depth: int = 1
    budget: Budget = Budget()
    model_prices: Mapping[str, tuple[float, float, float]] = attrs.field(factory=dict[str, tuple[float, float, float]])
    agents_enabled: bool = True
    agent_model: str | None = None
    agent_reasoning_effort: str | None = None
    roles: "Mapping[str, Role]" = attrs.field(factory=dict[str, "Role"])
    max_restarts: int = 3
    restart_period_seconds: int = 60
    stall_seconds: int = 1_800
    placement: "Placement" = "here"
    worker_silence_seconds: int = 30
    interrupt_message: bool = True
    ephemeral: bool = False
    skills: SkillSettings = SkillSettings()
    hooks: tuple[tuple[str, str, JsonObject], ...] = ()
    features: Mapping[str, bool] = attrs.field(factory=dict[str, bool])
    trust_level: Literal["trusted", "untrusted"] | None = None
    project_root: str = ""
    bypass_hook_trust: bool = False
    managed_hooks_only: bool = False
    ignore_rules: bool = False
    owner_rules: Mapping[str, Json] = attrs.field(factory=dict[str, Json])
    owner_rules_file: str = ""
    notify: tuple[str, ...] = ()
    hide_agent_reasoning: bool = False
    show_raw_agent_reasoning: bool = False
    log_dir: str | None = None
    log_level: str = "warning"
    profile: str | None = None
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Json] = attrs.field(factory=dict[str, Json])

    @property
    def background_wake(self) -> bool:
        """Whether news start a turn of an idle thread: an agent's end, a letter, the end of a background command."""
        return self.features.get("background_wake", True)

    @property
    def trusted(self) -> bool:
        """Whether the user said that they trust the project."""
        return self.trust_level == "trusted"
