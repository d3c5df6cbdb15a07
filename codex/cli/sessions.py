"""`codex sessions`: which sessions are stored, what was said in one, and what can be done with it."""

import os
import sys
import time
from typing import TYPE_CHECKING

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.stored import find_home, one_session, say_out

if TYPE_CHECKING:
    from codex.base.jsontext import JsonObject
    from codex.ports.store import StoredThread, ThreadPage, ThreadQuery

_HELP = Option("help", "Print this", short="h")
_JSON = Option("json", "Print JSON")
list_parser = Parser(
    "codex sessions list",
    [
        _JSON,
        Option("all", "Sessions of every directory, not of this one only"),
        Option("archived", "The archived ones instead"),
        Option("agents", "Sub-agents too"),
        Option("search", "Only those with this text in their name, their first message or their id", metavar="TEXT"),
        Option("limit", "How many at most; 50 without it", metavar="N"),
        Option("cursor", "Go on where the list before this one ended", metavar="CURSOR"),
        Option("sort", "What comes first", metavar="KEY", choices=("updated_at", "created_at")),
        Option("cd", "Sessions of this directory", short="C", metavar="DIR"),
        _HELP,
    ],
)
show_parser = Parser("codex sessions show", [_JSON, _HELP])
name_parser = Parser("codex sessions name", [_HELP])
revert_parser = Parser(
    "codex sessions revert", [Option("before", "The first turn to take back, by number or id", metavar="TURN"), _HELP]
)
_COMMANDS = {"list": list_parser, "show": show_parser, "name": name_parser, "revert": revert_parser}
PARSERS = {f"sessions {name}": parser for name, parser in _COMMANDS.items()}

_USAGE = [
    "Stored sessions. A session is named by its id or its name, a turn by its number or its id.",
    "",
    "Usage: codex sessions list [--all] [--search TEXT] [--json]",
    "       codex sessions show SESSION [--json]",
    "       codex sessions name SESSION [NAME]",
    "       codex sessions revert SESSION --before TURN",
    "",
    "Go on with one: codex exec resume SESSION PROMPT, or codex exec fork SESSION [--turn TURN] PROMPT.",
    "A revert changes the history only: files stay as they are. Without NAME, the name is taken away.",
]
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def run_sessions(arguments: list[str], before: Parsed) -> int:
    """Run one of the commands.

    Raises:
      CodexError: the session is not there, cannot be read, or the disk refuses.
    """
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        return print_help(_USAGE, list_parser)
    name, *rest = arguments
    parser = _COMMANDS.get(name)
    if parser is None:
        from codex.base.suggest import did_you_mean

        hint = f"{did_you_mean(name, _COMMANDS)}; there are: {', '.join(_COMMANDS)}"
        raise list_parser.fail(f"unrecognized command 'sessions {name}'{hint}")
    line = parser.parse(rest)
    if line.has("help"):
        return print_help(_USAGE, parser)
    match name:
        case "list":
            return _list(line, before)
        case "show":
            return _show(line)
        case "name":
            return _name(line)
        case _:
            return _revert(line)


def _list(line: Parsed, before: Parsed) -> int:
    from codex.rollout import Rollouts
    from codex.state import Index, index_path

    if line.positionals:
        raise list_parser.fail(f"unexpected argument {line.positionals[0]!r} found; '--search TEXT' looks for a text")
    home = find_home()
    query = _query(line, before)
    index = Index(index_path(home), Rollouts(home))
    try:
        page = index.page(query, progress=_tell_progress)
    finally:
        index.close()
    if line.has("json"):
        _print_json({"threads": [_fields(thread) for thread in page.threads], "next_cursor": page.next_cursor})
        return 0
    _print_page(page, query)
    return 0


def _query(line: Parsed, before: Parsed) -> "ThreadQuery":
    from codex.ports.store import ThreadQuery

    limit = line.one("limit") or "50"
    if not limit.isdecimal() or not 1 <= int(limit) <= 1_000:
        raise list_parser.fail(f"invalid value {limit!r} for '--limit <N>': expected a number from 1 to 1000")
    return ThreadQuery(
        cwd=None if line.has("all") else os.path.abspath(line.one("cd") or before.one("cd") or os.getcwd()),
        search=line.one("search"),
        archived=line.has("archived"),
        agents=line.has("agents"),
        sort="created_at" if line.one("sort") == "created_at" else "updated_at",
        limit=int(limit),
        cursor=line.one("cursor"),
    )


