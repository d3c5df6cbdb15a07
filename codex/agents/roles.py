"""What an agent works with: its parent's settings, changed by its role and its spawn, never with more rights."""

from collections.abc import Mapping

import attrs

from codex.agents.authority import narrowed
from codex.base.suggest import did_you_mean
from codex.config.role import BUILT_IN, Role
from codex.config.schema import Config
from codex.ports.agents import AgentFailure

_DEFAULT = BUILT_IN["default"]


def find_role(config: Config, name: str | None) -> Role:
    """The role of this name; None is the default one.

    Raises: AgentFailure that names the roles there are.
    """
    known: Mapping[str, Role] = {**BUILT_IN, **config.roles}
    role = known.get(name or "default")
    if role is None:
        close = did_you_mean(name or "", known)
        raise AgentFailure(f"unknown agent_type {name!r}{close}; known: {', '.join(known)}")
    return role


def kept_role(config: Config, name: str | None) -> Role:
    """The same for an agent that was started before: a role that is gone since is the default one."""
    return {**BUILT_IN, **config.roles}.get(name or "default", _DEFAULT)


def agent_config(
    parent: Config, role: Role, *, model: str | None, reasoning_effort: str | None, tmpdir: str | None
) -> Config:
    """The settings of an agent: of its role, else as asked for, else the default of agents, else its parent's.

    Args:
      tmpdir: the value of $TMPDIR that commands will see, if any.
    """
    effort = reasoning_effort or parent.agent_reasoning_effort or parent.model_reasoning_effort
    config = attrs.evolve(
        parent,
        warnings=(),
        **{
            "model": model or parent.agent_model or parent.model,
            "model_reasoning_effort": effort,
            **role.settings,
        },
    )
    if role.sandbox_mode is not None and role.sandbox_mode != config.sandbox_policy.mode:
        config = attrs.evolve(config, sandbox_policy=attrs.evolve(config.sandbox_policy, mode=role.sandbox_mode))
    if role.approval_policy is not None:
        config = attrs.evolve(config, approval_policy=role.approval_policy)
    if role.tools is not None:
        config = attrs.evolve(config, allowed_tools=role.tools)
    return narrowed(config, parent, tmpdir=tmpdir)
