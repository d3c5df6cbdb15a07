"""What can go wrong with a rollout.

CodexError
├── RolloutWriteError     the disk refused; nothing half-written stays, a later append may succeed
├── ThreadHasWriter       another process writes this thread
└── UserError
    ├── RolloutNotFound   no such thread on this machine
    ├── RolloutUnreadable it is there and cannot be used
    ├── ThreadArchived    it was put away
    └── TurnNotFound      the session has no such turn
"""

from codex.base.errors import CodexError, UserError


class RolloutWriteError(CodexError):
    """The thread's record could not be written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"cannot write the session's record {path}: {reason}; the session goes on being readable, "
            "free some space or set CODEX_HOME to another place (or run with --ephemeral) and try again"
        )
        self.path, self.reason = path, reason


class ThreadHasWriter(CodexError):
    """Somebody else holds the thread's writer lock."""

    def __init__(self, thread_id: str, lock_path: str) -> None:
        super().__init__(
            f"thread {thread_id} already has an active writer: another codex process works in this session "
            f"(it holds {lock_path}); end it, or fork the session"
        )
        self.thread_id, self.lock_path = thread_id, lock_path


class RolloutNotFound(UserError):
    """No session of this id."""

    def __init__(self, thread_id: str, codex_home: str) -> None:
        super().__init__(f"no rollout found for thread id {thread_id} (looked in {codex_home})")
        self.thread_id, self.codex_home = thread_id, codex_home


class RolloutUnreadable(UserError):
    """The session's record exists and cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read the session's record {path}: {reason}")
        self.path, self.reason = path, reason


class ThreadArchived(UserError):
    """The session was put away; it goes on when it has been brought back."""

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"session {thread_id} is archived. Run `codex unarchive {thread_id}` to unarchive it first.")
        self.thread_id = thread_id


class TurnNotFound(UserError):
    """The session has no turn of this id or number."""

    def __init__(self, turn: str, thread_id: str, count: int) -> None:
        there = f"it has turns 1 to {count}" if count else "it has no turns"
        super().__init__(
            f"session {thread_id} has no turn {turn!r}: {there}; `codex sessions show {thread_id}` lists them"
        )
        self.turn, self.thread_id = turn, thread_id
