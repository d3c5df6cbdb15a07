"""The law of calls and outputs, which servers insist on.

    every call gets exactly one output, somewhere behind it; every output answers one call before it

A call without an output gets one that says "aborted", right behind it; its id is derived from the call, so that every
prompt shows the same. An output without its call, or a second one, is left out. Models may use a call id again in a
later response, so an output answers the oldest open call of its id. The items that stay are the same objects.
"""

from collections.abc import Iterable

from codex.base.jsontext import JsonObject, get_str
from codex.protocol.response_item import ResponseItem

ABORTED = "aborted"
_NAMESPACE = "5f1f8c2e-6f0e-4a53-9c39-0f4f1f0f7a11"

# How a call is answered: output type, prefix of its id. Old kinds occur in rollouts written by others.
_ANSWERS = {
    "function_call": ("function_call_output", "fco"),
    "custom_tool_call": ("custom_tool_call_output", "ctco"),
    "local_shell_call": ("function_call_output", "fco"),
    "tool_search_call": ("tool_search_output", "tso"),
}
_OUTPUT_TYPES = frozenset(kind for kind, _ in _ANSWERS.values())

Key = tuple[str, str]


def call_key(item: ResponseItem) -> Key | None:
    """What an output must carry to answer this call; None when the item is no call that we answer."""
    answer = _ANSWERS.get(get_str(item, "type"))
    call_id = get_str(item, "call_id")
    return (answer[0], call_id) if answer is not None and call_id else None


def output_key(item: ResponseItem) -> Key | None:
    """Which calls this output can answer; None when the item is no output."""
    kind = get_str(item, "type")
    return (kind, get_str(item, "call_id")) if kind in _OUTPUT_TYPES else None


def aborted_output(call: ResponseItem, nth: int) -> ResponseItem:
    """The output of a call that never got one; `nth` tells calls with the same id apart."""
    from uuid import UUID, uuid5

    kind, prefix = _ANSWERS[get_str(call, "type")]
    call_id = get_str(call, "call_id")
    output: JsonObject = {
        "type": kind,
        "id": f"{prefix}_{uuid5(UUID(_NAMESPACE), f'{kind}:{call_id}:{nth}')}",
        "call_id": call_id,
    }
    if kind == "tool_search_output":
        return {**output, "status": "completed", "execution": "client", "tools": []}
    return {**output, "output": ABORTED}


class Normalizer:
    """Takes items in their order and keeps the prompt.

    What stands before the oldest open call can no longer change; behind it the prompt is put together each time.
    """

    def __init__(self) -> None:
        self._settled: list[ResponseItem] = []
        self._tail: list[ResponseItem] = []  # from the oldest open call on
        self._open: dict[Key, list[int]] = {}  # open calls by their place in the tail, oldest first
        self._seen: dict[Key, int] = {}  # calls so far, by key

    def add(self, item: ResponseItem) -> bool:
        """Take one item; False when it is an output that answers nothing and was left out."""
        if (key := output_key(item)) is not None:
            waiting = self._open.get(key)
            if not waiting:
                return False
            waiting.pop(0)
            if not waiting:
                del self._open[key]
        elif (key := call_key(item)) is not None:
            self._seen[key] = self._seen.get(key, 0) + 1
            self._open.setdefault(key, []).append(len(self._tail))
        self._tail.append(item)
        self._settle()
        return True

    def _settle(self) -> None:
        keep = min((places[0] for places in self._open.values()), default=len(self._tail))
        if keep == 0:
            return
        self._settled.extend(self._tail[:keep])
        del self._tail[:keep]
        for places in self._open.values():
            places[:] = [place - keep for place in places]

    def items(self) -> list[ResponseItem]:
        """The prompt now: a new list of the items, with outputs for the calls that are open."""
        if not self._open:
            return self._settled.copy()
        numbers = {
            place: self._seen[key] - len(places) + index + 1
            for key, places in self._open.items()
            for index, place in enumerate(places)
        }
        prompt = self._settled.copy()
        for place, item in enumerate(self._tail):
            prompt.append(item)
            if place in numbers:
                prompt.append(aborted_output(item, numbers[place]))
        return prompt


def normalized(items: Iterable[ResponseItem]) -> list[ResponseItem]:
    """The items with the law in force."""
    normalizer = Normalizer()
    for item in items:
        normalizer.add(item)
    return normalizer.items()
