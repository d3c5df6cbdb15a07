"""Asks the hooks of a thread: who is asked, what they are told, and what their answers mean."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import attrs
import trio

from codex.base.jsontext import Json, encode_bytes
from codex.hooks._machine import Answer, Verdict, combine, read_answer
from codex.hooks.command import run_command
from codex.hooks.find import EventName, Hook


@attrs.frozen
class HookRunner:
    """The hooks of one thread. `common` is what every hook is told: session_id, cwd, model and others.

    `start` begins to ask one that runs beside everything else; its verdict is for whoever began it.
    """

    hooks: Sequence[Hook]
    common: Mapping[str, Json]
    cwd: str
    environ: Mapping[str, str]
    start: Callable[[Callable[[], Awaitable[Verdict]]], None]

    def listens(self, event: EventName) -> bool:
        """Whether any hook is asked about the event."""
        return any(hook.event == event for hook in self.hooks)

    async def ask(self, event: EventName, facts: Mapping[str, Json], *, subject: str = "") -> Verdict:
        """Ask all hooks for the event that match `subject`, at once; each has its own deadline.

        Cancelled, all of them are killed, but for those that run beside everything else.
        """
        asked = [hook for hook in self.hooks if hook.event == event and hook.matches(subject)]
        if not asked:
            return Verdict()
        payload = encode_bytes({**self.common, "hook_event_name": event, **facts}) + b"\n"
        for hook in asked:
            if hook.beside:
                self.start(partial(self._ask_all, [hook], payload))
        return await self._ask_all([hook for hook in asked if not hook.beside], payload)

    async def _ask_all(self, asked: Sequence[Hook], payload: bytes) -> Verdict:
        answers: dict[int, Answer] = {}
        async with trio.open_nursery() as nursery:
            for number, hook in enumerate(asked):
                nursery.start_soon(partial(self._ask_one, number, hook, payload, answers))
        return combine([(hook.status_message or hook.command[:60], answers[n]) for n, hook in enumerate(asked)])

    async def _ask_one(self, number: int, hook: Hook, payload: bytes, answers: dict[int, Answer]) -> None:
        ran = await run_command(hook.command, payload, cwd=self.cwd, environ=self.environ, timeout=hook.timeout)
        answers[number] = read_answer(hook.event, ran)
