"""What is promised about messages and answers."""

from __future__ import annotations

from functools import partial
from typing import assert_type

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    ActorGone,
    AlreadyAnswered,
    AskCycle,
    AskTimeout,
    DeadLetter,
    Mailbox,
    MailboxFull,
    Ref,
    Reply,
    open_runtime,
)


@attrs.frozen
class Lookup:
    key: str
    reply: Reply[int | None]


@attrs.frozen
class Size:
    reply: Reply[int]


@attrs.frozen
class Store:
    key: str
    value: int


Message = Lookup | Size | Store


async def table(mailbox: Mailbox[Message]) -> None:
    values: dict[str, int] = {}
    async for message in mailbox:
        match message:
            case Store(key=key, value=value):
                values[key] = value
            case Lookup(key=key, reply=reply):
                reply.set(values.get(key))
            case Size(reply=reply):
                reply.set(len(values))


async def deaf(mailbox: Mailbox[object]) -> None:
    await trio.sleep_forever()


async def test_ask_infers_the_answer_from_the_question() -> None:
    async with open_runtime() as runtime:
        ref = runtime.spawn(table)
        await ref.send(Store("a", 1))
        found = await ref.ask(partial(Lookup, "a"))
        size = await ref.ask(Size)
        assert_type(found, int | None)
        assert_type(size, int)
        assert (found, size) == (1, 1)


async def test_messages_of_one_sender_are_read_in_order() -> None:
    seen: list[int] = []

    async def collect(mailbox: Mailbox[int]) -> None:
        async for message in mailbox:
            seen.append(message)

    async with open_runtime() as runtime:
        ref = runtime.spawn(collect, capacity=3)
        for number in range(300):
            await ref.send(number)
        await wait_all_tasks_blocked()
    assert seen == list(range(300))


async def test_control_messages_overtake() -> None:
    mailbox = Mailbox[str]("box", capacity=4)
    mailbox.ref.send_nowait("first")
    mailbox.ref.send_nowait("urgent", control=True)
    assert [mailbox.receive_nowait(), mailbox.receive_nowait()] == ["urgent", "first"]


async def test_a_full_mailbox_refuses_or_makes_its_senders_wait_in_turn() -> None:
    mailbox = Mailbox[int]("box", capacity=1)
    await mailbox.ref.send(0)
    with pytest.raises(MailboxFull):
        mailbox.ref.send_nowait(9)
    async with trio.open_nursery() as nursery:
        for number in (1, 2):
            nursery.start_soon(mailbox.ref.send, number)
            await wait_all_tasks_blocked()
        assert [await mailbox.receive() for _ in range(3)] == [0, 1, 2]


async def test_a_cancelled_send_is_not_queued() -> None:
    mailbox = Mailbox[int]("box", capacity=1)
    await mailbox.ref.send(0)
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.ref.send(1)
    assert mailbox.receive_nowait() == 0
    with pytest.raises(trio.WouldBlock):
        mailbox.receive_nowait()


async def test_a_cancelled_receive_takes_nothing() -> None:
    mailbox = Mailbox[int]("box", capacity=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.receive)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    await mailbox.ref.send(1)
    assert mailbox.receive_nowait() == 1


@pytest.mark.parametrize(
    ("overflow", "left"), [("drop_oldest", [1, 2]), ("drop_newest", [0, 1])], ids=["oldest", "newest"]
)
async def test_a_mailbox_may_drop_at_its_bound(overflow: str, left: list[int]) -> None:
    mailbox = Mailbox[int]("box", capacity=2, overflow=overflow)  # pyright: ignore[reportArgumentType]
    for number in range(3):
        await mailbox.ref.send(number)
    assert mailbox.drain() == left


async def test_a_mailbox_may_fail_at_its_bound() -> None:
    mailbox = Mailbox[int]("box", capacity=1, overflow="fail")
    await mailbox.ref.send(0)
    with pytest.raises(MailboxFull):
        await mailbox.ref.send(1)


async def test_at_the_bound_a_newer_message_replaces_the_one_of_its_key() -> None:
    mailbox = Mailbox[str]("box", capacity=2, key=lambda text: text[0])
    for text in ("a1", "b1", "a2"):
        await mailbox.ref.send(text)
    assert mailbox.drain() == ["a2", "b1"]


