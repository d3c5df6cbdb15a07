"""One program with a tree of agents in which random things go wrong; see `agents_chaos`, which starts it and kills it.

Each step does one random thing and then looks whether everything that has to hold still holds. What was done, and what
was wrong, is told as a line of JSON each.
"""

import json
import os
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

import trio

from actors import ActorsError, Ref
from codex.agents.accounts import Accounts
from codex.agents.tree import AgentTree
from codex.base.errors import CodexError
from codex.base.jsontext import get_str
from codex.config.schema import Config, ProviderInfo
from codex.engine import Codex, open_codex
from codex.model.scripted import ScriptedClient
from codex.ports.agents import SpawnRequest
from codex.ports.model import ModelRequest
from codex.protocol.budget import Budget
from codex.protocol.event import EventMsg, ShutdownComplete, TaskComplete, TaskStarted, TurnAborted, TurnFailed
from codex.protocol.letter import is_letter
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.permission import SandboxPolicy
from codex.protocol.user_input import TextInput
from codex.rollout import load
from codex.session import Subscription, restored_from
from codex.threads import Thread
from tests.processes.machines import processes_with

Plant: TypeAlias = Literal["leak", "letter", "exit", "account"]
PLANTS: tuple[Plant, ...] = ("leak", "letter", "exit", "account")
WORK = ("quick", "think", "forever", "cut", "refused", "run", "stay", "behind", "write", "task", "hire")
MOST_AGENTS, DEEPEST, WATCHERS = 24, 5, 8
ROOM = Budget(model_calls=1_000_000, tool_calls=1_000_000)


def script(mark: str) -> dict[str, Any]:
    """What agents do; the number and the reader of a letter stand in the prompt."""

    def call(name: str, **arguments: object) -> dict[str, Any]:
        return {"type": "function_call", "name": name, "arguments": arguments}

    def command(cmd: str, wait_ms: int) -> dict[str, Any]:
        return call("exec_command", cmd=cmd, login=False, yield_time_ms=wait_ms)

    def said(text: str) -> dict[str, Any]:
        return {"type": "text", "text": text, "chunks": 2}

    letter: dict[str, Any] = {"target": "${prompt_re:to=(\\S+)}", "message": "letter ${prompt_re:n=(\\d+)} n=0"}
    hired = {"task_name": "m${prompt_re:n=(\\d+)}", "message": "n=0 [[script:think]]"}
    forever = {"type": "sleep", "seconds": 100_000}
    turns: dict[str, list[Any]] = {
        "quick": [[said("done")]],
        "think": [[said("well"), {"type": "sleep", "seconds": 0.02}, said("done")]],
        "forever": [[said("well"), forever]],
        "cut": [[said("well"), {"type": "cut"}], [said("done")]],
        "refused": [{"http_status": 400, "message": "no"}],
        "run": [[command("echo hi", 10_000)], [said("done")]],
        "stay": [[command(f"(sleep {mark} &); exec sleep {mark}", 30_000)], [said("killed")]],
        "behind": [[command(f"exec sleep {mark}", 250)], [said("it runs")]],
        "write": [[call("send_message", **letter)], [said("written")]],
        "task": [[call("followup_task", **letter)], [said("asked")]],
        "hire": [[call("spawn_agent", **hired)], [call("wait_agent", timeout_ms=10_000)], [said("hired")]],
    }
    return {"scripts": {name: {"turns": one, "loop": True} for name, one in turns.items()}, "default": "quick"}


def config_of(home: Path, script_path: Path) -> Config:
    """The second generation of tools, with letters; rollouts on."""
    (home / "cwd").mkdir(parents=True, exist_ok=True)
    return Config(
        codex_home=str(home),
        cwd=str(home / "cwd"),
        model="gpt-5.5",
        model_provider="scripted",
        model_providers={
            "scripted": ProviderInfo("s", "S", wire_api="scripted", script=str(script_path), stream_max_retries=1)
        },
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
        max_depth=DEEPEST,
        max_concurrent_threads=MOST_AGENTS + 1,
        features={"multi_agent_v2": True},
    )


