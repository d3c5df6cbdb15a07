"""How much a sub-agent, with all below it, may use."""

import attrs

from codex.base.jsontext import JsonObject


@attrs.frozen
class Budget:
    """Limits of one subtree; None is no limit of its own. What limits the agents above limits it too.

    Used up for good: `tokens` (input and output of the model), `model_calls`, `tool_calls`.
    Shape of the tree: `depth` (levels of agents below this one), `fan_out` (children of any one agent that are at
    work at once), `agents` (all agents below this one that are at work at once).
    `seconds`: from the start of the agent until it is ended.
    """

    tokens: int | None = None
    model_calls: int | None = None
    tool_calls: int | None = None
    depth: int | None = None
    fan_out: int | None = None
    agents: int | None = None
    seconds: float | None = None

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Budget):
            value: float | None = getattr(self, field.name)
            if value is not None and value < 0:
                raise ValueError(f"Budget.{field.name} = {value!r}: a limit is 0 or more, or None for no limit")

    def json(self) -> JsonObject:
        """The limits that it has."""
        return {key: value for key, value in attrs.asdict(self).items() if value is not None}

    @property
    def limits_use(self) -> bool:
        """Whether it limits anything that is used up for good."""
        return any(limit is not None for limit in (self.tokens, self.model_calls, self.tool_calls))
