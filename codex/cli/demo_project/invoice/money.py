"""Amounts of money as whole cents."""


def share(cents: int, percent: int) -> int:
    """So many percent of an amount, rounded half up to a whole cent."""
    return (cents * percent + 50) // 100


def shown(cents: int) -> str:
    """An amount for people, as `1,234.50`."""
    return f"{cents // 100:,}.{cents % 100:02d}"