class World:
    """The tree, what was done to it, and the books that it is held against."""

    def __init__(self, chance: random.Random, mark: str, plant: Plant | None, first: int) -> None:
        self.chance, self.mark, self.plant, self.number = chance, mark, plant, first
        self.asked: Counter[str] = Counter()
        self.exits: Counter[Thread] = Counter()
        self.turns: dict[Thread, dict[str, bool]] = {}
        self.base: dict[str, int] = {}
        self.carried: dict[tuple[str, str], int] = {}
        self.resumed = False
        self.watchers: list[tuple[Thread, Subscription]] = []
        self.faults: list[str] = []
        self.seen_closed: set[str] = set()
        self.full = 0

    def observe(self, request: ModelRequest) -> None:
        """A request has arrived at the model."""
        self.asked[request.headers.get("thread-id", "")] += 1

    async def enter(self, codex: Codex, root: Thread) -> None:
        """Begin in this engine, with a root that is new or was resumed."""
        self.codex, self.root, self.resumed = codex, root, bool([*root.agents])
        tree = codex.agents(root)
        assert tree is not None
        self.tree: AgentTree = tree
        self.follow()

    # -- what is done --------------------------------------------------------------------------------------------------

    async def step(self) -> str:
        """Do one random thing; what it was."""
        self.number += 1
        weights = {
            "spawn": 24, "speak": 16, "interrupt": 8, "close": 8, "resume": 4, "crash": 5, "kill": 6, "watch": 3,
            "unwatch": 3, "fill": 2, "wait": 8, "cancelled spawn": 4,
        }  # fmt: skip
        done = self.chance.choices([*weights], [*weights.values()])[0]
        with suppress(CodexError, trio.TooSlowError), trio.fail_after(60):
            await getattr(self, f"_{done.replace(' ', '_')}")()
        if self.full:
            self.full -= 1
            if not self.full:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await trio.sleep(self.chance.choice((0, 0, 0.001, 0.01)))
        self.follow()
        return done

    def _prompt(self) -> TextInput:
        paths = ["/root", *(agent.path for agent in self.tree.agents if not agent.closed)]
        work = self.chance.choice(WORK)
        return TextInput(f"n={self.number} to={self.chance.choice(paths)} [[script:{work}]]")

    async def _spawn(self) -> None:
        control = self._some()._places.agents
        if control is None:
            return
        limits = {
            name: self.chance.choice(values)
            for name, values in (("model_calls", (1, 3)), ("tool_calls", (0, 2)), ("agents", (1, 3)), ("seconds", (1,)))
            if self.chance.random() < 0.2
        }
        prompt, name = self._prompt().text, f"a{self.number}"
        await control.spawn(SpawnRequest(prompt, task_name=name, budget=Budget(**limits)))

    async def _cancelled_spawn(self) -> None:
        with trio.move_on_after(self.chance.uniform(0, 0.01)):
            await self._spawn()

    async def _speak(self) -> None:
        agent = self._some()
        await agent.submit(TurnInput((self._prompt(),)))

    async def _interrupt(self) -> None:
        await self._some().submit(Interrupt())

    async def _close(self) -> None:
        agents = [agent for agent in self.tree.agents if not agent.closed]
        if agents:
            await self.tree.close(self.chance.choice(agents).agent_id)

    async def _resume(self) -> None:
        closed = [agent for agent in self.tree.agents if agent.closed]
        if closed:
            agent = self.chance.choice(closed)
            parent = self.codex.find_living(agent.parent_id)
            if parent is not None and parent._places.agents is not None:
                await parent._places.agents.resume(agent.agent_id)

    async def _crash(self) -> None:
        """Send an actor of a thread something it cannot explain."""
        ref: Ref[Any] = self._some()._session
        below = [cell for cell in cells_below(ref._cell) if cell.name in ("turn", "sampling")]
        victim: Ref[Any] = Ref(self.chance.choice(below)) if below and self.chance.random() < 0.7 else ref
        with suppress(ActorsError):  # it has just ended
            victim.send_nowait("nonsense", control=True)

    async def _kill(self) -> None:
        commands = processes_with(self.mark)
        if commands:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(commands), signal.SIGKILL)

    async def _watch(self) -> None:
        if len(self.watchers) < WATCHERS:
            thread = self._some()
            self.watchers.append((thread, thread.outbox.subscribe()))

    async def _unwatch(self) -> None:
        if self.watchers:
            thread, subscription = self.watchers.pop(self.chance.randrange(len(self.watchers)))
            thread.outbox.unsubscribe(subscription)

    async def _fill(self) -> None:
        self.full = 3
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    async def _wait(self) -> None:
        await trio.sleep(0.05)

    def _some(self) -> Thread:
        return self.chance.choice(self.codex.threads or (self.root,))

    # -- what has to hold ----------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Hear the events of all threads that are new."""
        for thread in self.codex.threads:
            if thread not in self.turns:
                self.turns[thread] = {}
                thread.outbox.listen(lambda msg, thread=thread: self._told(thread, msg))

    def _told(self, thread: Thread, msg: EventMsg) -> None:
        if isinstance(msg, ShutdownComplete):
            self.exits[thread] += 1
            if self.exits[thread] > 1:
                self.faults.append(f"{thread.identity.agent_path} has ended twice")
        elif isinstance(msg, TaskStarted):
            if any(self.turns[thread].values()):
                self.faults.append(f"{thread.identity.agent_path}: a turn began before the last one ended")
            self.turns[thread][msg.turn_id] = True
        elif isinstance(msg, TaskComplete | TurnFailed | TurnAborted):
            if self.turns[thread].get(msg.turn_id) is False:
                self.faults.append(f"{thread.identity.agent_path}: a turn ended twice")
            self.turns[thread][msg.turn_id] = False

    def check(self) -> None:
        """After each step: nobody without an owner, nobody over a budget, no use that is on nobody's account."""
        living = {thread.thread_id for thread in self.codex.threads}
        self.seen_closed |= {agent.agent_id for agent in self.tree.agents if agent.closed}
        for agent in self.tree.agents:
            if agent.agent_id in living and self.codex.find_living(agent.parent_id) is None:
                self.faults.append(f"{agent.path} lives without the one that started it")
        taken = [agent for agent in self.tree.agents if agent.working]
        if len(taken) > MOST_AGENTS:
            self.faults.append(f"{len(taken)} agents are at work")
        self._check_accounts()

    @property
    def accounts(self) -> Accounts | None:
        """The books of the tree, once anything limits it."""
        till = self.tree._metering._till
        return None if till is None else till.accounts

    def _check_accounts(self) -> None:
        accounts = self.accounts
        if accounts is None:
            return
        asked, paths = Counter[str](), self.paths()
        for thread_id, count in self.asked.items():
            asked[paths.get(thread_id, "?")] += count  # one that was closed may have a namesake
        for name, account in accounts._accounts.items():
            calls = account.used["model_calls"] + account.reserved["model_calls"]
            made = sum(count for path, count in asked.items() if path == name or path.startswith(f"{name}/"))
            if calls != self.base.setdefault(name, calls - made) + made:
                self.faults.append(f"{name} has {calls} model calls on its account, {made} were made since")
            below = [one for one in accounts._accounts.values() if one.parent is account]
            for what in ("model_calls", "tool_calls"):
                limit, taken = account.limit(what), account.used[what] + account.reserved[what]
                # A resume counts refused calls too: what is over the limit then stays, and nothing comes to it.
                if limit is not None and taken > max(
                    limit, self.carried.setdefault((name, what), taken * self.resumed)
                ):
                    self.faults.append(f"{name} is over its budget of {limit} {what}")
                if account.used[what] < sum(one.used[what] for one in below) or account.reserved[what] < 0:
                    self.faults.append(f"{name} has used fewer {what} than those below it")

    async def rest(self) -> None:
        """Have all turns ended, so that nobody writes any more."""
        with trio.move_on_after(20):
            while busy := [thread for thread in self.codex.threads if thread.outbox.open_turn is not None]:
                for thread in busy:
                    with suppress(CodexError, ActorsError):
                        await thread.submit(Interrupt())
                await trio.sleep(0.05)
        await trio.sleep(0.05)
        self.check()

    def paths(self) -> dict[str, str]:
        """Where each thread stands."""
        return {self.root.thread_id: "/root", **{agent.agent_id: agent.path for agent in self.tree.agents}}

    async def plant_fault(self) -> None:
        """Make the fault that has to be found."""
        accounts, control = self.accounts, self.root._places.agents
        match self.plant:
            case "leak":
                await trio.lowlevel.open_process(["sleep", self.mark], start_new_session=True)
            case "letter" if control is not None and self.tree._post is not None:
                self.tree._post.post = lambda letter: None  # what is written from now on is brought to nobody
                request = SpawnRequest("n=0 to=/root [[script:write]]", task_name="forgetful")
                spawned = await control.spawn(request)
                await control.wait([spawned.agent_id], within=60)
            case "exit":
                self.root.outbox.publish([ShutdownComplete()])
                self.root.outbox.publish([ShutdownComplete()])
            case "account" if accounts is not None:
                accounts._accounts["/root"].used["model_calls"] += 1
            case _:
                pass


