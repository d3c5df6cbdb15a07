"""What tokens cost by the prices of the configuration."""

from hypothesis import given
from hypothesis import strategies as st

from codex.agents.prices import Price, price_of, usd
from codex.protocol.usage import TokenUsage

PRICES = {"big": (2.0, 0.2, 8.0)}
per_million = st.floats(0, 100, allow_nan=False)
tokens = st.integers(0, 10_000_000)


def test_cached_input_is_a_part_of_the_input_and_has_its_own_price() -> None:
    price = Price(2.0, 0.2, 8.0)
    assert price_of(PRICES, "big") == price
    used = TokenUsage(input_tokens=1_000_000, cached_input_tokens=500_000, output_tokens=250_000)
    assert usd(price.nano_usd(used)) == "3.1000 USD"


def test_a_model_without_a_price_has_none() -> None:
    assert price_of(PRICES, "small") is None


@given(per_million, per_million, tokens, tokens)
def test_output_that_can_be_paid_costs_no_more_than_there_is(
    per_input: float, per_output: float, given: int, money: int
) -> None:
    price = Price(per_input, per_input, per_output)
    left = money - price.nano_usd(TokenUsage(given))
    for output in price.affordable_output(max(left, 0)):
        assert price.nano_usd(TokenUsage(output_tokens=output)) <= max(left, 0) + 1


@given(per_million, st.lists(st.tuples(tokens, tokens), max_size=5))
def test_the_parts_cost_no_less_than_the_whole(per_token: float, parts: list[tuple[int, int]]) -> None:
    price = Price(per_token, per_token / 10, per_token * 4)
    used = [TokenUsage(input_tokens=one, output_tokens=two) for one, two in parts]
    together = sum(map(price.nano_usd, used))
    whole = price.nano_usd(sum(used, TokenUsage()))
    assert whole <= together + len(parts) <= whole + 2 * len(parts) + 1
