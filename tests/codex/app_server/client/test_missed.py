"""A client that was away is told what it missed: each item's end and each turn's end, in order, nothing twice."""

from collections.abc import Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from codex.app_server.api.item import AgentMessageItem, ThreadItem
from codex.app_server.api.item_events import ItemCompletedNotification, ItemStartedNotification
from codex.app_server.api.thread import IdleThreadStatus, Thread
from codex.app_server.api.turn import Turn, TurnCompletedNotification, TurnStartedNotification
from codex.app_server.client._missed import Cursor
from codex.app_server.client.messages import Notification


def thread(turns: Sequence[Turn]) -> Thread:
    return Thread(
        id="t",
        session_id="t",
        preview="",
        ephemeral=False,
        model_provider="p",
        created_at=0,
        updated_at=0,
        status=IdleThreadStatus(),
        cwd="/",
        cli_version="",
        source="appServer",
        turns=tuple(turns),
    )


class World:
    """A thread that plays turns of two items, one step after another."""

    def __init__(self, turns: int) -> None:
        self.steps: list[Notification] = []
        self.states: list[Thread] = [thread([])]
        done: list[Turn] = []
        for number in range(turns):
            turn = Turn(id=f"turn{number}", items=(), status="inProgress")
            self._step("turn/started", TurnStartedNotification(thread_id="t", turn=turn), [*done, turn])
            for name in "ab":
                turn = self._item(turn, f"{name}{number}", done)
            turn = attrs.evolve(turn, status="completed")
            done.append(turn)
            self._step("turn/completed", TurnCompletedNotification(thread_id="t", turn=turn), done)

    def _item(self, turn: Turn, item_id: str, done: list[Turn]) -> Turn:
        before: tuple[ThreadItem, ...] = turn.items
        half = AgentMessageItem(id=item_id, text="ha", started_at_ms=0)
        started = ItemStartedNotification(thread_id="t", turn_id=turn.id, item=half, started_at_ms=0)
        self._step("item/started", started, [*done, attrs.evolve(turn, items=(*before, half))])
        whole = AgentMessageItem(id=item_id, text="half", started_at_ms=0, completed_at_ms=0)
        turn = attrs.evolve(turn, items=(*before, whole))
        completed = ItemCompletedNotification(thread_id="t", turn_id=turn.id, item=whole, completed_at_ms=0)
        self._step("item/completed", completed, [*done, turn])
        return turn

    def _step(self, method: str, params: object, turns: Sequence[Turn]) -> None:
        self.steps.append(Notification(method, params))
        self.states.append(thread(turns))


WORLD = World(3)
LENGTH = len(WORLD.steps)


def keys(notifications: Sequence[Notification]) -> list[tuple[str, str]]:
    """What each is about; the copies in a thread's state differ in what came later."""
    return [
        (one.method, one.params.turn.id if one.method.startswith("turn/") else one.params.item.id)
        for one in notifications
    ]


@given(stretches=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=6))
def test_with_what_it_missed_a_client_knows_all_that_was_told(stretches: list[tuple[int, int]]) -> None:
    cursor, told, at = Cursor(WORLD.states[0]), list[Notification](), 0
    for there, away in [*stretches, (LENGTH, 0)]:
        for step in WORLD.steps[at : at + there]:
            cursor.saw(step)
            told.append(step)
        at = min(at + there + away, LENGTH)
        told += cursor.missed(WORLD.states[at])
    assert keys(told) == keys(WORLD.steps)


def test_one_that_joins_late_is_told_only_what_comes_after() -> None:
    cursor = Cursor(WORLD.states[4])
    assert keys(cursor.missed(WORLD.states[7])) == keys(WORLD.steps[4:7])
    assert cursor.missed(WORLD.states[7]) == []
