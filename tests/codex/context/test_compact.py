"""What a compaction keeps: what the user said within its budget, the ledger, one summary, and nothing else."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.base.jsontext import get_list, get_str
from codex.base.tokens import estimate_tokens
from codex.context.compact import USER_BUDGET_TOKENS, compacted_history, compaction_input, summary_item
from codex.context.ledger import Ledger
from codex.context.normalize import normalized
from codex.protocol.blobs import without_images
from codex.protocol.contextual import SUMMARY_OPEN, is_user_turn
from codex.protocol.item import PlanStep
from codex.protocol.response_item import ResponseItem, input_image, input_text, message, message_text

PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 400


def said(text: str) -> ResponseItem:
    return message("user", [input_text(text)])


def answered(text: str) -> ResponseItem:
    return message("assistant", [{"type": "output_text", "text": text}])


def worked(call_id: str) -> list[ResponseItem]:
    return [
        {"type": "function_call", "id": f"fc_{call_id}", "name": "t", "arguments": "{}", "call_id": call_id},
        {"type": "function_call_output", "id": f"fco_{call_id}", "call_id": call_id, "output": "ok"},
    ]


def texts(items: list[ResponseItem]) -> list[str]:
    return [message_text(item) for item in items]


def test_the_users_words_stay_before_one_summary_and_all_else_goes() -> None:
    one, two = said("one"), said("two")
    history = [said("<environment_context>\n</environment_context>"), one, *worked("a"), answered("hm"), two]
    context, summary = message("developer", [input_text("rules")]), summary_item("done: a")
    ledger = Ledger(plan=(PlanStep("b", "pending"),)).item()
    assert ledger is not None
    new = compacted_history(history, summary, context=[context], ledger=ledger)
    assert new == [one, context, two, ledger, summary]
    assert new[0] is one
    assert new[2] is two
    assert "done: a" in message_text(summary)


def test_an_older_summary_and_ledger_do_not_survive_the_next_one() -> None:
    first = compacted_history([said("one")], summary_item("old"), ledger=Ledger(files={"/a": "add"}).item())
    second = compacted_history([*first, *worked("b")], summary_item("new"))
    assert texts(second)[0] == "one"
    assert len(second) == 2
    assert "old" not in texts(second)[1]


def test_a_model_that_quotes_the_old_summary_does_not_nest_it() -> None:
    old = message_text(summary_item("old"))
    assert message_text(summary_item(f"{old}\nand more")).count(SUMMARY_OPEN) == 1


def test_a_summary_that_codex_wrote_is_none_of_the_users_words() -> None:
    foreign = said("Another language model started on this and produced a summary of its thinking. Here it is:\nDONE")
    assert texts(compacted_history([said("one"), foreign], summary_item("s")))[:-1] == ["one"]


def test_the_message_that_crosses_the_budget_is_cut_in_its_middle_and_older_ones_go() -> None:
    history = [said("oldest"), said(f"<head>{'x' * 60_000}<tail>"), said("y" * 40_000)]
    kept = texts(compacted_history(history, summary_item("s")))[:-1]
    assert len(kept) == 2
    assert kept[0].startswith("<head>")
    assert kept[0].endswith("<tail>")
    assert "tokens truncated" in kept[0]
    assert kept[1] == "y" * 40_000
    assert sum(map(estimate_tokens, kept)) <= USER_BUDGET_TOKENS


def test_images_become_notes_and_the_note_stays_the_same_from_then_on() -> None:
    shown = message("user", [input_text("look"), input_image(PIXEL)])
    first = compacted_history([shown], summary_item("s"))
    assert [get_str(part, "type") for part in get_list(first[0], "content")] == ["input_text", "input_text"]
    assert compacted_history(first, summary_item("t"))[0] is first[0]


def test_the_oldest_items_are_left_out_of_the_request_with_their_other_halves() -> None:
    base = message("developer", [input_text("base")])
    prompt = [base, said("one"), *worked("a"), *worked("b"), said("two")]
    asked = compaction_input(prompt, "sum it up", dropped=2)
    assert asked[:-1] == [base, *prompt[4:]]
    assert message_text(asked[-1]) == "sum it up"
    assert compaction_input(prompt, "sum it up")[:-1] == prompt


ITEMS = st.lists(
    st.one_of(
        st.builds(said, st.text(min_size=1, max_size=40)),
        st.builds(lambda size: said("w" * size), st.integers(1, 50_000)),
        st.builds(lambda call_id: worked(call_id)[0], st.sampled_from("abc")),
        st.builds(lambda call_id: worked(call_id)[1], st.sampled_from("abc")),
        st.builds(answered, st.just("hm")),
        st.builds(lambda text: message("user", [input_text(text), input_image(PIXEL)]), st.just("look")),
    ),
    max_size=12,
)


@given(ITEMS, st.integers(0, 14))
@settings(deadline=None)
def test_a_request_with_items_left_out_keeps_calls_and_outputs_in_pairs(
    items: list[ResponseItem], dropped: int
) -> None:
    base = message("developer", [input_text("base")])
    asked = compaction_input([base, *normalized(items)], "sum", dropped=dropped)
    assert asked[0] is base
    assert normalized(asked) == asked


@given(st.lists(ITEMS, min_size=50, max_size=50))
@settings(deadline=None, max_examples=20)
def test_after_fifty_compactions_there_is_one_summary_and_all_that_the_budget_allows(rounds: list[list[Any]]) -> None:
    machine = Compactions()
    for items in rounds:
        machine.work(items)
        machine.compact(1)
        machine.there_is_at_most_one_summary()


class Compactions(RuleBasedStateMachine):
    """Work and compactions in any order: there is always one summary, and all that the budget allows."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[ResponseItem] = []
        self.said: list[ResponseItem] = []
        self.compactions = 0

    @rule(items=ITEMS)
    def the_model_works(self, items: list[ResponseItem]) -> None:
        self.work(items)

    @rule(times=st.integers(1, 3))
    def the_history_is_compacted(self, times: int) -> None:
        self.compact(times)

    def work(self, items: list[ResponseItem]) -> None:
        self.items += items
        self.said += [item for item in items if is_user_turn(item)]

    def compact(self, times: int) -> None:
        for _ in range(times):
            self.compactions += 1
            self.items = compacted_history(self.items, summary_item(f"summary {self.compactions}"))
        self.check()

    def check(self) -> None:
        *kept, summary = self.items
        assert f"summary {self.compactions}\n" in message_text(summary)
        assert all(is_user_turn(item) for item in kept)
        whole = expected(self.said)
        assert [item["id"] for item in kept][len(kept) - len(whole) :] == [item["id"] for item in whole]
        assert len(kept) - len(whole) in (0, 1), "at most one message is there in part"
        assert sum(map(estimate_tokens, texts(kept))) <= USER_BUDGET_TOKENS
        assert PIXEL not in str(kept)

    @invariant()
    def there_is_at_most_one_summary(self) -> None:
        assert sum(text.count(SUMMARY_OPEN) for text in texts(self.items)) == min(self.compactions, 1)


def expected(messages: list[ResponseItem]) -> list[ResponseItem]:
    """The newest messages that fit as a whole."""
    kept: list[ResponseItem] = []
    left = USER_BUDGET_TOKENS
    for item in reversed(without_images(messages)):
        tokens = max(estimate_tokens(message_text(item)), 1)
        if tokens > left:
            break
        kept.insert(0, item)
        left -= tokens
    return kept


TestCompactions = Compactions.TestCase
TestCompactions.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
