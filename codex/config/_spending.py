"""What may be spent: `[agents.budget]`, and `[model_prices.<model>]`, as the checked layers say.

Loaded only where one of them is set.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from codex.protocol.budget import Budget

if TYPE_CHECKING:
    from codex.config._faults import Faults, Path, Table


def budget_of(table: "Table") -> Budget:
    """The limits of every root thread, with all agents below it."""
    return cast("Callable[..., Budget]", Budget)(**table)  # the checked keys are the fields, the values their numbers


def prices_of(
    table: "Table", faults: "Faults", place: "Callable[[Path], str]"
) -> Mapping[str, tuple[float, float, float]]:
    """USD per million tokens of input, cached input and output, for each model."""
    prices: dict[str, tuple[float, float, float]] = {}
    for model, price in cast("dict[str, dict[str, float]]", table).items():
        path: Path = ("model_prices", model)
        missing = [key for key in ("input", "output") if key not in price]
        if missing:
            example = "input = 1.0 and output = 8.0 for one and eight USD per million tokens"
            faults.add_at(place(path), path, f"{' and '.join(missing)} missing; name both, such as {example}")
        else:
            prices[model] = (price["input"], price.get("cached_input", price["input"]), price["output"])
    return prices
