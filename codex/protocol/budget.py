"""How much a thread, with all agents below it, may use."""

import attrs

from codex.base.jsontext import JsonObject

_NANO = 1_000_000_000


@attrs.frozen
class Budget:
    """Limits of one subtree; None is no limit of its own. What limits the agents above limits it too.

    Used up for good: `tokens` (input and output of the model), `model_calls`, `tool_calls`, `usd` (what the model's
    tokens cost by the prices of the configuration).
    Held for a while: `processes` (commands of the subtree that run at the same time).
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
    usd: float | None = None
    processes: int | None = None

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Budget):
            value: float | None = getattr(self, field.name)
            if value is not None and not value >= 0:
                raise ValueError(f"Budget.{field.name} = {value!r}: a limit is 0 or more, or None for no limit")

    def json(self) -> JsonObject:
        """The limits that it has."""
        return {key: value for key, value in attrs.asdict(self).items() if value is not None}

    @property
    def limits_use(self) -> bool:
        """Whether it limits anything that has to be booked."""
        booked = (self.tokens, self.model_calls, self.tool_calls, self.usd, self.processes)
        return any(limit is not None for limit in booked)

    @property
    def nano_usd(self) -> int | None:
        """`usd` in billionths, in which money is counted without rounding."""
        return None if self.usd is None else round(self.usd * _NANO)

    def within(self, other: "Budget") -> "Budget":
        """The smaller of both limits, each."""
        smaller: dict[str, float | None] = {}
        for field in attrs.fields(Budget):
            limits: list[float] = [
                limit for budget in (self, other) if (limit := getattr(budget, field.name)) is not None
            ]
            smaller[field.name] = min(limits, default=None)
        return Budget(**smaller)  # pyright: ignore[reportArgumentType]  each limit comes from a field of the same name