def cells_below(cell: Any) -> Iterator[Any]:
    """An actor's cell and all below it."""
    yield cell
    for child in [*(cell.children or ())]:
        yield from cells_below(child)


def letters_lost_or_doubled(home: Path, *, unread: set[str], ended: set[str]) -> list[str]:
    """Letters that stand in their author's rollout, and not once in their reader's.

    Args:
      unread: the ids of those that are under way.
      ended: readers that were ended for good, with what they had not read.
    """
    written: dict[str, str] = {}
    read: Counter[tuple[str, str]] = Counter()
    for path in (home / "sessions").rglob("*.jsonl"):
        reader = path.stem[-36:]
        lines = path.read_bytes().split(b"\n")[:-1]
        if not lines:  # killed in its first line
            continue
        for line in lines:
            letter = json.loads(line)["payload"].get("item", {}).get("letter")
            if letter is not None:
                written[letter["id"]] = letter["recipient_id"]
        history = restored_from(load(str(home), reader)).items
        read.update((reader, get_str(item, "id")) for item in history if is_letter(item))
    doubled = [f"letter {letter} was delivered {count} times" for (_, letter), count in read.items() if count > 1]
    lost = [
        f"letter {letter} to {reader} was lost"
        for letter, reader in written.items()
        if not read[reader, letter] and letter not in unread and reader not in ended
    ]
    return [*doubled, *lost]


