"""How a parent learns that the work of an agent has ended."""

from codex.agents.post import PostOffice
from codex.agents.registry import Registry
from codex.base.ids import uuid7
from codex.ports.agents import state_json
from codex.protocol.item import SubAgentActivity
from codex.protocol.letter import Letter, answer_id
from codex.threads import ThreadManager


class Ends:
    """Tells ends: by a letter, or by a note in the parent's history where there are no letters."""

    def __init__(self, manager: ThreadManager, registry: Registry, post: PostOffice | None) -> None:
        self._manager = manager
        self._registry = registry
        self._post = post

    def announce(self, agent_id: str, turn_id: str | None = None) -> None:
        """Put the end of an agent's work into its parent's history."""
        agent = self._registry.find(agent_id)
        parent = self._manager.find(agent.parent_id) if agent is not None else None
        if agent is None or parent is None:
            return
        wake = agent.wakes_parent and parent.config.background_wake
        if self._post is None:
            from codex.context import subagent_notification

            parent.inject_nowait([subagent_notification(agent_id, state_json(agent.state))], wake=wake)
            return
        from codex.agents.final_answer import final_text

        if agent.state.status == "completed":
            done = f"subagent-completed-{turn_id or agent_id}"
            parent.note_nowait(SubAgentActivity(done, "completed", agent_id, agent.path))

        owner = self._registry.find(agent.parent_id) or self._registry.root
        # The agent's rollout has the end of this turn already: that line is the letter's.
        self._post.post(
            Letter(
                answer_id(turn_id or uuid7()),
                "FINAL_ANSWER",
                agent.path,
                owner.path,
                owner.agent_id,
                final_text(agent.state),
                wake,
            )
        )
