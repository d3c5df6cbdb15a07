"""Estimates of token counts where the server has not counted."""

_BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Tokens of a text by Codex's rule: a quarter of its UTF-8 bytes, rounded up."""
    return tokens_of_bytes(len(text.encode("utf-8", "surrogatepass")))


def tokens_of_bytes(count: int) -> int:
    """Tokens of so many bytes, by the same rule."""
    return -(-count // _BYTES_PER_TOKEN)
