"""An engine whose agents run in worker processes, with a scripted model that all of them reach over HTTP."""

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import trio

from codex.base.jsontext import Json, JsonObject
from codex.config.role import Role
from codex.config.schema import Config, ProviderInfo
from codex.engine import Codex, open_codex
from codex.model.scripted._load import parse_script
from codex.model.scripted.server import serve
from codex.protocol.permission import SandboxPolicy
from codex.testing import text
from codex.threads import Thread
from tests.processes.machines import processes_with, wait_true

FOREVER: Json = {"type": "sleep", "seconds": 100_000}
ROLES = {
    "apart": Role("apart", placement="worker"),
    "steady": Role("steady", placement="worker", restart="on_crash"),
}


def scripts(**agents: Sequence[Json]) -> JsonObject:
    """A script for the root, which says one word, and one for each kind of agent."""
    return {
        "scripts": {"root": [[text("root")]] * 9, **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


@attrs.frozen
class Place:
    """An engine at work. `model` is the URL of its model."""

    codex: Codex
    thread: Thread
    model: str


def config_of(directory: Path, model: str, **settings: object) -> Config:
    """Settings below a directory, with a model at this URL."""
    for name in ("home", "cwd"):
        (directory / name).mkdir(exist_ok=True)
    config = Config(
        codex_home=str(directory / "home"),
        cwd=str(directory / "cwd"),
        model="gpt-5.5",
        model_provider="served",
        model_providers={"served": ProviderInfo("served", "Served", base_url=model)},
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
        roles=ROLES,
    )
    return attrs.evolve(config, **settings)


@asynccontextmanager
async def open_place(
    directory: Path, script: JsonObject, *, environ: Mapping[str, str] | None = None, **settings: object
) -> AsyncGenerator[Place, None]:
    """An engine with a thread; leaving the block ends both, and the model."""
    async with trio.open_nursery() as nursery:
        model = await nursery.start(partial(serve, parse_script(script, "script.json"), port=0))
        async with open_codex(config_of(directory, f"{model}/v1", **settings), environ=environ) as codex:
            yield Place(codex, await codex.start_thread(), model)
        nursery.cancel_scope.cancel()


def workers_of(pid: int) -> list[int]:
    """The worker processes that this process has started and that are alive."""
    return [worker for worker in processes_with("codex.engine.worker") if _arguments(worker)[-1:] == [str(pid)]]


async def wait_worker() -> int:
    """The only worker of this process, once it is there."""
    await wait_true(lambda: len(workers_of(os.getpid())) == 1)
    return workers_of(os.getpid())[0]


async def wait_no_worker(pid: int) -> None:
    """Wait until no worker of this process is left."""
    await wait_true(lambda: not workers_of(pid))


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []
