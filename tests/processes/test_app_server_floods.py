"""Samples of the long runs against an app-server: a flood of notifications, and a fuzzer."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from codex.app_server.rpc import Rpc, Run, Send
from tests.processes.app_server_flood import flood
from tests.processes.app_server_fuzz import fuzz
from tests.processes.fuzz_messages import Known, message


async def test_clients_that_read_get_every_word_whatever_the_others_do(tmp_path: Path) -> None:
    done = await flood(tmp_path, seed=1, clients=8, silent=2, seconds=0.5)
    assert done.faults() == []
    assert done.notifications + done.joined == 6 * 100


async def test_every_request_is_answered_once_and_nothing_crashes(tmp_path: Path) -> None:
    done = await fuzz(tmp_path, seed=1, steps=800)
    assert done.faults() == []
    assert done.messages == 800
    assert min(done.requests, done.results, done.refused) > 0


@settings(max_examples=100)
@given(rng=st.randoms(use_true_random=False), count=st.integers(1, 20), greeted=st.booleans())
def test_each_message_leads_to_one_answer_or_one_call(rng: object, count: int, greeted: bool) -> None:
    rpc, known = Rpc(), Known(Path("/nowhere"))
    if greeted:
        rpc.greeted()
    for _ in range(count):
        made = message(rng, known)  # type: ignore[arg-type]
        effects = rpc.received(made.text)
        answers = [one.message.get("id") for one in effects if isinstance(one, Send)]
        answers += [one.call.id for one in effects if isinstance(one, Run)]
        assert made.answered is None or answers == [made.answered]
        for one in effects:
            if isinstance(one, Run):
                rpc.done(one.call)
