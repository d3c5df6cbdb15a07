"""Compares supervisors with recorded traces of Erlang/OTP: `python -m supervisors.conformance FILE`.

A line of the file is a scenario: flags, children, and steps with what really happened. Each is played in virtual time
against a real supervisor through its public door. Prints each mismatch and `N of M traces`; the exit status is 0 only
if all match.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import attrs
import trio
from trio.testing import MockClock

from actors import ActorGone, Mailbox, Report, Runtime, Shutdown, open_runtime

from ._errors import (
    AlreadyPresent,
    AlreadyStarted,
    BadSpec,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    StartFailed,
    SupervisorError,
)
from ._spec import ChildSpec, SupervisorSpec
from ._supervisor import Supervisor, start_supervisor

_SETTLE = 10.0
_SHUTDOWNS = {"brutal_kill": 0.0, "infinity": math.inf}

Json = dict[str, Any]  # Any: JSON
Starter = Callable[[Runtime, SupervisorSpec], Awaitable[Supervisor]]

_RESULTS: dict[type[Exception], str] = {
    BadSpec: "bad_combination",
    AlreadyStarted: "already_started",
    AlreadyPresent: "already_present",
    ChildNotFound: "not_found",
    ChildRunning: "running",
    ChildRestarting: "restarting",
}


@attrs.frozen
class Mismatch:
    """One step that came out otherwise."""

    scenario: str
    step: int
    op: object
    expected: object
    got: object

    def __str__(self) -> str:
        return (
            f"{self.scenario} step {self.step} {json.dumps(self.op)}\n"
            f"  expected {json.dumps(self.expected)}\n  got      {json.dumps(self.got)}"
        )


class _Boom(Exception):
    pass


class _Child:
    """A child on cue: it starts or fails, ends when told, and may ignore the polite stop."""

    def __init__(self, world: _World, spec: Json) -> None:
        self.world = world
        self.id: str = spec["id"]
        self.fails: list[int] = spec["fails"]
        self.stubborn: bool = spec["stubborn"]

    async def run(self, mailbox: Mailbox[str]) -> None:
        events = self.world.events
        attempt = self.world.attempts[self.id] = self.world.attempts.get(self.id, 0) + 1
        if attempt in self.fails:
            events.append(["startfail", self.id])
            raise _Boom("boom")
        events.append(["start", self.id])
        self.world.running[self.id] = mailbox
        how = "killed"
        try:
            how = await self.live(mailbox)
        finally:
            self.world.running.pop(self.id, None)
            events.append(["stop", self.id, how])
        if how == "crash":
            raise _Boom("crash")
        if how.startswith("shutdown"):
            raise Shutdown(how)

    async def live(self, mailbox: Mailbox[str]) -> str:
        async for how in mailbox:
            return how
        if self.stubborn:
            await trio.sleep_forever()
        return "shutdown"


class _World:
    """One scenario: its supervisor, and what has happened since the last look."""

    def __init__(self, runtime: Runtime, scenario: Json, start: Starter) -> None:
        self.runtime = runtime
        self.start = start
        self.scenario = scenario
        self.events: list[list[str]] = []
        self.attempts: dict[str, int] = {}
        self.running: dict[str, Mailbox[str]] = {}
        self.supervisor: Supervisor | None = None

    def spec(self, child: Json) -> ChildSpec:
        shutdown: int | str = child["shutdown"]
        return ChildSpec(
            id=child["id"],
            start=_Child(self, child).run,
            restart=child["restart"],
            shutdown=_SHUTDOWNS[shutdown] if isinstance(shutdown, str) else shutdown / 1000,
            significant=child["significant"],
        )

    async def play(self, step: Json) -> Json:
        """Do one step; what came of it, in the file's words."""
        self.events.clear()
        op: list[Any] = step["op"]
        try:
            result = await self.perform(op)
        except StartFailed as failed:
            # OTP wraps the cause at init and start_child, and hands it out bare at restart_child.
            result = {"init": "failed_to_start_child", "start": "start_error"}.get(op[0], str(failed.__cause__))
        except SupervisorError as refused:
            result = _RESULTS[type(refused)]
        # Shutdown seconds pass in the background; in virtual time this waits for all of them.
        await trio.sleep(_SETTLE)
        return {"result": result, "events": [list(event) for event in self.events], "children": await self.children()}

    async def perform(self, op: list[Any]) -> str:
        match op:
            case ["init"]:
                await self.init()
            case ["exit", id, how]:
                return await self.exit(id, how)
            case ["stop"]:
                return (await self.running_supervisor().stop()).kind
            case ["terminate", id]:
                await self.running_supervisor().terminate_child(id)
            case ["restart", id]:
                await self.running_supervisor().restart_child(id)
            case ["delete", id]:
                await self.running_supervisor().delete_child(id)
            case ["start", _, child]:
                await self.running_supervisor().start_child(self.spec(child))
            case _:
                raise ValueError(f"unknown op {op!r}; expected init, exit, stop, terminate, restart, delete or start")
        return "ok"

    async def init(self) -> None:
        flags = self.scenario["flags"]
        self.supervisor = await self.start(
            self.runtime,
            SupervisorSpec(
                strategy=flags["strategy"],
                max_restarts=flags["intensity"],
                period=flags["period"],
                auto_shutdown=flags["auto_shutdown"],
                children=[self.spec(child) for child in self.scenario["children"]],
            ),
        )

    def running_supervisor(self) -> Supervisor:
        if self.supervisor is None:
            raise ValueError("the scenario goes on after its supervisor could not start")
        return self.supervisor

    async def exit(self, id: str, how: str) -> str:
        mailbox = self.running.get(id)
        if mailbox is None:
            return "not_running"
        if how == "kill":
            await mailbox.ref.stop(within=0)
        else:
            await mailbox.ref.send(how)
        return "ok"

    async def children(self) -> list[list[str]] | None:
        if self.supervisor is None:
            return None
        try:
            children = await self.supervisor.which_children()
        except ActorGone:
            return None
        return [[child.id, "undefined" if child.state == "stopped" else child.state] for child in children]


