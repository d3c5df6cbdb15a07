"""What a thread at a worker asks this process for: its accounts, its agents, its letters, tools of the program's own.

Each word is answered by what the session would have used here, so nothing is decided here either.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs

from codex.base.errors import CodexError, ToolFailure
from codex.placement.calls import Calls
from codex.ports.agents import AgentControl, Mail
from codex.ports.meter import Hold
from codex.protocol.letter import Letter
from codex.protocol.usage import TokenUsage
from codex.session import SessionContext

_HELD_AT_MOST = 4_096


class Service:
    """Answers the words of one worker. `calls` are those to it."""

    def __init__(self, context: SessionContext, calls: Calls) -> None:
        self._context = context
        self._calls = calls
        # By the numbers of the calls that asked for them: one that is withdrawn gives back what it was given.
        self._holds: dict[int, Hold | Callable[[], None]] = {}

    async def answer(self, number: int, word: str, arguments: tuple[Any, ...]) -> Any:  # Any: as the word says
        """Do it. `number` is the call's. Cancelled, as what is asked for is.

        Raises: CodexError, which goes back.
        """
        match word:
            case "reserve" | "tool_call" | "process":
                return await self._book(number, word, arguments)
            case "hand_in":
                workplace = self._context.services.workplace
                return None if workplace is None else await workplace.hand_in()
            case "dynamic":
                if self._context.dynamic is None:
                    raise ToolFailure("there are no tools of the program's own")
                return await self._context.dynamic.call(*arguments)
            case _ if word.startswith("mail "):
                return await self._mail(number, word.removeprefix("mail "), arguments)
            case _:
                return await self._agents(number, word, arguments)

    def told(self, word: str, arguments: tuple[Any, ...]) -> None:
        """What wants no answer."""
        match word:
            case "book":
                hold, usage, begun = arguments
                self._settle(hold, usage, begun=begun)
            case "release":
                self._settle(arguments[0], None, begun=False)
            case "read":
                agents = self._context.places.agents
                if agents is not None and agents.mail is not None:
                    agents.mail.read(arguments[0], requested=arguments[1])
            case _:
                raise CodexError(f"a worker says {word!r}, which nobody understands")

    def withdrawn(self, number: int) -> None:
        """Nobody waits for this call any more."""
        self._settle(number, None, begun=False)

    def close(self) -> None:
        """The worker is gone: what it held is free, and a request that was under way counts with what was sent."""
        for hold in tuple(self._holds):
            self._settle(hold, None, begun=True)

    async def _book(self, number: int, word: str, arguments: tuple[Any, ...]) -> Any:  # Any: as the word says
        purse, meter = self._context.services.purse, self._context.services.meter
        if purse is None or meter is None:
            raise CodexError("this thread has no account")
        match word:
            case "reserve":
                hold = await purse.reserve(*arguments)
                self._keep(number, hold)
                return number, hold.longest
            case "process":
                self._keep(number, await meter.hold_process())
                return number
            case _:
                return await meter.count_tool_call()

    def _keep(self, number: int, hold: Hold | Callable[[], None]) -> None:
        self._holds[number] = hold
        if len(self._holds) > _HELD_AT_MOST:
            self._settle(number, None, begun=False)
            raise CodexError(f"a worker holds {_HELD_AT_MOST:,} reservations and gives none back")

    def _settle(self, number: int, usage: TokenUsage | None, *, begun: bool) -> None:
        hold = self._holds.pop(number, None)
        match hold:
            case None:
                return
            case Hold():
                hold.book(usage, begun=begun)
            case _:
                hold()

    @property
    def _control(self) -> AgentControl:
        if self._context.places.agents is None:
            raise ToolFailure("sub-agents are not available here; do the task yourself")
        return self._context.places.agents

    async def _agents(self, number: int, word: str, arguments: tuple[Any, ...]) -> Any:  # Any: as the word says
        control = self._control
        match word, arguments:
            case "spawn", (request, keeps):
                keep = partial(self._kept, number) if keeps else None
                return await control.spawn(attrs.evolve(request, keep=keep))
            case "wait", (targets, within):
                return await control.wait(targets, within=within)
            case "send_input", (target, message, interrupt, schema):
                return await control.send_input(target, message, interrupt=interrupt, output_schema=schema)
            case "interrupt", (target, subtree):
                return await control.interrupt(target, subtree=subtree)
            case "resume" | "close" | "detach" | "look_up", (target,):
                do: dict[str, Callable[[str], Awaitable[Any]]] = {
                    "resume": control.resume,
                    "close": control.close,
                    "detach": control.detach,
                    "look_up": control.look_up,
                }
                return await do[word](target)
            case "list_below", ():
                return tuple(await control.list_below())
            case _:
                raise CodexError(f"a worker asks for {word!r}, which nobody understands")

    async def _mail(self, number: int, word: str, arguments: tuple[Any, ...]) -> Any:  # Any: as the word says
        mail: Mail | None = self._control.mail
        if mail is None:
            raise ToolFailure("there are no letters here")
        match word, arguments:
            case "find", (target,):
                return await mail.find(target)
            case "list", (prefix,):
                return tuple(await mail.list(prefix))
            case "send", (target, text, kind):
                return await mail.send(target, text, kind=kind, keep=partial(self._kept, number))
            case "wait", (within,):
                return await mail.wait(within=within)
            case "interrupt", (target,):
                return await mail.interrupt(target)
            case _:
                raise CodexError(f"a worker asks for {word!r}, which nobody understands")

    async def _kept(self, number: int, letter: Letter) -> None:
        """Have the worker's rollout take a letter that is about to be sent for its call."""
        await self._calls.ask("keep", number, letter)
