"""What a thread remembers for its model: history, what was told of the context, tokens used; and the next request."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import trio

from codex.base.jsontext import Json, JsonObject
from codex.context import (
    AgentsMd,
    History,
    base_instructions,
    base_item,
    context_items,
    fragments,
    turn_aborted,
    user_message,
)
from codex.model import RequestIds, build_request
from codex.ports.model import ModelError, ModelRequest
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput, UserInput
from codex.session.context import SessionContext


class Memory:
    """One thread's history and counts, and the requests made of them."""

    def __init__(self, context: SessionContext, agents_md: AgentsMd, tools: Sequence[JsonObject]) -> None:
        self._context = context
        self._agents_md = agents_md
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
        self.total = context.restored.usage
        self.turn_total = TokenUsage()
        self.output_schema: JsonObject | None = None
        self._turn_began_at = 0.0
        self._injected: list[ResponseItem] = []
        self._opening = [turn_aborted()] if context.restored.cut_off else []
        # What is only guessed must not end a conversation.
        self._limit = None if model.is_fallback and config.model_context_window is None else self.window

    @property
    def window(self) -> int:
        """Tokens that the conversation may fill."""
        return self._context.model.effective_context_window

    @property
    def items(self) -> tuple[ResponseItem, ...]:
        """The history as it is."""
        return tuple(self._history.items)

    def begin_turn(self, output_schema: JsonObject | None) -> list[ResponseItem]:
        """Start counting for a turn; what the model must be told of its context before it."""
        self.output_schema, self.turn_total = output_schema, TokenUsage()
        now = datetime.now().astimezone()
        self._turn_began_at = now.timestamp()
        context = self._context
        texts = fragments(
            context.config, self._agents_md, context.services.environ, now, context.rules.allowed_prefixes
        )
        opening, self._opening = self._opening, []
        return [*opening, *context_items(texts, self._history.told)]

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
        make = partial(user_message, items, self._context.config.cwd)
        if all(isinstance(item, TextInput) for item in items):
            return make()
        return await trio.to_thread.run_sync(make)

    def inject(self, items: Sequence[ResponseItem]) -> None:
        """Keep items for the next request."""
        self._injected.extend(items)

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
        self.total += usage
        self.turn_total += usage

    def request(self, turn_id: str) -> ModelRequest:
        """The request that carries the history as it is now.

        Raises: ModelError when the history has outgrown the model's context.
        """
        self._refuse_overflow()
        context, config, identity = self._context, self._context.config, self._context.identity
        ids = RequestIds(
            root_thread_id=identity.session_id,
            thread_id=identity.thread_id,
            turn_id=turn_id,
            parent_thread_id=identity.parent_id,
            agent_path=identity.agent_path,
            installation_id=context.services.installation_id,
            history_initialization="cold_resume" if context.restored.path else "new",
            originator=context.services.originator,
            extra=self._facts(),
        )
        return build_request(
            context.model,
            ids,
            input=self._history.prompt_items(),
            tools=self._tools,
            effort=config.model_reasoning_effort,
            summary=config.model_reasoning_summary,
            verbosity=config.model_verbosity,
            service_tier=config.service_tier,
            output_schema=self.output_schema,
        )

    def _facts(self) -> dict[str, Json]:
        """What the server is told about a turn beside who asks."""
        config, model = self._context.config, self._context.model
        mode = config.sandbox_policy.mode
        facts: dict[str, Json] = {
            "sandbox": "none" if mode == "danger-full-access" else "seccomp",
            "sandbox_mode": mode,
            "turn_started_at_unix_ms": int(self._turn_began_at * 1000),
        }
        effort = config.model_reasoning_effort or (model.default_reasoning_effort if model.supports_reasoning else None)
        return facts if effort is None else {**facts, "reasoning_effort": effort}

    def _refuse_overflow(self) -> None:
        used, window = self._history.context_tokens(), self._limit
        if window is not None and used > window:
            raise ModelError(
                f"the conversation has about {used:,} tokens and {self._context.model.slug!r} takes {window:,}: "
                "start a new thread, or set model_context_window if the model takes more",
                "context_window_exceeded",
            )


def _left_out(image: ImageInput | LocalImageInput, model: str) -> TextInput:
    name = f" `{image.path}`" if isinstance(image, LocalImageInput) else ""
    return TextInput(f"[an image{name} was left out: the model {model} takes no images]")
