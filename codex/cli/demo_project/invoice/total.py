"""Lines of an invoice and what they come to."""

from collections.abc import Iterable
from dataclasses import dataclass

from invoice.money import share
from invoice.rates import percent_of


@dataclass(frozen=True)
class Line:
    """One position: what is sold, its net price in cents, and the name of its tax rate."""

    what: str
    net: int
    rate: str = "standard"

    @property
    def gross(self) -> int:
        """The price with tax."""
        return self.net + share(self.net, percent_of(self.rate))


def total(lines: Iterable[Line]) -> int:
    """What has to be paid, in cents."""
    return sum(line.gross for line in lines)
