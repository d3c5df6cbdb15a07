"""How large a tree of agents may be, and which tools its agents have.  Pure, but for reading an own model catalog."""

from collections.abc import Mapping

import attrs

from codex.base.frozen import frozen
from codex.config.schema import Config
from codex.model import lookup_model
from codex.ports.agents import Generation


@frozen
class TreeLimits:
    """How many agents may be at work below the root, how deep they may stand (None: no limit), and their tools.

    `limit` is the setting that the first comes from, as it is told to the model. `model_prices` are those of the
    configuration.
    """

    max_agents: int
    max_depth: int | None
    limit: str = ""
    generation: Generation = "v1"
    model_prices: Mapping[str, tuple[float, float, float]] = attrs.field(factory=dict[str, tuple[float, float, float]])


def tree_limits(config: Config, generation: Generation | None = None) -> TreeLimits:
    """Those of a root thread with these settings.

    The feature `multi_agent_v2` chooses the tools where it is set, else the `generation` that the agents of an earlier
    run had, else the model. A model that is made for the
    second generation has no limit of depth: its agents share few places.
    """
    if not config.agents_enabled:
        return TreeLimits(0, 0)
    model = lookup_model(config)
    asked = config.features.get("multi_agent_v2")
    chosen = (generation or model.multi_agent_version) == "v2" if asked is None else asked
    if not chosen:
        return TreeLimits(config.max_agents, config.max_depth, model_prices=config.model_prices)
    threads = config.max_concurrent_threads
    return TreeLimits(
        threads - 1,
        None if asked is None else config.max_depth,
        f"features.multi_agent_v2.max_concurrent_threads_per_session = {threads}, the root among them",
        "v2",
        config.model_prices,
    )
