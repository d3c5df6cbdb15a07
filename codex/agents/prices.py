"""What a model's tokens cost, by the prices that the configuration names.  Pure.

Money is counted in billionths of a US dollar, as whole numbers; what is in between is rounded up.
"""

import math
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from codex.protocol.usage import TokenUsage

Prices: TypeAlias = Mapping[str, tuple[float, float, float]]
"""Those of the configuration, by model."""


@attrs.frozen
class Price:
    """USD per million tokens. Cached input is a part of the input, and so is not paid twice."""

    input: float
    cached_input: float
    output: float

    def nano_usd(self, usage: TokenUsage) -> int:
        """What this use costs."""
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        micro = (
            (usage.input_tokens - cached) * self.input + cached * self.cached_input + usage.output_tokens * self.output
        )
        return math.ceil(micro * 1_000)

    def affordable_output(self, nano_usd: int) -> tuple[int, ...]:
        """How many tokens of output can be paid; nothing where they cost nothing."""
        return () if self.output == 0 else (int(nano_usd / (self.output * 1_000)),)


def price_of(prices: Prices, model: str) -> Price | None:
    """The price of a model; None where nobody named one."""
    known = prices.get(model)
    return None if known is None else Price(*known)


def how_to_name(model: str) -> str:
    """What to write into the configuration for a model without a price."""
    return (
        f'no price of the model {model!r} is known: below [model_prices."{model}"] in config.toml set `input` and '
        "`output`, in USD per million tokens, and `cached_input` where that is cheaper"
    )


def in_usd(nano_usd: int) -> float:
    """An amount in US dollars."""
    return nano_usd / 1_000_000_000


def usd(nano_usd: int) -> str:
    """An amount for people."""
    return f"{in_usd(nano_usd):.4f} USD"