def _tell_progress(done: int, count: int) -> None:
    if sys.stderr.isatty():
        end = "\r" if done + 500 < count else "\n"
        sys.stderr.write(f"Reading sessions: {done:,} of {count:,}{end}")
        sys.stderr.flush()


def _print_page(page: "ThreadPage", query: "ThreadQuery") -> None:
    from shutil import get_terminal_size

    if not page.threads:
        where = "" if query.cwd is None else f" in {query.cwd}; '--all' shows those of other directories"
        say_out(f"No sessions{where}.")
        return
    width, now = get_terminal_size().columns if sys.stdout.isatty() else 10_000, time.time()
    for thread in page.threads:
        title = " ".join((thread.name or thread.preview or "(nothing said yet)").split())
        place = f"  {thread.cwd}" if query.cwd is None else ""
        say_out(f"{thread.thread_id}  {_age(now - thread.updated_at):>8}{place}  {title}"[:width])
    if page.next_cursor is not None:
        say_out(f"More: --cursor '{page.next_cursor}'")


def _age(seconds: float) -> str:
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= unit:
            return f"{int(seconds // unit)}{letter} ago"
    return "just now"


def _fields(thread: "StoredThread") -> "JsonObject":
    return {
        "id": thread.thread_id,
        "name": thread.name,
        "preview": thread.preview,
        "cwd": thread.cwd,
        "created_at": thread.created_at,
        "updated_at": thread.updated_at,
        "archived": thread.archived,
        "source": thread.source,
        "originator": thread.originator,
        "model_provider": thread.model_provider,
        "git_branch": thread.branch,
        "parent_thread_id": thread.parent_id,
        "forked_from_id": thread.forked_from,
        "path": thread.path,
    }


def _show(line: Parsed) -> int:
    from codex.rollout import stored_turns
    from codex.threads import store

    home = find_home()
    thread_id = store.find_thread(home, one_session(show_parser, line.positionals))
    turns = stored_turns(home, thread_id)
    if line.has("json"):
        keys = ("turn_id", "started_at", "state", "said", "answer")
        listed = [
            {"number": number, **{key: getattr(turn, key) for key in keys}} for number, turn in enumerate(turns, 1)
        ]
        _print_json({"id": thread_id, "turns": listed})
        return 0
    say_out(f"session {thread_id}: {len(turns)} turns")
    for number, turn in enumerate(turns, 1):
        state = "" if turn.state == "completed" else f" ({turn.state})"
        say_out(f"\n{number}. {' '.join(turn.said.split()) or '(nothing said)'}{state}")
        if turn.answer:
            say_out(f"   -> {' '.join(turn.answer.split())[:300]}")
    return 0


def _name(line: Parsed) -> int:
    from codex.threads import store

    if not 1 <= len(line.positionals) <= 2:
        raise name_parser.fail("expected 'codex sessions name SESSION [NAME]'; put a name of several words in quotes")
    home = find_home()
    thread_id = store.find_thread(home, line.positionals[0])
    name = line.positionals[1] if len(line.positionals) == 2 else ""
    store.name_thread(home, thread_id, name)
    say_out(f"Session {thread_id} is named {name.strip()!r}." if name.strip() else f"Session {thread_id} has no name.")
    return 0


def _revert(line: Parsed) -> int:
    from codex.rollout import revert
    from codex.threads import store

    before = line.one("before")
    wanted = one_session(revert_parser, line.positionals)
    if before is None:
        raise revert_parser.fail(
            "'--before <TURN>' says which turn is the first to go; 'codex sessions show' lists them"
        )
    home = find_home()
    thread_id = store.find_thread(home, wanted)
    count = revert(home, thread_id, before, at=time.time())
    say_out(f"Took {count} {'turn' if count == 1 else 'turns'} out of the history of session {thread_id}.")
    return 0


def _print_json(value: object) -> None:
    from codex.base.jsontext import encode

    say_out(encode(value))