def tell(**fact: object) -> None:
    """Tell the one that started us; at once, since we may be killed."""
    os.write(1, json.dumps(fact).encode() + b"\n")


async def live(home: Path, seed: str, steps: int, first: int, root_id: str, plant: Plant | None) -> None:
    """Do so many steps, then leave in order."""
    mark = (home / "mark").read_text()
    path = home / "script.json"
    path.write_text(json.dumps(script(mark)))
    world = World(random.Random(seed), mark, plant, first)
    client = ScriptedClient(path, observe=world.observe)
    async with open_codex(config_of(home, path), client=client) as codex:
        root = await (codex.resume_thread(root_id) if root_id else codex.start_thread(budget=ROOM))
        tell(root=root.thread_id, agents=len([*root.agents]))
        await world.enter(codex, root)
        for _ in range(steps):
            if not root.alive:  # its session crashed too often: that is the end of its tree
                break
            done = await world.step()
            world.check()
            tell(step=world.number, did=done, faults=world.faults)
            if world.faults:
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await world.plant_fault()
        await world.rest()
        post = world.tree._post
        unread = {letter.id for reader in world.paths() for letter in (post.unread(reader) if post else ())}
        lost = letters_lost_or_doubled(home, unread=unread, ended=world.seen_closed)
        await root.stop()
        left = [f"a task of {task.name} is left" for task in tasks_left()]
        left += [f"{thread.identity.agent_path} lives on" for thread in codex.threads]
    left += [f"process {pid} runs on" for pid in processes_with(mark)]
    tell(left=[*world.faults, *left, *lost])


def tasks_left() -> list[trio.lowlevel.Task]:
    """Tasks of threads."""
    found = list[trio.lowlevel.Task]()
    looked_at = [trio.lowlevel.current_root_task()]
    while looked_at:
        task = looked_at.pop()
        if task is not None:
            looked_at += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
            found += [task] if task.name in ("session", "rollout", "turn", "sampling") else []
    return found


if __name__ == "__main__":
    home_, seed_, steps_, first_, root_, plant_ = sys.argv[1:]
    planted: Plant | None = next((one for one in PLANTS if one == plant_), None)
    trio.run(live, Path(home_), seed_, int(steps_), int(first_), root_, planted)