async def test_nobody_passes_more_than_64_messages_without_a_checkpoint() -> None:
    mailbox = Mailbox[int]("box", capacity=1000)
    passed = 0
    with trio.CancelScope() as scope:
        scope.cancel()
        for number in range(1000):
            await mailbox.ref.send(number)
            passed += 1
    assert passed <= 64


async def test_asks_to_an_ended_actor_fail_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async def brief(mailbox: Mailbox[Message]) -> None:
        pass

    async with open_runtime() as runtime:
        ref = runtime.spawn(brief)
        await ref.wait()
        with pytest.raises(ActorGone):
            await ref.ask(Size)
        with pytest.raises(ActorGone):
            await ref.send(Store("a", 1))
        assert trio.current_time() == 0


async def test_an_ask_fails_when_its_actor_crashes_with_it(autojump_clock: trio.testing.MockClock) -> None:
    async def crash(mailbox: Mailbox[Message]) -> None:
        await mailbox.receive()
        raise ValueError("boom")

    async with open_runtime(report=lambda report: None) as runtime:
        ref = runtime.spawn(crash)
        failed: list[str] = []

        async def ask() -> None:
            try:
                await ref.ask(Size)
            except ActorGone:
                failed.append("gone")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            nursery.start_soon(ask)
        assert failed == ["gone", "gone"]


async def test_an_ask_without_an_answer_times_out(autojump_clock: trio.testing.MockClock) -> None:
    async with open_runtime(name="r", ask_timeout=7) as runtime:
        ref: Ref[object] = runtime.spawn(deaf, name="deaf", capacity=1, shutdown=0)
        with pytest.raises(AskTimeout, match=r"'r/deaf' gave no answer within 7 s"):
            await ref.ask(Size)
        with pytest.raises(AskTimeout):  # also where there is no room for the question
            await ref.ask(Size)
        assert trio.current_time() == 14


async def test_a_late_answer_is_a_dead_letter_and_not_an_error(autojump_clock: trio.testing.MockClock) -> None:
    async def slow(mailbox: Mailbox[Size]) -> None:
        async for message in mailbox:
            await trio.sleep(10)
            message.reply.set(3)

    async with open_runtime(ask_timeout=5) as runtime:
        ref = runtime.spawn(slow)
        with pytest.raises(AskTimeout):
            await ref.ask(Size)
        await trio.sleep(10)
        assert runtime.dead_letters == [DeadLetter(ref, 3, "late answer")]


async def test_a_withdrawn_question_is_not_read() -> None:
    mailbox = Mailbox[Message]("box", capacity=2)
    with trio.move_on_after(0):
        await mailbox.ref.ask(Size)
    with pytest.raises(trio.WouldBlock):
        mailbox.receive_nowait()


async def test_an_answer_may_be_an_error_and_is_given_once() -> None:
    async def refuse(mailbox: Mailbox[Size]) -> None:
        async for message in mailbox:
            message.reply.fail(KeyError("no"))
            with pytest.raises(AlreadyAnswered):
                message.reply.set(1)

    async with open_runtime() as runtime:
        ref = runtime.spawn(refuse)
        with pytest.raises(KeyError):
            await ref.ask(Size)


async def test_an_ask_that_closes_a_circle_is_refused_with_the_path() -> None:
    refused: list[tuple[str, ...]] = []
    refs: list[Ref[Size]] = []

    async def forward(mailbox: Mailbox[Size]) -> None:
        async for message in mailbox:
            try:
                message.reply.set(await refs[(refs.index(mailbox.ref) + 1) % 3].ask(Size))
            except AskCycle as cycle:
                refused.append(cycle.paths)
                message.reply.set(0)

    async with open_runtime(name="r") as runtime:
        refs += [runtime.spawn(forward, name=name) for name in "abc"]
        assert await refs[0].ask(Size) == 0
    assert refused == [("r/c", "r/a", "r/b", "r/c")]


async def test_what_was_not_read_becomes_dead_letters() -> None:
    async with open_runtime() as runtime:
        ref: Ref[object] = runtime.spawn(deaf, shutdown=0)
        await ref.send("one")
        await ref.stop()
        assert [letter.message for letter in runtime.dead_letters] == ["one"]


async def test_two_readers_of_one_mailbox_are_refused() -> None:
    mailbox = Mailbox[int]("box")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.receive)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await mailbox.receive()
        nursery.cancel_scope.cancel()
