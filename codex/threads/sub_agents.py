"""A thread's sub-agents, as programs hold them: started in a block, asked for their result, run side by side."""

import math
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, overload

import attrs
import trio

from codex.base.errors import CodexError, UserError
from codex.base.jsontext import JsonObject
from codex.ports.agents import AgentControl, AgentInfo, ExitCause, LocalControl, Spawned, SpawnRequest
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.usage import TokenUsage

if TYPE_CHECKING:
    from codex.ports.placement import Placement

T = TypeVar("T")
_CLOSE_WITHIN = 30.0
_NO_BUDGET = Budget()


class SubAgentError(CodexError):
    """A sub-agent ended without a result: it failed, was interrupted or closed, or its budget was used up.

    `state` is where it stands; its message is the reason, with the agent's last words where it had said anything.
    `cause` is the reason as a word; `partial` is what the agent had said last in the turn that ended.
    """

    def __init__(self, path: str, state: AgentState, cause: ExitCause | None, partial: str | None) -> None:
        super().__init__(f"agent {path} {state.status}" + (f": {state.message}" if state.message else ""))
        self.path = path
        self.state = state
        self.cause = cause
        self.partial = partial


class SubAgent:
    """A sub-agent, as programs hold it."""

    def __init__(self, control: LocalControl, spawned: Spawned) -> None:
        self._control = control
        self.agent_id = spawned.agent_id
        self.nickname = spawned.nickname
        self._detached = False

    @property
    def info(self) -> AgentInfo:
        """What is known of it: path, model, state, budget, and what it and all below it have used."""
        infos = {info.agent_id: info for info in self._control.below()}
        info = infos[self.agent_id]
        while info.replaced_by is not None:
            info = infos[info.replaced_by]
        return info

    @property
    def state(self) -> AgentState:
        """Where it stands."""
        return self._control.state(self.agent_id)

    @overload
    async def result(self) -> str: ...
    @overload
    async def result(self, as_type: type[T]) -> T: ...
    async def result(self, as_type: type[T] | None = None) -> str | T:
        """Its last message, once its turn has ended. Waits without polling; cancel-safe: the agent goes on.

        Args:
          as_type: the message as a value of this type; where it is none, the agent is told what is wrong, once.

        Raises:
          SubAgentError: it ended in another way.
          NotTyped: the second answer was no value of the type either.
          NoSchema: the type cannot be told to a model.
        """
        if as_type is None:
            return await self._text()
        from codex.threads.typed import AnswerType

        return await AnswerType(as_type).read(await self._text(), self._again)

    async def _again(self, message: str, schema: JsonObject) -> str:
        await self._control.send_input(self.agent_id, message, interrupt=False, output_schema=schema)
        return await self._text()

    async def _text(self) -> str:
        await self._control.wait([self.agent_id], within=math.inf)
        state = self.state
        if state.status != "completed":
            info = self.info
            raise SubAgentError(info.path, state, info.cause, info.last_words)
        return state.message or ""

    async def send(self, message: str, *, interrupt: bool = False) -> None:
        """Hand it a message: its running turn takes it, or a new one starts; `interrupt` ends the running one first.

        Raises: AgentFailure when it has ended for good.
        """
        await self._control.send_input(self.agent_id, message, interrupt=interrupt)

    async def interrupt(self, *, subtree: bool = False) -> None:
        """End what it does now; it takes further messages. Returns when nothing of that runs any more.

        Cancelled, it may be done all the same.

        Args:
          subtree: also what all agents below it do, and the commands that they and it have in the background; without
            it only its own turn is ended, and all below it goes on.
        """
        await self._control.interrupt(self.agent_id, subtree=subtree)

    async def detach(self) -> None:
        """Let it go on after the block, with all below it: it belongs to the root thread from now on, and ends with it.

        Its path, its budget and what it may do stay as they are. Cancelled, it may be done all the same.

        Raises: AgentFailure where it is closed, or works in the worktree of an agent above it.
        """
        await self._control.detach(self.agent_id)
        self._detached = True

    async def leave(self) -> None:
        """The block is over: end it with all below it, unless it was detached."""
        if not self._detached:
            await self.close()

    async def close(self) -> None:
        """End it with all below it; returns when nothing of it is left. Once is enough, twice does no harm."""
        await self._control.close(self.agent_id)


