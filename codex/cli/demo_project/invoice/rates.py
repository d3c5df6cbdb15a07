"""The tax rates of docs/rates.md."""

RATES = {
    "standard": 19,
    "reduced": 17,
    "zero": 0,
}


def percent_of(rate: str) -> int:
    """The percentage of a rate.

    Raises:
      ValueError: there is no such rate.
    """
    if rate not in RATES:
        raise ValueError(f"no tax rate {rate!r}; there are: {', '.join(RATES)}")
    return RATES[rate]
