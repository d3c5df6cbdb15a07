"""Ends of work that leave the agents there: one turn, or all that runs in a subtree."""

from typing import TYPE_CHECKING

from codex.protocol.op import Interrupt

if TYPE_CHECKING:
    from codex.agents.changes import Changes
    from codex.agents.record import Agent
    from codex.agents.registry import Registry
    from codex.threads import Thread, ThreadManager


async def interrupt_turn(agent: "Agent", thread: "Thread", changes: "Changes") -> None:
    """End the turn that is open now; returns when all it started is gone. What it started on purpose goes on.

    Cancel-safe: it may end later.
    """
    turn = thread.outbox.open_turn
    if turn is None:
        return
    await thread.submit(Interrupt())
    while thread.outbox.open_turn == turn and not agent.closed:
        await changes.wait((agent.agent_id,))


async def interrupt_subtree(agent: "Agent", registry: "Registry", manager: "ThreadManager", changes: "Changes") -> None:
    """End all work of an agent and of all below it: turns, background commands, and restarts that are to come.

    Those above first, so that nobody starts work below who has not been asked to stop; and again, as long as anything
    works that was on its way meanwhile. Cancel-safe: some of it may have ended.
    """
    while True:
        found = False
        for one in reversed(registry.below(agent.agent_id)):
            found = found or one.reviving
            one.interrupted()
            thread = manager.find(one.agent_id)
            if thread is None or not thread.alive:
                continue
            # Commands first: in the background they have no turn that would end them.
            cleaned = await thread.clean_background()
            found = found or bool(cleaned) or thread.outbox.open_turn is not None
            await interrupt_turn(one, thread, changes)
        if not found:
            return
