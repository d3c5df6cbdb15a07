"""Cutting the middle out of a text, so that head and tail stay readable; Codex's shapes of the mark.

Budgets are in tokens (a quarter of the UTF-8 bytes) or in bytes. Half of the budget goes to the head, half to the tail,
each cut on a UTF-8 boundary; the mark itself comes on top of the budget.
"""

_BYTES_PER_TOKEN = 4


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _tokens(count_bytes: int) -> int:
    return -(-count_bytes // _BYTES_PER_TOKEN)


def _head_end(data: bytes, size: int) -> int:
    """The largest end of at most `size` bytes that does not split a character."""
    while 0 < size < len(data) and data[size] & 0xC0 == 0x80:
        size -= 1
    return size


def _tail_start(data: bytes, size: int) -> int:
    """The smallest start with at most `size` bytes behind it that does not split a character."""
    start = len(data) - size
    while start < len(data) and data[start] & 0xC0 == 0x80:
        start += 1
    return start


def _middle(data: bytes, budget_bytes: int) -> tuple[int, int]:
    """Where the part that has to go begins and ends."""
    head = _head_end(data, budget_bytes // 2)
    return head, max(_tail_start(data, budget_bytes - budget_bytes // 2), head)


def truncate_tokens(text: str, budget_tokens: int) -> str:
    """The text, or its head and tail around `…N tokens truncated…` where it has more than `budget_tokens`."""
    budget = max(budget_tokens, 0) * _BYTES_PER_TOKEN
    if len(text) * 4 <= budget:  # no character has more bytes than four
        return text
    data = _encode(text)
    if len(data) <= budget:
        return text
    head, tail = _middle(data, budget)
    return f"{_decode(data[:head])}…{_tokens(len(data) - budget)} tokens truncated…{_decode(data[tail:])}"


def truncate_bytes(text: str, budget_bytes: int) -> str:
    """The text, or its head and tail around `…N chars truncated…` where it has more than `budget_bytes`."""
    budget = max(budget_bytes, 0)
    data = _encode(text)
    if len(data) <= budget:
        return text
    head, tail = _middle(data, budget)
    removed = len(_decode(data[head:tail]))
    return f"{_decode(data[:head])}…{removed} chars truncated…{_decode(data[tail:])}"


def truncate_output(text: str, budget_tokens: int, *, omitted_bytes: int = 0) -> str:
    """A command's output as the model gets it: whole, or cut in the middle under a heading that says so.

    Args:
      omitted_bytes: bytes of the middle that a buffer above has dropped already and that `text` does not hold.
        They count for the original size; the text must have a mark of its own where they were.
    """
    data_size = len(_encode(text))
    if data_size <= max(budget_tokens, 0) * _BYTES_PER_TOKEN and not omitted_bytes:
        return text
    second = f"... {omitted_bytes} bytes omitted ..." if omitted_bytes else f"Total output lines: {count_lines(text)}"
    heading = f"Warning: truncated output (original token count: {_tokens(data_size + omitted_bytes)})\n{second}\n\n"
    return heading + truncate_tokens(text, budget_tokens)


def count_lines(text: str) -> int:
    """Lines of a text; a last line without a newline counts, an empty text has none."""
    return text.count("\n") + (1 if text and not text.endswith("\n") else 0)


def clip_bytes(text: str, max_bytes: int) -> str:
    """The head of the text in at most `max_bytes` of UTF-8, without a mark."""
    data = _encode(text)
    return text if len(data) <= max_bytes else _decode(data[: _head_end(data, max(max_bytes, 0))])
