"""Letters: every one that was written is in its reader's history once, in its author's order, whatever crashes."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from codex.agents.letters import MAX_UNREAD, Letters, recover
from codex.ports.agents import AgentFailure
from codex.protocol.letter import Letter, letter_ids, without_known
from codex.protocol.response_item import ResponseItem

AGENTS = ("root", "a", "b")
agents = st.sampled_from(AGENTS)


def letter(number: int, author: str = "root", reader: str = "a") -> Letter:
    return Letter(f"amsg_{number}", "MESSAGE", author, reader, reader, f"word {number}")


class Post(RuleBasedStateMachine):
    """Rollouts survive everything, mailboxes survive a session's crash (but for what it had in hand), all else is lost.

    A reader's memory holds what came and is not in its rollout yet, as the session's does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.written: dict[str, list[Letter]] = {agent: [] for agent in AGENTS}
        self.recorded: dict[str, list[str]] = {agent: [] for agent in AGENTS}

    @initialize()
    def start(self) -> None:
        self.mailboxes: dict[str, list[list[ResponseItem]]] = {agent: [] for agent in AGENTS}
        self.memories: dict[str, list[ResponseItem]] = {agent: [] for agent in AGENTS}
        read = {letter_id for ids in self.recorded.values() for letter_id in ids}
        self.letters = recover((one for letters in self.written.values() for one in letters), read)
        for agent in AGENTS:
            self.offer(agent)

    @rule(agent=agents)
    def offer(self, agent: str) -> None:
        unread = [one.item() for one in self.letters.unread(agent)]
        if unread:
            self.mailboxes[agent].append(unread)

    @rule(author=agents, reader=agents)
    def write(self, author: str, reader: str) -> None:
        self.number += 1
        one = letter(self.number, author, reader)
        self.written[author].append(one)
        self.letters.post(one)
        self.offer(reader)

    @rule(author=agents, reader=agents)
    def everything_crashes_between_writing_and_posting(self, author: str, reader: str) -> None:
        self.number += 1
        self.written[author].append(letter(self.number, author, reader))
        self.start()

    @rule(agent=agents)
    def take_an_offer(self, agent: str) -> None:
        if not self.mailboxes[agent]:
            return
        offered = self.mailboxes[agent].pop(0)
        self.letters.read(agent, [str(item["id"]) for item in offered if item["id"] in self.recorded[agent]])
        known = letter_ids(self.memories[agent]) | {*self.recorded[agent]}
        self.memories[agent] += without_known(offered, known)

    @rule(agent=agents, acknowledged=st.booleans())
    def record(self, agent: str, *, acknowledged: bool) -> None:
        ids = [str(item["id"]) for item in self.memories[agent]]
        self.memories[agent] = []
        self.recorded[agent] += ids
        if acknowledged:
            self.letters.read(agent, ids)
        else:
            self.a_session_crashes(agent, 1)

    @rule(agent=agents, lost=st.integers(0, 3))
    def a_session_crashes(self, agent: str, lost: int) -> None:
        self.memories[agent] = []
        del self.mailboxes[agent][:lost]
        self.offer(agent)

    @rule()
    def everything_crashes(self) -> None:
        self.start()

    @invariant()
    def in_the_author_s_order_and_at_most_once(self) -> None:
        for reader, ids in self.recorded.items():
            for letters in self.written.values():
                sent = [one.id for one in letters if one.recipient_id == reader]
                came = [letter_id for letter_id in ids if letter_id in sent]
                assert came == sent[: len(came)]

    def teardown(self) -> None:
        for agent in AGENTS:
            self.offer(agent)
            while self.mailboxes[agent]:
                self.take_an_offer(agent)
            self.record(agent, acknowledged=True)
            sent = [one.id for letters in self.written.values() for one in letters if one.recipient_id == agent]
            assert sorted(self.recorded[agent]) == sorted(sent)
            assert self.letters.unread(agent) == ()
        self.in_the_author_s_order_and_at_most_once()


TestPost = Post.TestCase
TestPost.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_letter_is_plain_text_that_says_what_it_is() -> None:
    final = Letter("amsg_1", "FINAL_ANSWER", "/root/child_a", "/root", "thread", "42")
    text = "Message Type: FINAL_ANSWER\nTask name: /root\nSender: /root/child_a\nPayload:\n42"
    assert final.item() == {
        "type": "agent_message",
        "id": "amsg_1",
        "author": "/root/child_a",
        "recipient": "/root",
        "content": [{"type": "input_text", "text": text}],
    }


def test_a_reader_that_reads_nothing_is_not_written_to_for_ever() -> None:
    letters = Letters()
    for number in range(MAX_UNREAD):
        letters.check_room("a", "/root/a")
        letters.post(letter(number))
    with pytest.raises(AgentFailure, match=f"/root/a has {MAX_UNREAD} letters"):
        letters.check_room("a", "/root/a")
    letters.read("a", ["amsg_7"])
    letters.check_room("a", "/root/a")


def test_a_letter_that_is_posted_twice_is_under_way_once() -> None:
    letters = Letters()
    letters.post(letter(1))
    letters.post(letter(1))
    assert letters.unread("a") == (letter(1),)


def test_what_is_written_to_somebody_who_has_ended_is_forgotten() -> None:
    letters = Letters()
    letters.post(letter(1))
    letters.forget("a")
    assert letters.unread("a") == ()
