"""Answers of a model as values of a Python type: asked for by a schema, checked, and asked for once more.

The types are those of `codex.base.typed_json`. Servers take only objects as the schema of an answer, so that any other
type is asked for as the key `value` of one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject, decode
from codex.base.typed_json import NotOfType, object_schema, parse_as, schema_of
from codex.ports.approvals import OnApproval
from codex.protocol.user_input import UserInput

T = TypeVar("T")
_SHOWN_FAULTS = 10


class NotTyped(CodexError):
    """The answer is no value of the type that was asked for, also when the model was told what is wrong with it.

    `text` is the last answer; `faults` name what is wrong with it, with the place of each.
    """

    def __init__(self, kind: str, faults: Sequence[str], text: str) -> None:
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        super().__init__(f"the answer is no {kind}: {'; '.join(faults[:_SHOWN_FAULTS])}; it was {shown!r}")
        self.faults = tuple(faults)
        self.text = text


class Asked(Protocol):
    """What is asked: a thread."""

    async def ask(
        self,
        prompt: str | Sequence[UserInput],
        *,
        output_schema: JsonObject | None = None,
        on_approval: OnApproval | None = None,
    ) -> str:
        """Run one turn; the model's last message."""
        ...


class AnswerType(Generic[T]):
    """A type of answers: its schema for the model, and its values.

    Raises: NoSchema where the type cannot be told to a model.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self.name: str = getattr(kind, "__qualname__", str(kind))
        schema = schema_of(kind, where=self.name, complete=True)
        self._wrapped = schema.get("type") != "object" or "properties" not in schema
        self.schema: JsonObject = object_schema({"value": schema}, ["value"]) if self._wrapped else schema

    def parse(self, text: str) -> T:
        """The value that an answer is. Raises: NotOfType."""
        try:
            value: Json = decode(text.encode("utf-8", "replace"))
        except ValueError as error:
            raise NotOfType((f"$: not JSON: {error}",)) from error
        if not self._wrapped:
            return parse_as(self._kind, value)
        if not isinstance(value, dict) or [*value] != ["value"]:
            raise NotOfType(('$: expected an object with the key "value" and no other',))
        return parse_as(self._kind, value["value"])

    async def read(self, text: str, again: Callable[[str, JsonObject], Awaitable[str]]) -> T:
        """The value that an answer is; where it is none, `again` is asked once, with what is wrong and the schema.

        Raises: NotTyped where the second answer is none either, and what `again` raises.
        """
        try:
            return self.parse(text)
        except NotOfType as wrong:
            second = await again(_repair(wrong.faults), self.schema)
        try:
            return self.parse(second)
        except NotOfType as still:
            raise NotTyped(self.name, still.faults, second) from still


async def ask_typed(
    thread: Asked, prompt: str | Sequence[UserInput], kind: type[T], *, on_approval: OnApproval | None = None
) -> T:
    """Run one turn whose answer is a value of this type; a second one where the first answer was none.

        verdict = await ask_typed(thread, "Is the build green?", Verdict)

    Cancelling interrupts the turn.

    Raises:
      NoSchema: the type cannot be told to a model; nothing was asked.
      TurnError: a turn failed or was interrupted.
      NotTyped: the second answer was no such value either.
    """
    answer = AnswerType(kind)

    async def ask(text: str | Sequence[UserInput], schema: JsonObject) -> str:
        return await thread.ask(text, output_schema=schema, on_approval=on_approval)

    return await answer.read(await ask(prompt, answer.schema), ask)


def _repair(faults: Sequence[str]) -> str:
    told = "\n".join(f"- {fault}" for fault in faults[:_SHOWN_FAULTS])
    return f"Your answer does not fit the schema that was asked for:\n{told}\nGive the whole answer again, corrected."
