"""The worker's side of a link: a thread that runs here works with what is in the main process.

`Far` brings frames to and fro; the others stand for what a session would have beside it there: its parent, its agents
and letters, its accounts, its workplace, the program's own tools.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Never, Protocol

import attrs
import trio

from actors import ActorGone, ActorsError, Mailbox, Ref
from codex.base.errors import CodexError
from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.placement.calls import Calls
from codex.placement.frames import (
    Call,
    Changed,
    Ended,
    Failed,
    Frame,
    Ping,
    Pong,
    Returned,
    Shown,
    Splitter,
    Start,
    Told,
    Withdrawn,
    failed,
    frame_of,
    framed,
)
from codex.ports.agents import AgentInfo, Keep, Listed, Spawned, SpawnRequest, Waited
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTools
from codex.ports.placement import WorkerLost
from codex.protocol.approval import ReviewDecision
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter, LetterKind
from codex.protocol.op import Submission
from codex.protocol.usage import TokenUsage
from codex.session import CopyHistory, InForce, Message, Outbox, Publish, Submit
from codex.session.messages import AbortTurn, CloseQuestion, Inject, OpenQuestion

_UNSENT = 4_096
_READ_BYTES = 262_144


class FarThread(Protocol):
    """The thread that runs here."""

    @property
    def session(self) -> Ref[Message]:
        """Its session."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What it tells."""
        ...

    @property
    def in_force(self) -> InForce | None:
        """Its settings."""
        ...


class Far:
    """The link to the main process. One task reads, one writes, and one tells what the thread shows."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._splitter = Splitter()
        self._unsent, self._outgoing = trio.open_memory_channel[Frame](_UNSENT)
        self.calls = Calls(self.send_nowait)
        self.keepers: dict[int, Keep] = {}
        self._serving: dict[int, trio.CancelScope] = {}
        self._told_config: Config | None = None

    async def read_start(self) -> Start:
        """The first frame. Raises: WorkerLost."""
        frame = await self._receive()
        if not isinstance(frame, Start):
            raise WorkerLost("the main process said nothing of a thread to run")
        return frame

    def send_nowait(self, frame: Frame) -> None:
        """Have a frame sent after those before it. Raises: WorkerLost where the main process does not read."""
        try:
            self._unsent.send_nowait(frame)
        except trio.WouldBlock:
            raise WorkerLost(f"the main process leaves {_UNSENT:,} frames unread") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the end is near

    async def write(self) -> None:
        """Send what is to be sent, until cancelled, or nobody reads."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for frame in self._outgoing:
                await self._stream.send_all(framed(frame))

    async def show(self, thread: FarThread) -> None:
        """Tell all that the thread shows, at the pace of who reads; returns after its last event."""
        subscription = thread.outbox.subscribe()
        async for event in subscription:
            await self._unsent.send(Shown(event.msg))
            assert thread.in_force is not None
            if thread.in_force.own is not self._told_config:
                self._told_config = thread.in_force.own
                await self._unsent.send(Changed(self._told_config))

    async def serve(self, thread: FarThread) -> None:
        """Do what the main process says, until it says stop, or is gone."""
        assert thread.in_force is not None
        self._told_config = thread.in_force.own
        async with trio.open_nursery() as nursery:
            while (frame := await self._receive()) is not None:
                match frame:
                    case Ping():
                        self.send_nowait(Pong())
                    case Returned() | Failed():
                        self.calls.answered(frame)
                    case Call(id=number):
                        scope = self._serving[number] = trio.CancelScope()
                        nursery.start_soon(self._answer, frame, thread, scope)
                    case Withdrawn(id=number):
                        if number in self._serving:
                            self._serving[number].cancel("the call was withdrawn")
                    case Told(word="stop"):
                        break
                    case Told(word="limit", arguments=(config,)):
                        thread.in_force.limit_to(config)
                    case Told(word=word, arguments=arguments):
                        _tell(thread.session, word, arguments)
                    case _:
                        raise WorkerLost(f"the main process said {type(frame).__qualname__}")
            nursery.cancel_scope.cancel("the main process wants no more")

    async def say_ended(self, failure: str | None) -> None:
        """The last frame. Cancelled, it may not be sent."""
        await self._unsent.send(Ended(failure))
        self._unsent.close()

    async def _receive(self) -> Frame | None:
        while (data := self._splitter.take()) is None:
            try:
                more = await self._stream.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            if not more:
                return None
            self._splitter.feed(more)
        return frame_of(data)

    async def _answer(self, call: Call, thread: FarThread, scope: trio.CancelScope) -> None:
        with scope:
            try:
                value = await self._do(thread, call.word, call.arguments)
            except CodexError as error:
                self.send_nowait(failed(call.id, error))
            except ActorsError as error:
                self.send_nowait(failed(call.id, CodexError(str(error))))
            else:
                self.send_nowait(Returned(call.id, value))
        self._serving.pop(call.id, None)

    async def _do(self, thread: FarThread, word: str, arguments: tuple[Any, ...]) -> object:
        match word, arguments:
            case "submit", (Submission() as submission,):
                return await thread.session.ask(partial(Submit, submission))
            case "publish", (msgs, items, counted, lines):
                return await thread.session.ask(partial(Publish, msgs, items, counted, lines=lines))
            case "history", ():
                return await thread.session.ask(CopyHistory)
            case "keep", (number, Letter() as letter) if number in self.keepers:
                return await self.keepers[number](letter)
            case _:
                raise CodexError(f"a worker is asked for {word!r}, which it does not understand")


def _tell(session: Ref[Message], word: str, arguments: tuple[Any, ...]) -> None:
    message: Message = Inject(*arguments) if word == "inject" else AbortTurn(*arguments)
    with suppress(ActorGone):
        session.send_nowait(message, control=True)


