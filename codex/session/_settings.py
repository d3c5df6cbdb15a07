"""What a front-end changes of a thread's settings: it holds from the next turn on, never in the middle of one."""

import attrs

from codex.config.schema import Config
from codex.model import ModelInfo, lookup_model
from codex.protocol.op import OverrideTurnContext
from codex.session.context import SessionContext


class Settings:
    """The settings in force, which are the context's, and those that wait for the next turn."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._next: tuple[Config, ModelInfo] | None = None

    def override(self, op: OverrideTurnContext) -> None:
        """Take changes for the next turn.

        Raises:
          UserError: the model's data cannot be read.
        """
        before = self._next[0] if self._next is not None else self._context.config
        config = overridden(before, op)
        self._next = config, lookup_model(config)
        self._context.places.config = config

    def settle(self) -> str | None:
        """A turn begins: let the changes hold. The model's name until now, where there is another one from now on."""
        if self._next is None:
            return None
        before = self._context.model.slug
        (self._context.config, self._context.model), self._next = self._next, None
        return None if self._context.model.slug == before else before


def overridden(config: Config, op: OverrideTurnContext) -> Config:
    """The configuration with what the operation names."""
    changes = {
        "cwd": op.cwd,
        "model": op.model,
        "model_reasoning_effort": op.effort,
        "model_reasoning_summary": op.summary,
        "service_tier": op.service_tier,
        "approval_policy": op.approval_policy,
        "approvals_reviewer": op.approvals_reviewer,
        "sandbox_policy": op.sandbox_policy,
    }
    named = {name: value for name, value in changes.items() if value is not None}
    return attrs.evolve(config, **named)
