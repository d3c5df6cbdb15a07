"""`codex archive`, `codex unarchive` and `codex delete`: one stored session, by its id or its name."""

import os
import sys
from typing import TYPE_CHECKING

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parser
from codex.cli._help import print_help
from codex.cli.failure import say

if TYPE_CHECKING:
    from codex.ports.store import Family

_HELP = Option("help", "Print this", short="h")
archive_parser = Parser("codex archive", [_HELP])
unarchive_parser = Parser("codex unarchive", [_HELP])
delete_parser = Parser(
    "codex delete",
    [Option("force yes", "Delete without asking; needs the session's id", short="y"), _HELP],
)
PARSERS = {"archive": archive_parser, "unarchive": unarchive_parser, "delete": delete_parser}


def run_archive(name: str, arguments: list[str]) -> int:
    """`codex archive SESSION` and `codex unarchive SESSION`.

    Raises:
      CodexError: there is no such session, somebody works in it, or the disk refuses.
    """
    parser = archive_parser if name == "archive" else unarchive_parser
    line = parser.parse(arguments)
    if line.has("help"):
        about = "Put a session away: lists leave it out." if name == "archive" else "Bring an archived session back."
        return print_help([about, "", f"Usage: codex {name} SESSION", "", "SESSION is an id or a name."], parser)
    home, wanted = find_home(), one_session(parser, line.positionals)
    from codex.threads import store

    thread_id = store.find_thread(home, wanted)
    if name == "archive":
        store.archive_thread(home, thread_id, family_of(home, thread_id))
        say_out(f"Archived session {thread_id}.")
    else:
        store.unarchive_thread(home, thread_id, family_of(home, thread_id))
        say_out(f"Unarchived session {thread_id}.")
    return 0


def run_delete(arguments: list[str]) -> int:
    """`codex delete SESSION`, which asks first.

    Raises:
      CodexError: there is no such session, forks need it, somebody works in it, or the disk refuses.
    """
    line = delete_parser.parse(arguments)
    if line.has("help"):
        about = ["Remove a session and its sub-agents for ever.", "", "Usage: codex delete SESSION [--force]"]
        return print_help(about, delete_parser)
    home, wanted = find_home(), one_session(delete_parser, line.positionals)
    from codex.threads import store

    thread_id = store.find_thread(home, wanted)
    if line.has("force"):
        if thread_id != wanted.lower():
            raise UserError("--force requires a session UUID; names must be confirmed interactively")
    elif not _confirmed(home, thread_id):
        say("Nothing was deleted.")
        return 1
    store.delete_thread(home, thread_id, family_of(home, thread_id))
    say_out(f"Deleted session {thread_id}.")
    return 0


def find_home() -> str:
    """The CODEX_HOME of this process. Raises: UserError when it is none."""
    from codex.config import find_codex_home

    return find_codex_home(os.environ)


def one_session(parser: Parser, positionals: list[str]) -> str:
    """The one session that a command is about. Raises: UsageError when none or several are named."""
    if len(positionals) != 1:
        found = "none" if not positionals else f"{len(positionals)} arguments"
        raise parser.fail(f"expected one session, its id or its name; found {found}")
    return positionals[0]


def family_of(home: str, thread_id: str) -> "Family":
    """Who depends on a session."""
    from codex.rollout import Rollouts
    from codex.state import Index, index_path

    index = Index(index_path(home), Rollouts(home))
    try:
        return index.family(thread_id)
    finally:
        index.close()


def say_out(text: str) -> None:
    """A line on stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _confirmed(home: str, thread_id: str) -> bool:
    from codex.rollout import stored_turns

    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UserError(
            "cannot confirm session deletion without an interactive terminal; rerun with --force and a session UUID"
        )
    turns = stored_turns(home, thread_id)
    said = " ".join(turns[0].said.split())[:80] if turns else "nothing"
    sys.stderr.write(f"Session {thread_id}\n  {len(turns)} turns, beginning with: {said}\nDelete it for ever? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
