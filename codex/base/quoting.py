"""A command's words as one line that a shell would split into the same words, quoted as Codex quotes it.

Single quotes where they suffice, double quotes for text with single quotes or backslashes in it, several pieces where
neither does. Pure.
"""

from collections.abc import Sequence

_PLAIN = frozenset(b"+-./:@]_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_NOT_IN_SINGLE = frozenset(b"'^\\")
_NOT_IN_DOUBLE = frozenset(b"`$!^")
_ESCAPED_IN_DOUBLE = frozenset(b'$`"\\')


def command_line(words: Sequence[str]) -> str:
    """The words as one line; with a NUL in them, which no shell can take, they are only joined."""
    if any("\0" in word for word in words):
        return " ".join(words)
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if not word:
        return "''"
    data = word.encode("utf-8", "surrogatepass")
    if _PLAIN.issuperset(data):
        return word
    pieces = bytearray()
    while data:
        length, quote = _piece(data)
        piece, data = data[:length], data[length:]
        if quote == b'"':
            piece = b"".join(b"\\%c" % byte if byte in _ESCAPED_IN_DOUBLE else b"%c" % byte for byte in piece)
        pieces += quote + piece + quote
    return pieces.decode("utf-8", "surrogatepass")


def _piece(data: bytes) -> tuple[int, bytes]:
    """How many bytes one kind of quotes can hold, and which: none, single or double, in this order of liking."""
    plain = single = double = True
    start = 0
    if data[:1] == b"^":  # bash wants it right behind an opening single quote
        plain = double = False
        start = 1
    length = len(data)
    for index in range(start, length):
        byte = data[index]
        still_plain = plain and byte in _PLAIN
        still_single = single and byte not in _NOT_IN_SINGLE
        still_double = double and byte not in _NOT_IN_DOUBLE
        if not (still_plain or still_single or still_double):
            length = index
            break
        plain, single, double = still_plain, still_single, still_double
    return length, b"" if plain else b"'" if single else b'"'
