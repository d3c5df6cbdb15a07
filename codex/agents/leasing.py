"""Leases at work: taken when an agent starts and when it patches, given back when its work ends."""

import os
from collections.abc import Collection, Iterator, Sequence

import attrs
import trio

from codex.agents.leases import LeaseTable, Wish, meet
from codex.agents.record import Agent
from codex.ports.agents import AgentFailure
from codex.protocol.permission import FileSystemEntry, SandboxPolicy, entries_of

_WITHIN = 20.0
_SCRATCH = ("slash_tmp", "tmpdir")


class Leasing:
    """The leases of one tree. `path` names an agent by its id."""

    def __init__(self, table: LeaseTable | None = None) -> None:
        self.table = table or LeaseTable()
        self.names: dict[str, str] = {}

    def of(self, agent: Agent, cwd: str, paths: Sequence[str]) -> "AgentLeases":
        """Those of an agent that starts; it has these paths whenever it works."""
        self.names[agent.agent_id] = agent.path
        return AgentLeases(self, agent.agent_id, [_real(os.path.join(cwd, path)) for path in paths])

    def release(self, agent_id: str) -> None:
        """The agent's work has ended."""
        if agent_id in self.names:
            self.table.release(agent_id)


class AgentLeases:
    """Implements `codex.ports.leases.Leases`."""

    def __init__(self, leasing: Leasing, agent_id: str, own: Sequence[str]) -> None:
        self._leasing = leasing
        self._agent_id = agent_id
        self._own = own

    async def take(self, paths: Collection[str]) -> None:
        """Have these paths, or wait for them for a while."""
        table, names = self._leasing.table, self._leasing.names
        ready = trio.Event()
        wish = Wish(self._agent_id, tuple(dict.fromkeys([*self._own, *map(_real, paths)])), ready.set)
        circle = table.ask(wish)
        if circle:
            told = " waits for ".join(names[owner] for owner in circle)
            raise AgentFailure(f"this lease would never come: {told}; leave {_listed(wish.paths)} to the others")
        holders = ""
        try:
            with trio.move_on_after(_WITHIN):
                await ready.wait()
        finally:
            if not wish.granted:
                holders = ", ".join(names[owner] for owner in table.holders(wish))
                table.withdraw(wish)
        if not wish.granted:
            raise AgentFailure(
                f"{_listed(wish.paths)} is leased to {holders or 'agents that came before'}, and was not given back "
                f"within {_WITHIN:g} s; write somewhere else, or try again later"
            )

    def confine(self, policy: SandboxPolicy, cwd: str) -> SandboxPolicy:
        """The policy for the agent's commands."""
        if policy.mode == "danger-full-access" or (policy.mode, policy.entries) == ("read-only", None):
            return policy
        return attrs.evolve(policy, entries=tuple(self._entries(policy, cwd)), writable_roots=())

    def _entries(self, policy: SandboxPolicy, cwd: str) -> Iterator[FileSystemEntry]:
        held = sorted(self._leasing.table.held(self._agent_id))
        for entry in entries_of(policy, cwd):
            if entry.access != "write" or entry.place in _SCRATCH:
                yield entry
                continue
            yield attrs.evolve(entry, access="read")
            place = "/" if entry.place == "root" else os.path.realpath(entry.path)
            for path in held:
                if meet(path, place):
                    yield FileSystemEntry("path", "write", path if len(path) >= len(place) else entry.path)


def _real(path: str) -> str:
    return os.path.realpath(path)


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths)
