"""The ledger: what the engine knows of the work, as a message beside the summary of a compaction.  Pure.

Plan and changed files come from the `worklog`; processes, sub-agents and open questions from those who own them, as
they are at this moment. The facts never pass through a model. A ledger is bounded, and counts what it leaves out. It is
JSON in a message of the history, so that a resume finds it there again.
"""

from collections.abc import Mapping

import attrs

from codex.base.jsontext import Json, JsonObject, encode
from codex.context.worklog import MAX_FILES
from codex.protocol.contextual import LEDGER_CLOSE, LEDGER_OPEN
from codex.protocol.item import AgentState, ChangeKind, PlanStep
from codex.protocol.response_item import ResponseItem, input_text, message

MAX_STEPS = 30
MAX_PROCESSES = 16
MAX_AGENTS = 16
MAX_QUESTIONS = 8
MAX_TEXT = 200
MAX_PATH = 400
_INTRODUCTION = (
    "Facts that the program itself recorded when the conversation was condensed. They are exact; what commands changed "
    "is not among the files."
)


@attrs.frozen
class RunningProcess:
    """A command that runs in the background; `session_id` is what `write_stdin` takes."""

    session_id: int
    command: str


@attrs.frozen
class SubAgent:
    """A sub-agent that is not closed: the id that the agent tools take, its name, and where it stands."""

    agent_id: str
    nickname: str
    state: AgentState


@attrs.frozen
class Ledger:
    """The facts at a compaction, in the order in which they arose; `files` maps an absolute path to its change.

    `forgotten`: changed files that are not in `files`.
    """

    plan: tuple[PlanStep, ...] = ()
    files: Mapping[str, ChangeKind] = attrs.field(factory=dict[str, ChangeKind])
    forgotten: int = 0
    processes: tuple[RunningProcess, ...] = ()
    agents: tuple[SubAgent, ...] = ()
    questions: tuple[str, ...] = ()

    def item(self) -> ResponseItem | None:
        """The ledger as the model reads it; None when there is nothing to tell."""
        facts = self._facts()
        if not facts:
            return None
        return message("user", [input_text(f"{LEDGER_OPEN}\n{_INTRODUCTION}\n{encode(facts)}\n{LEDGER_CLOSE}")])

    def _facts(self) -> JsonObject:
        facts: JsonObject = {}
        steps: list[Json] = [{"step": _short(step.step), "status": step.status} for step in self.plan]
        paths = {path: change for path, change in self.files.items() if len(path) <= MAX_PATH}
        files: list[Json] = [{"path": path, "change": change} for path, change in paths.items()]
        processes: list[Json] = [
            {"session_id": one.session_id, "command": _short(one.command)} for one in self.processes
        ]
        agents: list[Json] = [_agent(one) for one in self.agents]
        questions: list[Json] = [_short(text) for text in self.questions]
        if any(step.status != "completed" for step in self.plan):
            facts |= _newest("plan", steps, MAX_STEPS)
        too_long = len(self.files) - len(paths)
        facts |= _newest("changed_files", files, MAX_FILES, too_long + self.forgotten)
        facts |= _newest("running_processes", processes, MAX_PROCESSES)
        facts |= _newest("sub_agents", agents, MAX_AGENTS)
        facts |= _newest("open_questions", questions, MAX_QUESTIONS)
        return facts


def _agent(agent: SubAgent) -> JsonObject:
    told: JsonObject = {"agent_id": agent.agent_id, "nickname": agent.nickname, "status": agent.state.status}
    return told if agent.state.message is None else {**told, "message": _short(agent.state.message)}


def _newest(name: str, entries: list[Json], most: int, left_out: int = 0) -> JsonObject:
    """The last entries under this name, and how many there are beside them; nothing where there are none."""
    left_out += max(len(entries) - most, 0)
    told: JsonObject = {name: entries[-most:]} if entries else {}
    return {**told, f"{name}_left_out": left_out} if left_out else told


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
