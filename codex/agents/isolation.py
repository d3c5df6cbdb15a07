"""An agent in a worktree of its own: its settings, its sandbox, and the way of its changes back to its parent."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Never, Protocol

import attrs
import trio

from actors import Mailbox
from codex.agents.registry import Agent
from codex.agents.worktrees import Merged, Worktree, WorktreeError, recover
from codex.config.schema import Config
from codex.ports.agents import AgentFailure
from codex.protocol.event import Warning
from codex.protocol.permission import FileSystemEntry, SandboxPolicy, entries_of
from codex.protocol.response_item import input_text, message
from codex.session import Services
from codex.threads import Thread

_CLOSE_WITHIN = 20.0
# Git works on one worktree after the other: two patches for one directory must not meet.
_one_at_a_time = trio.CapacityLimiter(1)


class Tell(Protocol):
    """Is told in a sentence what became of an agent's changes; `missing`: something of them was not merged."""

    def __call__(self, text: str, *, missing: bool) -> None: ...


class OwnWorktree:
    """Implements `codex.ports.workplace.Workplace`. `config` is what the agent works with there."""

    def __init__(self, tree: Worktree, config: Config, tell: Tell) -> None:
        self.config = config
        self._tree = tree
        self._tell = tell
        self._closed = False

    @classmethod
    async def open(cls, config: Config, agent_id: str, tell: Tell) -> "OwnWorktree":
        """Make one from what stands in the directory of these settings. Cancelled, none is left.

        Raises: AgentFailure where that is in no git repository.
        """
        make = partial(Worktree.open, config.codex_home, agent_id, config.cwd)
        try:
            tree = await trio.to_thread.run_sync(make, limiter=_one_at_a_time)
        except (WorktreeError, OSError) as error:
            raise AgentFailure(f"collab spawn failed: {error}") from error
        return cls(tree, moved(config, tree.repository, tree.top, tree.cwd), tell)

    def moved(self, config: Config) -> Config:
        """The settings of the agent's parent as they would be here."""
        return moved(config, self._tree.repository, self._tree.top, self._tree.cwd)

    async def hand_in(self) -> None:
        """Patch what has changed into the parent's files. Cancelled, it is done all the same."""
        await self._hand_in()

    async def _hand_in(self) -> bool:
        try:
            merged = await trio.to_thread.run_sync(self._tree.hand_in, limiter=_one_at_a_time)
        except (WorktreeError, OSError) as error:
            self._tell(f"its changes could not be merged and stay in {self._tree.top}: {error}", missing=True)
            return False
        if merged != Merged():
            self._tell(str(merged), missing=bool(merged.conflicts))
        return True

    async def close(self) -> None:
        """Hand in what is left and remove the worktree; nothing is removed that could not be handed in."""
        if self._closed:
            return
        self._closed = True
        if await self._hand_in():
            await trio.to_thread.run_sync(self._tree.close, limiter=_one_at_a_time)

    async def hold(self, mailbox: Mailbox[Never]) -> None:
        """Serve until stopped, as the last of the thread's own actors, and close it then."""
        try:
            async for _ in mailbox:
                pass
        finally:
            with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                await self.close()


class StartChild(Protocol):
    """Starts the agent's thread with these settings and services; `moved` makes of its parent's those for there."""

    async def __call__(self, *, config: Config, services: Services, moved: Callable[[Config], Config]) -> Thread: ...


async def start_in_worktree(
    start_child: StartChild,
    config: Config,
    services: Services,
    agent: Agent,
    find: Callable[[str], Thread | None],
) -> Thread:
    """Start an agent in a worktree of its own, which is gone when it has ended. Cancelled, neither is left.

    Args:
      find: gives the thread of an id; the one that the agent belongs to is told of its changes.

    Raises: AgentFailure where the parent works in no git repository.
    """

    def tell(text: str, *, missing: bool) -> None:
        said, parent = f"{agent.path} worked in a git worktree of its own; {text}", find(agent.parent_id)
        if parent is None:
            return
        parent.inject_nowait([message("developer", [input_text(said)])])
        if missing:
            parent.outbox.publish([Warning(said)])

    own = await OwnWorktree.open(config, agent.agent_id, tell)
    try:
        return await start_child(config=own.config, services=attrs.evolve(services, workplace=own), moved=own.moved)
    except BaseException:
        with trio.move_on_after(_CLOSE_WITHIN, shield=True):
            await own.close()  # twice does no harm: the thread may have come so far that it has closed it
        raise


def moved(config: Config, repository: str, top: str, cwd: str) -> Config:
    """The same settings in a worktree: it can be written instead of the repository that it was made from."""

    def there(path: str) -> str:
        real = os.path.realpath(path)
        inside = real == repository or real.startswith(repository.rstrip("/") + "/")
        return top + real[len(repository) :] if inside else path

    policy = config.sandbox_policy
    if policy.mode != "danger-full-access" and (policy.mode, policy.entries) != ("read-only", None):
        policy = _moved_policy(policy, config.cwd, repository, there)
    return attrs.evolve(config, cwd=cwd, project_root=there(config.project_root or repository), sandbox_policy=policy)


def _moved_policy(policy: SandboxPolicy, cwd: str, repository: str, there: Callable[[str], str]) -> SandboxPolicy:
    def entries() -> Iterator[FileSystemEntry]:
        yield FileSystemEntry("path", "read", repository)
        for entry in entries_of(policy, cwd):
            target = there(entry.path) if entry.path else ""
            yield attrs.evolve(entry, path=target)
            if target != entry.path and entry.access != "write":
                yield entry

    return attrs.evolve(policy, entries=tuple(dict.fromkeys(entries())), writable_roots=())


async def recover_worktrees(codex_home: str) -> list[str]:
    """Remove the worktrees of programs that died; what was kept of them, as sentences."""
    return await trio.to_thread.run_sync(recover, codex_home, limiter=_one_at_a_time)
