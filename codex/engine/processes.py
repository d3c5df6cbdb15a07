"""The processes of an engine, opened when the first is asked for: a turn that runs no command never loads them."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import trio

from actors import Mailbox, Ref, Runtime
from codex.config.schema import Config
from codex.ports.process import Launcher
from codex.sandbox.zygote import Zygote

if TYPE_CHECKING:
    from codex.processes import ProcessManager
    from codex.sandbox import Places, Plan

_STOP_WITHIN = 5.0


class Processes:
    """Implements `codex.tools.ProcessSource`: an actor that holds the launcher and the manager once they are needed.

    Args:
      zygote: the helper that starts processes, where the program started one early; it ends with this.
    """

    def __init__(self, runtime: Runtime, zygote: Zygote | None) -> None:
        self._runtime = runtime
        self._zygote = zygote
        self._actor: Ref[None] | None = None
        self._manager: ProcessManager | None = None
        self._launcher: Launcher | None = None
        self._places: Places | None = None
        self._ready = trio.Event()

    @property
    def opened(self) -> "ProcessManager | None":
        """The manager, where anything was ever started."""
        return self._manager

    async def open(self) -> "ProcessManager":
        """The manager, opened at the first call. Cancel-safe: it opens all the same."""
        if self._actor is None:
            self._actor = self._runtime.spawn(self._run, name="processes", shutdown=_STOP_WITHIN)
        await self._ready.wait()
        assert self._manager is not None
        return self._manager

    async def open_launcher(self) -> Launcher:
        """What starts processes, opened at the first call. Cancel-safe: it opens all the same."""
        await self.open()
        assert self._launcher is not None
        return self._launcher

    def is_writable(self, config: Config, environ: Mapping[str, str], path: str) -> bool:
        """Whether the policy lets the absolute path be written or removed, by its own name and by where it leads.

        The policy's roots stay where they led at first.
        """
        plan = self._plan(config, environ)
        here = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        return plan.is_writable(here) and plan.is_writable(os.path.realpath(path))

    def is_readable(self, config: Config, environ: Mapping[str, str], path: str) -> bool:
        """Whether the sandbox's policy lets the absolute path be read, by its own name and by where it leads."""
        plan = self._plan(config, environ)
        here = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        return plan.is_readable(here) and plan.is_readable(os.path.realpath(path))

    def _plan(self, config: Config, environ: Mapping[str, str]) -> "Plan":
        if self._places is None:
            from codex.sandbox import Places

            self._places = Places()
        return self._places.resolve(config.sandbox_policy, config.cwd, environ.get("TMPDIR"))

    async def aclose(self) -> None:
        """End all processes and the helper. Bounded; cancelling does not keep them from ending."""
        if self._actor is not None:
            with trio.move_on_after(_STOP_WITHIN, shield=True):
                await self._actor.stop(within=_STOP_WITHIN)
        elif self._zygote is not None:
            from codex.sandbox import open_launcher

            zygote, self._zygote = self._zygote, None
            async with open_launcher(zygote):
                pass

    async def _run(self, mailbox: Mailbox[None]) -> None:
        from codex.processes import open_process_manager
        from codex.sandbox import open_launcher

        zygote, self._zygote = self._zygote, None
        async with open_launcher(zygote) as launcher, open_process_manager(self._runtime, zygote=launcher) as manager:
            self._manager, self._launcher = manager, launcher
            self._ready.set()
            async for _ in mailbox:
                pass
