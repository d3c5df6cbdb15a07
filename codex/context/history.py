"""The history of a thread as the model sees it: a list that only grows, until a compaction replaces it."""

from collections.abc import Iterable, Sequence

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.base.truncate import truncate_tokens
from codex.context.normalize import Normalizer
from codex.context.prompt import Told
from codex.context.size import estimate_items, from_model
from codex.protocol.response_item import ResponseItem, is_output

DEFAULT_OUTPUT_TOKENS = 10_000


class History:
    """Items in the order they happened, and the prompt made of them.

    Invariant: the prompt of one moment is a prefix of every later one, save for the outputs made up for calls that
    were open then; the items in both are the same objects, so what was encoded once need not be encoded again.
    """

    def __init__(
        self,
        items: Iterable[ResponseItem] = (),
        *,
        base: ResponseItem | None = None,
        output_tokens: int = DEFAULT_OUTPUT_TOKENS,
    ) -> None:
        """`base` stands before all items in every prompt; `output_tokens` is what one tool output may have."""
        self._base = base
        # A tool has cut its output already; a fifth more leaves that cut alone and catches what was not cut.
        self._output_tokens = output_tokens * 12 // 10
        self._items: list[ResponseItem] = []
        self._reset(items)

    def _reset(self, items: Iterable[ResponseItem]) -> None:
        self._items = []
        self._normalizer = Normalizer()
        self._told = Told()
        self._server_tokens = 0
        self._after_model = 0
        self.record(items)

    @property
    def items(self) -> Sequence[ResponseItem]:
        """All items as recorded, without the base; do not change it."""
        return self._items

    @property
    def told(self) -> Told:
        """What the model was told of its context."""
        return self._told

    def record(self, items: Iterable[ResponseItem]) -> list[ResponseItem]:
        """Append items; returns them as they are kept, with long tool outputs cut. Those go into the rollout."""
        kept = [_cut_output(item, self._output_tokens) if is_output(item) else item for item in items]
        for item in kept:
            self._items.append(item)
            self._normalizer.add(item)
            self._told.note(item)
            if from_model(item):
                self._after_model = len(self._items)
        return kept

    def replace(self, items: Iterable[ResponseItem]) -> None:
        """Start over with these items, as after a compaction; the server's count is forgotten."""
        self._reset(items)

    def prompt_items(self) -> list[ResponseItem]:
        """The `input` of the next request, a new list: base, then every call with exactly one output."""
        prompt = self._normalizer.items()
        if self._base is not None:
            prompt.insert(0, self._base)
        return prompt

    def note_usage(self, total_tokens: int) -> None:
        """The server counted this much for the last request and its answer."""
        self._server_tokens = total_tokens

    def context_tokens(self) -> int:
        """Tokens of the whole context: the server's last count and an estimate of what came after it."""
        if self._server_tokens:
            return self._server_tokens + estimate_items(self._items[self._after_model :])
        return estimate_items(self._items if self._base is None else [self._base, *self._items])


def _cut_output(item: ResponseItem, budget_tokens: int) -> ResponseItem:
    output = item.get("output")
    if isinstance(output, str):
        cut = truncate_tokens(output, budget_tokens)
        return item if cut is output else {**item, "output": cut}
    parts = get_list(item, "output")
    texts = sum(len(get_str(part, "text")) for part in parts if isinstance(part, dict))
    if texts <= budget_tokens:  # the usual case: no text can be too long
        return item
    return {**item, "output": _cut_parts(parts, budget_tokens)}


def _cut_parts(parts: Sequence[Json], budget_tokens: int) -> list[Json]:
    """Texts share the budget in their order; what follows the one that crosses it is left out. Images stay."""
    left = budget_tokens
    omitted = 0
    kept: list[Json] = []
    for part in parts:
        text = get_str(part, "text") if isinstance(part, dict) else ""
        if not isinstance(part, dict) or not text:
            kept.append(part)
        elif left <= 0:
            omitted += 1
        else:
            kept.append({**part, "text": truncate_tokens(text, left)})
            left -= -(-len(text.encode("utf-8", "surrogatepass")) // 4)
    if omitted:
        note: JsonObject = {"type": "input_text", "text": f"[omitted {omitted} text items ...]"}
        kept.append(note)
    return kept
