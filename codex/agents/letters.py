"""Letters between the agents of a tree, from the author's rollout to the reader's.  Pure.

    written --post--> under way --read--> gone             `written`: a line with its id is in the author's rollout
    any     --post--> (a second time: nothing)             `read`: a line with its id is in the reader's rollout
    under way --the reader's session crashed--> under way  it is offered again, and known by its id where it had come
Law: every letter that was written is in its reader's history once, those of one author in the order of writing.
What is offered is always all that is under way to a reader, in order: an offer that is late, lost or repeated changes
nothing. After a crash of everything `recover` tells what is under way from the lines of all rollouts.
Not decided here: when a reader looks (session), what starts a turn (session), what may be written (tree).
"""

from collections.abc import Collection, Iterable

from codex.ports.agents import AgentFailure
from codex.protocol.letter import Letter

MAX_UNREAD = 256


class Letters:
    """All letters under way in one tree, by the thread that reads them."""

    def __init__(self) -> None:
        self._unread: dict[str, dict[str, Letter]] = {}

    def post(self, letter: Letter) -> None:
        """A letter was written: it is under way."""
        self._unread.setdefault(letter.recipient_id, {}).setdefault(letter.id, letter)

    def unread(self, reader_id: str) -> tuple[Letter, ...]:
        """All that is under way to a reader, in the order of writing."""
        return tuple(self._unread.get(reader_id, {}).values())

    def readers(self, at_work: Collection[str]) -> frozenset[str]:
        """All that will read what is under way to them: those at work, and those that it wakes."""
        return frozenset(
            reader_id
            for reader_id, unread in self._unread.items()
            if unread and (reader_id in at_work or any(letter.wake for letter in unread.values()))
        )

    def read(self, reader_id: str, letter_ids: Iterable[str]) -> None:
        """These are in the reader's rollout; those that are not under way to it do not matter."""
        unread = self._unread.get(reader_id, {})
        for letter_id in letter_ids:
            unread.pop(letter_id, None)

    def forget(self, reader_id: str) -> None:
        """The reader has ended for good."""
        self._unread.pop(reader_id, None)

    def check_room(self, reader_id: str, recipient: str) -> None:
        """Raises: AgentFailure where so much is unread that a further letter has to wait."""
        if len(self._unread.get(reader_id, {})) >= MAX_UNREAD:
            raise AgentFailure(
                f"{recipient} has {MAX_UNREAD} letters it has not read; wait until it has read them, or interrupt it"
            )


def recover(written: Iterable[Letter], read_ids: Collection[str]) -> Letters:
    """What is under way, from the letters of all authors' rollouts in their order and the ids in the readers'."""
    letters = Letters()
    for letter in written:
        if letter.id not in read_ids:
            letters.post(letter)
    return letters
