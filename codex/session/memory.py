"""What a thread remembers for its model: history, what was told of the context, tokens used; and the next request."""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import trio

from codex.base.jsontext import Json, JsonObject, get_str
from codex.context import (
    AgentsMd,
    Budget,
    History,
    Told,
    Verdict,
    WorkLog,
    base_instructions,
    base_item,
    context_items,
    fragments,
    limits,
    read_agents_md,
    turn_aborted,
    user_message,
)
from codex.context.size import from_model
from codex.model import ModelInfo, RequestIds, build_request
from codex.ports.model import ModelError, ModelRequest
from codex.protocol.letter import is_letter, letter_ids, without_known
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput, UserInput
from codex.session.context import SessionContext


class Memory:
    """One thread's history and counts, and the requests made of them."""

    def __init__(
        self,
        context: SessionContext,
        agents_md: AgentsMd,
        tools: Sequence[JsonObject],
        *,
        skills: str | None = None,
    ) -> None:
        self._skills = skills
        self._context = context
        self._agents_md: AgentsMd | None = agents_md
        self._tools = tools
        model, config = context.model, context.config
        self.instructions = (
            config.model_instructions
            or context.restored.instructions
            or model.base_instructions
            or base_instructions(config)
        )
        self.output_tokens = model.truncation_tokens
        self._history = History(
            context.restored.items,
            base=base_item(self.instructions, context.identity.thread_id),
            output_tokens=self.output_tokens,
        )
        self._history.note_usage(context.restored.last_tokens)
        self.budget = self._new_budget()
        self.previous_model = None if context.restored.model == model.slug else context.restored.model
        self.worklog = WorkLog(context.restored.items, context.restored.changed)
        self.total = context.restored.usage
        self.turn_total = TokenUsage()
        self.output_schema: JsonObject | None = None
        self._turn_began_at = 0.0
        self._injected: list[ResponseItem] = []
        self._opening = [turn_aborted()] if context.restored.cut_off else []

    def _new_budget(self) -> Budget:
        model, config = self._context.model, self._context.config
        # What is only guessed must not end a conversation.
        guessed = model.is_fallback and config.model_context_window is None
        return Budget(
            limits(
                model.context_window,
                usable=None if guessed else self.window,
                configured=config.model_auto_compact_token_limit,
                scope=config.model_auto_compact_token_limit_scope,
            )
        )

    def change_model(self, before: str, tools: Sequence[JsonObject]) -> None:
        """Another model reads the history from now on, with these tools; `before` is the one until now."""
        self._tools, self.previous_model = tools, before
        self.output_tokens = self._context.model.truncation_tokens
        self.budget = self._new_budget()

    @property
    def window(self) -> int:
        """Tokens that the conversation may fill."""
        return self._context.model.effective_context_window

    @property
    def items(self) -> tuple[ResponseItem, ...]:
        """The history as it is."""
        return tuple(self._history.items)

    @property
    def compactable(self) -> bool:
        """Whether the model has said anything that a compaction would leave out."""
        return any(from_model(item) for item in self._history.items)

    @property
    def tokens(self) -> int:
        """Tokens of the context, as far as they are known."""
        return self._history.context_tokens()

    @property
    def verdict(self) -> Verdict:
        """Whether the context may go to the model as it is. What holds no answer yet cannot become shorter."""
        return self.budget.verdict(self.tokens, answered=self.compactable)

    def begin_turn(self, output_schema: JsonObject | None) -> None:
        """Start counting for a turn."""
        self.output_schema, self.turn_total = output_schema, TokenUsage()
        self._turn_began_at = time.time()
        self.budget.turn_began()

    def news(self) -> list[ResponseItem]:
        """What the model must be told of its context before the user's input."""
        opening, self._opening = self._opening, []
        return [*opening, *self.context(self._history.told)]

    def context(self, told: Told) -> list[ResponseItem]:
        """What the model must be told of its context when it was told this; AGENTS.md is read anew."""
        # The first turn has what the session has read already.
        agents_md, self._agents_md = self._agents_md, None
        if agents_md is None:
            agents_md = read_agents_md(self._context.config)
        context, now = self._context, datetime.now().astimezone()
        allowed, environ = context.rules.allowed_prefixes, context.services.environ
        return context_items(fragments(context.config, agents_md, environ, now, allowed, skills=self._skills), told)

    def record(self, items: Sequence[ResponseItem]) -> list[ResponseItem]:
        """Take items into the history; as they are kept, for the rollout."""
        return self._history.record(items)

    async def user_message(self, items: tuple[UserInput, ...]) -> ResponseItem:
        """The user's input as a history item; images are read in a thread. Cancelled, nothing is recorded.

        A model that takes no images gets a sentence in the place of each.
        """
        model = self._context.model
        if not model.supports_image_input:
            items = tuple(item if isinstance(item, TextInput) else _left_out(item, model.slug) for item in items)
        make = partial(user_message, items, self._context.config.cwd, detail=model.image_detail)
        if all(isinstance(item, TextInput) for item in items):
            return make()
        return await trio.to_thread.run_sync(make)

    def inject(self, items: Sequence[ResponseItem]) -> bool:
        """Keep items for the next request, but for letters that are there already; False where nothing is new."""
        if any(is_letter(item) for item in items):
            recorded = letter_ids(self._history.items)
            self.told_news([item for item in items if get_str(item, "id") in recorded], requested=False)
            items = without_known(items, recorded | letter_ids(self._injected))
        self._injected.extend(items)
        return bool(items)

    def told_news(self, items: Sequence[ResponseItem], *, requested: bool = True) -> None:
        """These are in the rollout: letters among them need not be brought again."""
        agents = self._context.places.agents
        if agents is not None and agents.mail is not None:
            agents.mail.read(letter_ids(items), requested=requested)

    def take_injected(self) -> list[ResponseItem]:
        """Items to be recorded before the next request."""
        taken, self._injected = self._injected, []
        return taken

    def abort_marker(self) -> ResponseItem:
        """What tells the model that its turn was interrupted."""
        return turn_aborted()

    def count(self, usage: TokenUsage) -> None:
        """Add what a response has used."""
        self._history.note_usage(usage.total_tokens)
        self.budget.counted(usage.input_tokens)
        self.previous_model = None
        self.spend(usage)

    def spend(self, usage: TokenUsage) -> None:
        """Add to the sums what a request has used that is no part of the conversation."""
        self.total += usage
        self.turn_total += usage

    def prompt(self) -> list[ResponseItem]:
        """The input of a request: the base instructions, then the history."""
        return self._history.prompt_items()

    def estimate(self, items: Sequence[ResponseItem]) -> int:
        """Tokens of a context with this history."""
        return self._history.estimate(items)

    def replace(self, items: Sequence[ResponseItem]) -> None:
        """Go on with another history, in a new window."""
        self._history.replace(items)
        self.budget.compacted(self.tokens)

    def request(self, turn_id: str, window: int) -> ModelRequest | None:
        """The request that carries the history as it is now; None when it has to be compacted first.

        Args:
          window: how often the history was compacted.

        Raises: ModelError when the history has outgrown the model's context, and a compaction was of no help.
        """
        match self.verdict:
            case "compact":
                return None
            case "full":
                raise self._overflow()
            case "fits":
                pass
        context = self._context
        return self.build(
            context.model,
            self.ids(turn_id, window, self._facts()),
            self.prompt(),
            self._tools,
            output_schema=self.output_schema,
        )

    def ids(self, turn_id: str, window: int, facts: dict[str, Json], *, kind: str = "turn") -> RequestIds:
        """Who asks, with further facts for the server."""
        context, identity = self._context, self._context.identity
        return RequestIds(
            root_thread_id=identity.session_id,
            thread_id=identity.thread_id,
            turn_id=turn_id,
            window=window,
            request_kind=kind,
            parent_thread_id=identity.parent_id,
            agent_path=identity.agent_path,
            installation_id=context.services.installation_id,
            history_initialization="cold_resume" if context.restored.path else "new",
            originator=context.services.originator,
            extra=facts,
        )

    def build(
        self,
        model: ModelInfo,
        ids: RequestIds,
        prompt: Sequence[ResponseItem],
        tools: Sequence[JsonObject] = (),
        *,
        output_schema: JsonObject | None = None,
    ) -> ModelRequest:
        """A request with the settings that are in force."""
        config = self._context.config
        return build_request(
            model,
            ids,
            input=prompt,
            tools=tools,
            effort=config.model_reasoning_effort,
            summary=config.model_reasoning_summary,
            verbosity=config.model_verbosity,
            service_tier=config.service_tier,
            output_schema=output_schema,
        )

    def facts(self) -> dict[str, Json]:
        """What the server is told about every request of a turn beside who asks."""
        mode = self._context.config.sandbox_policy.mode
        return {
            "sandbox": "none" if mode == "danger-full-access" else "seccomp",
            "sandbox_mode": mode,
            "turn_started_at_unix_ms": int(self._turn_began_at * 1000),
        }

    def _facts(self) -> dict[str, Json]:
        config, model, facts = self._context.config, self._context.model, self.facts()
        effort = config.model_reasoning_effort or (model.default_reasoning_effort if model.supports_reasoning else None)
        return facts if effort is None else {**facts, "reasoning_effort": effort}

    def _overflow(self) -> ModelError:
        return ModelError(
            f"the conversation has about {self.tokens:,} tokens, {self._context.model.slug!r} takes {self.window:,}, "
            "and it could not be compacted: start a new thread, or set model_context_window if the model takes more",
            "context_window_exceeded",
        )


def _left_out(image: ImageInput | LocalImageInput, model: str) -> TextInput:
    name = f" `{image.path}`" if isinstance(image, LocalImageInput) else ""
    return TextInput(f"[an image{name} was left out: the model {model} takes no images]")