async def relay_questions(mailbox: Mailbox[Message], *, far: Far) -> None:
    """Stand for the session of the thread's parent, to which questions climb. Runs until stopped."""
    async for message in mailbox:
        match message:
            case OpenQuestion():
                mailbox.spawn(partial(_ask_above, far=far, message=message), name="question", shutdown=0)
            case CloseQuestion(question_id=question_id, decision=decision):
                far.send_nowait(Told("close_question", (question_id, decision)))
            case _:
                pass  # nothing else is said to a parent


async def _ask_above(_mailbox: Mailbox[Never], *, far: Far, message: OpenQuestion) -> None:
    decision: ReviewDecision = await far.calls.ask("question", attrs.evolve(message.asked, keys=()))
    if not message.reply.is_set:
        message.reply.set(decision)


async def _keeping(far: Far, keep: Keep | None, word: str, *arguments: object) -> Any:  # Any: as the word says
    """Ask for something for which a letter has to be kept here, before it is done."""
    if keep is None:
        return await far.calls.ask(word, *arguments)
    number = far.calls.next_number
    far.keepers[number] = keep
    try:
        return await far.calls.ask(word, *arguments)
    finally:
        del far.keepers[number]


@attrs.frozen
class FarHold:
    """Implements `codex.ports.meter.Hold`."""

    far: Far
    number: int
    longest: int | None

    def book(self, usage: TokenUsage | None, *, begun: bool) -> None:
        """The request is over."""
        self.far.send_nowait(Told("book", (self.number, usage, begun)))


@attrs.frozen
class FarAccount:
    """Implements `codex.ports.meter.Purse` and `codex.ports.meter.Meter`: all is booked in the main process."""

    far: Far

    async def reserve(self, model: str, input_tokens: int) -> FarHold:
        """Set aside what a request may need."""
        number, longest = await self.far.calls.ask("reserve", model, input_tokens)
        return FarHold(self.far, number, longest)

    async def count_tool_call(self) -> None:
        """Book one call."""
        await self.far.calls.ask("tool_call")

    async def hold_process(self) -> Callable[[], None]:
        """Book one process for as long as it runs."""
        return partial(self._release, await self.far.calls.ask("process"))

    def _release(self, number: int) -> None:
        self.far.send_nowait(Told("release", (number,)))


@attrs.frozen
class FarWorkplace:
    """Implements `codex.ports.workplace.Workplace`; the directory is held in the main process."""

    far: Far

    async def hand_in(self) -> None:
        """Have the changes brought to the parent."""
        await self.far.calls.ask("hand_in")

    async def hold(self, mailbox: Mailbox[Never]) -> None:
        """Serve until stopped."""
        async for _ in mailbox:
            pass


@attrs.frozen
class FarMail:
    """Implements `codex.ports.agents.Mail`."""

    far: Far

    async def find(self, target: str) -> Listed:
        """The living agent that is meant."""
        return await self.far.calls.ask("mail find", target)

    async def list(self, path_prefix: str | None) -> Sequence[Listed]:
        """All living agents, or those at and below a path."""
        return await self.far.calls.ask("mail list", path_prefix)

    async def send(self, target: str, text: str, *, kind: LetterKind, keep: Keep) -> None:
        """Write a letter; it is kept here, in the author's rollout, when it is sent there."""
        await _keeping(self.far, keep, "mail send", target, text, kind)

    async def wait(self, *, within: float) -> bool:
        """Wait until there is anything new to read."""
        return await self.far.calls.ask("mail wait", within)

    async def interrupt(self, target: str) -> AgentState:
        """End an agent's turn."""
        return await self.far.calls.ask("mail interrupt", target)

    def read(self, letter_ids: Collection[str], *, requested: bool) -> None:
        """The thread's rollout has these."""
        self.far.send_nowait(Told("read", (tuple(letter_ids), requested)))

    def steered(self) -> None:
        """The user speaks to the main process, which knows."""


@attrs.frozen
class FarAgents:
    """Implements `codex.ports.agents.AgentControl`: the agents of a thread here run where the tree is."""

    far: Far
    mail: FarMail | None

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start an agent below this thread."""
        plain = attrs.evolve(request, keep=None)
        return await _keeping(self.far, request.keep, "spawn", plain, request.keep is not None)

    async def list_below(self) -> Sequence[AgentInfo]:
        """All agents below this thread."""
        return await self.far.calls.ask("list_below")

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended."""
        return await self.far.calls.ask("wait", tuple(targets), within)

    async def send_input(
        self, target: str, message: str, *, interrupt: bool, output_schema: JsonObject | None = None
    ) -> str:
        """Hand a message to an agent."""
        return await self.far.calls.ask("send_input", target, message, interrupt, output_schema)

    async def resume(self, target: str) -> AgentState:
        """Start a closed agent of this thread again."""
        return await self.far.calls.ask("resume", target)

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it."""
        return await self.far.calls.ask("close", target)

    async def interrupt(self, target: str, *, subtree: bool = False) -> AgentState:
        """End an agent's turn, or those of it and of all below it."""
        return await self.far.calls.ask("interrupt", target, subtree)

    async def detach(self, target: str) -> AgentState:
        """Let an agent belong to the root thread from now on."""
        return await self.far.calls.ask("detach", target)

    async def look_up(self, target: str) -> AgentState:
        """Where an agent stands."""
        return await self.far.calls.ask("look_up", target)


def far_tools(far: Far, start: Start) -> DynamicTools | None:
    """The tools that a program brought along, which are called in the main process."""
    if not start.tools:
        return None

    async def call(call: DynamicCall) -> DynamicResult:
        return await far.calls.ask("dynamic", call)

    return DynamicTools(start.tools, call, start.descriptions, start.tool_within)
