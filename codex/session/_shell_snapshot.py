"""A thread's snapshot of the user's shell, as an actor: it owns the file, which is gone when it ends."""

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from actors import ActorGone, ActorRestarted, Mailbox
from codex.base.errors import CodexError, ToolFailure
from codex.base.ids import uuid7
from codex.protocol.event import Warning
from codex.session.context import SessionContext
from codex.tools import Publisher

if TYPE_CHECKING:
    from codex.processes.snapshot import Snapshot

_WITHIN = 10.0
_FORGOTTEN_AFTER = 3 * 24 * 3600.0


class ShellReplay:
    """What is done to a command before it runs: nothing, until there is a snapshot."""

    def __init__(self) -> None:
        self._taken: Snapshot | None = None

    def __call__(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command as it runs."""
        return argv if self._taken is None else self._taken.replay(argv)

    async def run(self, mailbox: Mailbox[None], *, context: SessionContext, publisher: Publisher) -> None:
        """Take the snapshot and hold it until the thread ends; where it cannot be taken, that is told."""
        from codex.processes.snapshot import remove

        directory = os.path.join(context.config.codex_home, "shell_snapshots")
        path = os.path.join(directory, f"{context.identity.thread_id}-{uuid7()[-12:]}.sh")
        try:
            await self._take(mailbox, context, path)
            _remove_forgotten(directory)
        except (CodexError, ToolFailure) as failure:
            with suppress(ActorGone, ActorRestarted):
                await publisher.publish([Warning(str(failure))])
        try:
            async for _ in mailbox:
                pass
        finally:
            self._taken = None
            remove(path)

    async def _take(self, mailbox: Mailbox[None], context: SessionContext, path: str) -> None:
        from codex.patch import PROGRAMS
        from codex.processes import build_environment, user_shell
        from codex.processes.snapshot import SnapshotFailed, can_snapshot, take_snapshot

        config, identity, environ = context.config, context.identity, context.services.environ
        shell = user_shell(environ)
        if not can_snapshot(shell):
            return
        confined = config.sandbox_policy.mode != "danger-full-access"
        if confined and context.services.processes.is_writable(config, environ, path):
            # It is run by commands outside of the sandbox, too.
            raise SnapshotFailed(f"commands may write {os.path.dirname(path)}, and could change it")
        env = build_environment(
            config.shell_environment_policy,
            environ,
            thread_id=identity.thread_id,
            session_id=identity.session_id,
            call_id="",
            network_disabled=False,
            programs=PROGRAMS,
        )
        self._taken = await take_snapshot(
            await context.services.processes.open(),
            shell,
            path,
            cwd=config.cwd,
            env=env,
            policy=config.shell_environment_policy,
            thread_id=identity.thread_id,
            owner=mailbox.ref,
            within=_WITHIN,
        )


def _remove_forgotten(directory: str) -> None:
    """Remove what programs left that were killed. Blocking, short."""
    with suppress(OSError):
        for entry in os.scandir(directory):
            if entry.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
                os.unlink(entry.path)
