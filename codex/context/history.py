"""The history of a thread as the model sees it: a list that only grows, until a compaction replaces it."""

from collections.abc import Iterable, Sequence

from codex.context.cut import cut_output
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
        self._base_tokens: int | None = None
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
        self._estimated, self._estimated_to = 0, 0
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
        kept = [cut_output(item, self._output_tokens) if is_output(item) else item for item in items]
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
        self._estimated += estimate_items(self._items[self._estimated_to :])
        self._estimated_to = len(self._items)
        return self._estimated + self.estimate(())

    def estimate(self, items: Iterable[ResponseItem]) -> int:
        """An estimate of a context of the base and these items."""
        if self._base_tokens is None:
            self._base_tokens = 0 if self._base is None else estimate_items([self._base])
        return estimate_items(items) + self._base_tokens