@attrs.frozen
class Outcome:
    """What became of one of several agents: its result, or the error it ended with."""

    prompt: str
    result: str | None = None
    error: CodexError | None = None


class SpawnOptions(TypedDict, total=False):
    """How agents are started.

    `role`: one of the configuration's, or `explorer` or `worker`. `isolation`: work in the thread's directory (`share`)
    each in a git worktree of its own (`worktree`), or in the directory with leases on what it writes (`lease`), among
    them `paths` from the beginning; `placement`: in this process (`here`) or each in a worker process
    of its own (`worker`), both whatever the role says. `model`, `reasoning_effort`: those of
    the thread unless given. `output_type`: their answers are to be values of this type, see
    `SubAgent.result(as_type=...)`.
    `budget`: each agent's own. `deadline`: seconds after which an agent is ended, the same as `Budget.seconds`; the
    smaller counts. `fork`: they start with the thread's history. `queue` (True unless given): wait for a place
    where all are taken, first come first served, instead of failing.
    """

    role: str
    isolation: Literal["share", "worktree", "lease"]
    paths: Sequence[str]
    placement: "Placement"
    model: str
    reasoning_effort: str
    output_type: Any  # what a type is there is no type for: unions and literals are types here too
    budget: Budget
    deadline: float
    fork: bool
    queue: bool


