"""One to many."""

from __future__ import annotations

import pytest
import trio

from actors import Mailbox, Topic


async def test_every_subscriber_gets_every_message_from_its_subscription_on() -> None:
    topic = Topic[int]("numbers")
    with topic.open_subscription() as early:
        topic.publish(1)
        with topic.open_subscription() as late:
            topic.publish(2)
            assert (early.drain(), late.drain()) == ([1, 2], [2])
    assert len(topic) == 0


async def test_a_slow_subscriber_is_cut_off_and_holds_up_nobody() -> None:
    topic = Topic[int]()
    with topic.open_subscription(capacity=1) as slow, topic.open_subscription() as fast:
        assert [topic.publish(1), topic.publish(2), topic.publish(3)] == [2, 1, 1]
        assert fast.drain() == [1, 2, 3]
        with pytest.raises(trio.EndOfChannel):
            await slow.receive()


async def test_a_subscriber_may_fall_behind_instead() -> None:
    topic = Topic[int]()
    with topic.open_subscription(capacity=2, overflow="drop_oldest") as latest:
        for number in range(9):
            topic.publish(number)
        assert latest.drain() == [7, 8]


async def test_an_actor_subscribes_its_ref() -> None:
    topic, mailbox = Topic[int](), Mailbox[int]("box")
    topic.subscribe(mailbox.ref)
    topic.subscribe(mailbox.ref)
    topic.publish(1)
    topic.unsubscribe(mailbox.ref)
    topic.publish(2)
    assert mailbox.drain() == [1]
