"""What the tools of one thread, and programs that hold it, may do with agents."""

from collections.abc import Sequence

from actors import Mailbox
from codex.agents.mail import ThreadMail
from codex.agents.tree import AgentTree
from codex.base.jsontext import JsonObject
from codex.ports.agents import AgentInfo, Spawned, SpawnRequest, Waited
from codex.protocol.item import AgentState
from codex.session import Inbox


def open_control(tree: AgentTree, thread_id: str, mailbox: Mailbox[Inbox]) -> "Control | None":
    """The control of a thread whose session has started; None where the depth forbids it to have agents.

    In the second generation all threads of a tree write to each other, also those that may not start any.
    """
    mail = tree.open_mail(thread_id, mailbox)
    return Control(tree, thread_id, mailbox, mail) if mail or tree.may_spawn(thread_id) else None


class Control:
    """Implements `codex.ports.agents.LocalControl` for one thread."""

    def __init__(self, tree: AgentTree, thread_id: str, mailbox: Mailbox[Inbox], mail: ThreadMail | None) -> None:
        self.mail = mail
        self._tree = tree
        self._thread_id = thread_id
        self._mailbox = mailbox

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start an agent below this thread."""
        return await self._tree.spawn(self._thread_id, self._mailbox, request)

    def below(self) -> Sequence[AgentInfo]:
        """All agents below this thread."""
        return self._tree.below(self._thread_id)

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended."""
        return await self._tree.wait(self._thread_id, targets, within=within)

    async def send_input(
        self, target: str, message: str, *, interrupt: bool, output_schema: JsonObject | None = None
    ) -> str:
        """Hand a message to an agent."""
        return await self._tree.send_input(target, message, interrupt=interrupt, output_schema=output_schema)

    async def resume(self, target: str) -> AgentState:
        """Start a closed agent of this thread again."""
        return await self._tree.resume(self._thread_id, self._mailbox, target)

    async def interrupt(self, target: str, *, subtree: bool = False) -> AgentState:
        """End an agent's turn, or the work of all its subtree."""
        return await self._tree.interrupt(target, subtree=subtree)

    async def detach(self, target: str) -> AgentState:
        """Let an agent belong to the root thread."""
        return await self._tree.detach(target)

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it."""
        return await self._tree.close(target)

    def state(self, target: str) -> AgentState:
        """Where an agent stands."""
        return self._tree.state(target)

    async def list_below(self) -> Sequence[AgentInfo]:
        """All agents below this thread."""
        return self.below()

    async def look_up(self, target: str) -> AgentState:
        """Where an agent stands."""
        return self.state(target)
