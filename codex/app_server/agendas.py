"""The agendas of all loaded threads; for tools the goals of threads (`codex.ports.goals`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from codex.protocol.goal import Goal
from codex.threads.goal import GoalMachine, GoalRefused

if TYPE_CHECKING:
    from codex.app_server.agenda import Agenda


class Agendas:
    """Finds the agenda of a thread. Implements `codex.ports.goals.Goals`."""

    def __init__(self) -> None:
        self._find: Callable[[str], Agenda | None] = lambda _: None

    def bind(self, find: "Callable[[str], Agenda | None]") -> None:
        """Look agendas up here from now on."""
        self._find = find

    def get_goal(self, thread_id: str) -> Goal | None:
        """See `Goals`."""
        agenda = self._find(thread_id)
        return agenda.goal if agenda is not None else None

    def create_goal(self, thread_id: str, objective: str, token_budget: int | None) -> Goal:
        """See `Goals`."""
        return self._change(thread_id, lambda goal, now: goal.create(objective, token_budget, now=now))

    def end_goal(self, thread_id: str, status: Literal["complete", "blocked", "paused"]) -> Goal:
        """See `Goals`."""
        return self._change(thread_id, lambda goal, now: goal.end(status, now=now))

    def _change(self, thread_id: str, change: Callable[[GoalMachine, float], object]) -> Goal:
        agenda = self._find(thread_id)
        if agenda is None:
            raise GoalRefused("this thread is not loaded, so it has no goal")
        agenda.change_goal(change)
        assert agenda.goal is not None
        return agenda.goal