async def _play(scenario: Json, start: Starter) -> Mismatch | None:
    async with open_runtime(report=_quiet) as runtime:
        world = _World(runtime, scenario, start)
        for number, step in enumerate(scenario["steps"]):
            got = await world.play(step)
            expected = {key: step[key] for key in ("result", "events", "children")}
            if got != expected:
                return Mismatch(scenario["name"], number, step["op"], expected, got)
    return None


def _quiet(report: Report) -> None:
    """Crashes are what the scenarios are about."""


def mismatch_of(scenario: Json, start: Starter = start_supervisor) -> Mismatch | None:
    """Play one scenario; its first step that came out otherwise. `start`: another supervisor to compare."""

    async def main() -> Mismatch | None:
        with trio.fail_after(1e6):
            return await _play(scenario, start)

    try:
        return trio.run(main, clock=MockClock(autojump_threshold=0))
    except Exception as error:
        return Mismatch(scenario.get("name", "?"), -1, ["scenario"], "a run to the end", repr(error))


def compare(lines: Iterable[str]) -> tuple[int, list[Mismatch]]:
    """Play every scenario; how many there are, and what did not match."""
    scenarios = [json.loads(line) for line in lines if line.strip()]
    return len(scenarios), [found for found in map(mismatch_of, scenarios) if found is not None]


def main(arguments: list[str]) -> int:
    """Run the command; its exit status."""
    import logging

    if len(arguments) != 1:
        print("usage: python -m supervisors.conformance FILE", file=sys.stderr)
        return 2
    before = logging.root.manager.disable
    logging.disable()
    try:
        text = Path(arguments[0]).read_text(encoding="utf-8")
        total, mismatches = compare(text.splitlines())
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {error}; expected a file of JSON lines, one scenario each", file=sys.stderr)
        return 2
    finally:
        logging.disable(before)
    for mismatch in mismatches:
        print(mismatch)
    print(f"{total - len(mismatches)} of {total} traces")
    return 1 if mismatches or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
