"""What a front-end changes of a thread's settings: it holds from the next turn on, never in the middle of one.

What is narrowed so of a thread holds for the agents below it from their next call on.
"""

import attrs

from codex.config.schema import Config
from codex.model import lookup_model
from codex.protocol.op import OverrideTurnContext
from codex.session.context import SessionContext


class Settings:
    """Lets what waits for the next turn become the context's when that begins."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        assert context.places.in_force is not None
        self._in_force = context.places.in_force

    def override(self, op: OverrideTurnContext) -> None:
        """Take changes for the next turn.

        Raises:
          UserError: the model's data cannot be read.
        """
        config = overridden(self._in_force.own, op)
        lookup_model(config)
        self._in_force.change(config)

    def settle(self) -> str | None:
        """A turn begins: let the changes hold. The model's name until now, where there is another one from now on."""
        config, before = self._in_force.config, self._context.model.slug
        if config is self._context.config:
            return None
        self._context.config, self._context.model = config, lookup_model(config)
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
