"""`codex agents`: the trees of agents that the rollouts tell of, with what each agent does and has used."""

import os
import sys
from typing import TYPE_CHECKING

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.stored import find_home, say_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex.agents.prices import Prices
    from codex.agents.stored import StoredAgent, StoredTree

agents_parser = Parser(
    "codex agents",
    [
        Option("json", "Print JSON"),
        Option("all", "Trees of every directory, not of this one only"),
        Option("cd", "Trees of this directory", short="C", metavar="DIR"),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"agents": agents_parser}

_ABOUT = [
    "Show trees of agents: state, model, tokens, cost, time, unread letters and what each did last.",
    "",
    "Usage: codex agents [SESSION] [--json] [--all]",
    "",
    "SESSION is the id or the name of a session, or the id of a sub-agent, whose tree is shown then.",
    "Without it: the 20 sessions of this directory that have agents and were used last.",
]
_MOST = 20


def run_agents(arguments: list[str], before: Parsed) -> int:
    """Show the tree of one session, or those of a directory.

    Raises:
      CodexError: there is no such session, or it cannot be read.
    """
    line = agents_parser.parse(arguments)
    if line.has("help"):
        return print_help(_ABOUT, agents_parser)
    if len(line.positionals) > 1:
        raise agents_parser.fail(f"expected one session, its id or its name; found {len(line.positionals)} arguments")
    home = find_home()
    if line.positionals:
        return _show([_tree_of(home, line.positionals[0])], json=line.has("json"))
    cwd = None if line.has("all") else os.path.abspath(line.one("cd") or before.one("cd") or os.getcwd())
    return _show(_trees_in(home, cwd), json=line.has("json"), cwd=cwd)


def _prices(home: str) -> "Prices":
    """Those of the configuration; none where that cannot be read."""
    from codex.base.errors import CodexError
    from codex.config import load_config

    try:
        return load_config(codex_home=home, cwd=os.getcwd(), environ=os.environ).model_prices
    except CodexError as error:
        say(f"warning: prices are not known: {error}")
        return {}


def _tree_of(home: str, wanted: str) -> "StoredTree":
    from codex.agents.stored import stored_tree
    from codex.base.jsontext import get_str
    from codex.rollout import RolloutNotFound, find_rollout
    from codex.rollout.read import read_meta
    from codex.threads import store

    thread_id = store.find_thread(home, wanted)
    meta = read_meta(find_rollout(home, thread_id).path)
    root_id = get_str(meta, "session_id") if meta.get("parent_thread_id") else thread_id
    tree = stored_tree(home, root_id, prices=_prices(home))
    if tree is None:  # an agent without its root
        raise RolloutNotFound(root_id, home)
    return tree


def _trees_in(home: str, cwd: str | None) -> "list[StoredTree]":
    from codex.agents.stored import stored_tree
    from codex.ports.store import ThreadQuery
    from codex.rollout import Rollouts, RolloutUnreadable
    from codex.rollout.agents import Files, rollout_files
    from codex.state import Index, index_path

    index = Index(index_path(home), Rollouts(home))
    try:
        page = index.page(ThreadQuery(cwd=cwd, parents=True, limit=_MOST))
    finally:
        index.close()
    files: Files = rollout_files(home) if page.threads else {}
    prices: Prices = _prices(home) if page.threads else {}
    trees: list[StoredTree] = []
    for thread in page.threads:
        try:
            tree = stored_tree(home, thread.thread_id, files=files, prices=prices)
        except RolloutUnreadable as error:
            say(f"warning: {error}")
            continue
        if tree is not None:
            trees.append(tree)
    return trees


def _show(trees: "Sequence[StoredTree]", *, json: bool, cwd: str | None = None) -> int:
    if json:
        from codex.base.jsontext import encode

        say_out(encode({"trees": [tree.json() for tree in trees]}))
        return 0
    if not trees:
        where = "" if cwd is None else f" in {cwd}; '--all' shows those of other directories"
        say_out(f"No session has agents{where}.")
    for number, tree in enumerate(trees):
        if number:
            say_out("")
        _print_tree(tree)
    return 0


def _print_tree(tree: "StoredTree") -> None:
    from shutil import get_terminal_size

    width = get_terminal_size().columns if sys.stdout.isatty() else 10_000
    count = len(tree.agents) - 1
    has = "no agents" if not count else "1 agent" if count == 1 else f"{count:,} agents"
    cost = f", {tree.usd:.4f} USD" if tree.usd else ""
    say_out(f"session {tree.root_id}: {has}, {tree.tokens:,} tokens{cost}  {tree.cwd}"[:width])
    rows = [_row(agent) for agent in tree.agents]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, agent in zip(rows, tree.agents, strict=True):
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=True)]
        say_out(f"{'  '.join(cell for cell in cells if cell)}  {agent.last_action}".rstrip()[:width])


def _row(agent: "StoredAgent") -> list[str]:
    depth = agent.path.count("/") - 1
    name = "  " * depth + (agent.path if depth == 0 else agent.path.rpartition("/")[2])
    state = "closed" if agent.closed else agent.state.status
    unread = f"{agent.unread} unread" if agent.unread else ""
    restarts = "" if not agent.restarts else "1 restart" if agent.restarts == 1 else f"{agent.restarts} restarts"
    return [
        name,
        state,
        agent.model,
        f"{agent.usage.total_tokens:,} tokens",
        f"{agent.usd:.4f} USD" if agent.usd is not None else "",
        f"{agent.turns} turns" if agent.turns != 1 else "1 turn",
        _duration(agent.seconds),
        unread,
        restarts,
        "detached" if agent.detached else "",
    ]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
