"""What can be typed, as the scripts for completion need to know it."""

from typing import NamedTuple


class Word(NamedTuple):
    """Something that can be typed, and what it is for."""

    text: str
    about: str = ""


class Value(NamedTuple):
    """An option that takes a value: how it is spelled, and what can follow."""

    spellings: tuple[str, ...]
    about: str
    words: tuple[str, ...] = ()
    kind: str = "text"


class Command(NamedTuple):
    """One command: the words that lead to it, and what can be typed behind them."""

    path: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[Word, ...]
    flags: tuple[Word, ...]
    values: tuple[Value, ...]

    @property
    def place(self) -> str:
        """The words as one text, for a script to compare with."""
        return " ".join(self.path)