class SubAgents:
    """The agents below one thread. All of them end with the thread; those of a block, with the block."""

    def __init__(self, control: Callable[[], AgentControl | None]) -> None:
        self._find_control = control

    def __iter__(self) -> Iterator[AgentInfo]:
        """All that were ever started below the thread, each after its parent."""
        return iter(self._control().below())

    def find(self, target: str) -> SubAgent:
        """The agent of this id or path, whoever started it; nothing ends it but what you ask for.

        Raises: UserError where none below the thread is meant.
        """
        control = self._control()
        for info in control.below():
            if target in (info.agent_id, info.path) and info.replaced_by is None:
                return SubAgent(control, Spawned(info.agent_id, info.nickname, info.path))
        raise UserError(f"no agent {target!r} below this thread; there are: {[info.path for info in self]}")

    @property
    def usage(self) -> TokenUsage:
        """What all agents below the thread have used so far."""
        return sum((info.usage for info in self), TokenUsage())

    @property
    def usd(self) -> float | None:
        """What that cost; None where the price of a model is not known."""
        costs = [info.usd for info in self]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def text(self) -> str:
        """The tree as lines of text: path, state, model, tokens (its own, and all below it), cost, restarts, action."""
        return "".join(
            f"{'  ' * info.path.count('/')}{info.path.rpartition('/')[2]}  {info.state.status}  {info.model}  "
            f"{info.usage.total_tokens:,} tokens"
            + (f" (+{info.below.total_tokens:,} below)" if info.below.total_tokens else "")
            + (f"  {info.usd:.4f} USD" if info.usd is not None else "")
            + (f"  restarts: {info.restarts}" if info.restarts else "")
            + ("  detached" if info.detached else "")
            + (f"  {info.last_action}" if info.last_action else "")
            + "\n"
            for info in sorted(self, key=lambda info: info.path.split("/"))
        )

    def json(self) -> list[JsonObject]:
        """The tree as plain data: one object an agent, its parent named by `parent_id`."""
        return [
            {
                "agent_id": info.agent_id,
                "parent_id": info.parent_id,
                "path": info.path,
                "nickname": info.nickname,
                "role": info.role,
                "model": info.model,
                "status": info.state.status,
                "message": info.state.message,
                "tokens": info.usage.total_tokens,
                "tokens_below": info.below.total_tokens,
                "usd": info.usd,
                "cause": info.cause,
                "restarts": info.restarts,
                "replaced_by": info.replaced_by,
                "last_action": info.last_action,
                "detached": info.detached,
            }
            for info in self
        ]

    @asynccontextmanager
    async def spawn(self, prompt: str, **options: Unpack[SpawnOptions]) -> AsyncGenerator[SubAgent, None]:
        """Start an agent for the time of a block; leaving the block ends it, with all below it.

            async with thread.agents.spawn("Find the bug", budget=Budget(tokens=50_000)) as agent:
                print(await agent.result())

        Raises: AgentFailure, on entering, over a limit.
        """
        control = self._control()
        agent = SubAgent(control, await control.spawn(_request(prompt, options)))
        try:
            yield agent
        finally:
            with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                await agent.leave()

    async def map(self, prompts: Iterable[str], **options: Unpack[SpawnOptions]) -> list[str]:
        """One agent for each prompt, side by side; their results in the order of the prompts.

        The first that ends without a result ends the others. Cancelled, all are gone.

        Raises: SubAgentError, or AgentFailure over a limit.
        """
        outcomes = await self._all(prompts, options, until=lambda outcome: outcome.error is not None)
        for outcome in outcomes:
            if outcome is not None and outcome.error is not None:
                raise outcome.error
        return [outcome.result or "" for outcome in outcomes if outcome is not None]

    async def gather(self, prompts: Iterable[str], **options: Unpack[SpawnOptions]) -> list[Outcome]:
        """As `map`, but one that ends without a result ends nobody: every outcome comes back, in order."""
        outcomes = await self._all(prompts, options, until=lambda _: False)
        return [outcome for outcome in outcomes if outcome is not None]

    async def race(self, prompts: Iterable[str], **options: Unpack[SpawnOptions]) -> Outcome:
        """One agent for each prompt, side by side; the first result, and the others are ended.

        Raises: SubAgentError, or AgentFailure, of the first that failed when all have.
        """
        outcomes = await self._all(prompts, options, until=lambda outcome: outcome.error is None)
        for outcome in outcomes:
            if outcome is not None and outcome.error is None:
                return outcome
        for outcome in outcomes:
            if outcome is not None and outcome.error is not None:
                raise outcome.error
        raise UserError("race: name at least one prompt")

    async def _all(
        self, prompts: Iterable[str], options: SpawnOptions, *, until: Callable[[Outcome], bool]
    ) -> list[Outcome | None]:
        """Run them side by side until one is `until`; None for those that were ended by that."""
        all_prompts = [*prompts]
        outcomes: list[Outcome | None] = [None] * len(all_prompts)

        async def run(index: int, prompt: str) -> None:
            outcome = await self._run(prompt, options)
            outcomes[index] = outcome
            if until(outcome):
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for index, prompt in enumerate(all_prompts):
                nursery.start_soon(run, index, prompt)
        return outcomes

    async def _run(self, prompt: str, options: SpawnOptions) -> Outcome:
        try:
            async with self.spawn(prompt, **options) as agent:
                return Outcome(prompt, await agent.result())
        except CodexError as error:
            return Outcome(prompt, error=error)

    def _control(self) -> LocalControl:
        control = self._find_control()
        if not isinstance(control, LocalControl):
            raise UserError(
                "this thread may not have sub-agents: raise agents.max_depth or agents.max_threads in the configuration"
            )
        return control


def _request(prompt: str, options: SpawnOptions) -> SpawnRequest:
    budget, deadline = options.get("budget", _NO_BUDGET), options.get("deadline")
    if deadline is not None:
        budget = attrs.evolve(budget, seconds=deadline if budget.seconds is None else min(deadline, budget.seconds))
    return SpawnRequest(
        prompt,
        role=options.get("role"),
        isolation=options.get("isolation"),
        placement=options.get("placement"),
        paths=tuple(options.get("paths", ())),
        model=options.get("model"),
        reasoning_effort=options.get("reasoning_effort"),
        fork_context=options.get("fork", False),
        budget=budget,
        queue=options.get("queue", True),
        wakes_parent=False,
        output_schema=_schema(options["output_type"]) if "output_type" in options else None,
    )


def _schema(kind: type[object]) -> JsonObject:
    from codex.threads.typed import AnswerType

    return AnswerType(kind).schema
