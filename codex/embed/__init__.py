"""The engine inside any Python service: for asyncio programs, with functions of yours as tools.

    async with open_engine(config) as engine:
        thread = await engine.start_thread(tools=[weather])
        print(await thread.ask("Do I need an umbrella?"))

Programs on Trio use `codex.open_codex`, and `bring` for their tools.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.embed._bridge import EngineStopped
    from codex.embed._engine import Engine, EngineThread, EngineTurn, open_engine
    from codex.embed._run import run
    from codex.embed._tools import FunctionTool, bring, tool

__all__ = [
    "Engine",
    "EngineStopped",
    "EngineThread",
    "EngineTurn",
    "FunctionTool",
    "bring",
    "open_engine",
    "run",
    "tool",
]
_ROOMS = {
    "EngineStopped": "_bridge",
    "FunctionTool": "_tools",
    "bring": "_tools",
    "run": "_run",
    "tool": "_tools",
}


def __getattr__(name: str) -> object:
    """A name, from its module: a worker process needs only one of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, '_engine')}"), name)
