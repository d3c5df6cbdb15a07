"""The letters of one tree at work: offered to sessions, waited for."""

from collections.abc import Collection

import trio

from actors import ActorGone, Mailbox, MailboxFull, Ref
from codex.agents.letters import Letters
from codex.agents.news import NewsWaits
from codex.protocol.letter import Letter
from codex.session import Inbox, Inject, Message


class PostOffice:
    """Brings letters to the threads of a tree, and wakes those that wait for any.

    `letters` are under way already.
    """

    def __init__(self, letters: Letters | None = None) -> None:
        self._letters = letters or Letters()
        self._sessions: dict[str, Ref[Message]] = {}
        self._steered: set[str] = set()
        self._news: dict[str, trio.Event] = {}
        self.waits = NewsWaits()

    def open(self, reader_id: str, mailbox: Mailbox[Inbox]) -> None:
        """A reader's session has started, or started again: it gets what it has not recorded."""
        self._sessions[reader_id] = mailbox.ref
        self._offer(reader_id)

    def close(self, reader_id: str) -> None:
        """The reader has ended for good."""
        self._sessions.pop(reader_id, None)
        self._steered.discard(reader_id)
        self._letters.forget(reader_id)

    def unread(self, reader_id: str) -> tuple[Letter, ...]:
        """All that is under way to a reader."""
        return self._letters.unread(reader_id)

    def with_news(self, at_work: Collection[str]) -> Collection[str]:
        """All to whom something is under way that ends their wait, or begins their turn."""
        return self._steered | self._letters.readers(at_work)

    def check_room(self, reader_id: str, recipient: str) -> None:
        """Raises: AgentFailure where the reader has too much to read already."""
        self._letters.check_room(reader_id, recipient)

    def post(self, letter: Letter) -> None:
        """Bring a letter that its author's rollout has."""
        self._letters.post(letter)
        self._offer(letter.recipient_id)
        self._wake(letter.recipient_id)

    def read(self, reader_id: str, letter_ids: Collection[str], *, requested: bool) -> None:
        """The reader's rollout has these; `requested`: its next request carries all there was to read."""
        self._letters.read(reader_id, letter_ids)
        if requested:
            self._steered.discard(reader_id)

    def steered(self, reader_id: str) -> None:
        """The user has said something to the reader."""
        self._steered.add(reader_id)
        self._wake(reader_id)

    async def wait(self, reader_id: str, *, within: float) -> bool:
        """Wait until there is anything to read; False when the time ran out. Cancel-safe."""
        with trio.move_on_after(within):
            while not (reader_id in self._steered or self._letters.unread(reader_id)):
                await self._news.setdefault(reader_id, trio.Event()).wait()
            return True
        return False

    def _wake(self, reader_id: str) -> None:
        news = self._news.pop(reader_id, None)
        if news is not None:
            news.set()

    def _offer(self, reader_id: str) -> None:
        unread, session = self._letters.unread(reader_id), self._sessions.get(reader_id)
        if not unread or session is None:
            return
        task = any(letter.wake and letter.kind == "NEW_TASK" for letter in unread)
        offer = Inject(tuple(letter.item() for letter in unread), any(letter.wake for letter in unread), task)
        try:
            session.send_nowait(offer, control=True)
        except (ActorGone, MailboxFull):
            return  # the next session that starts is offered them
