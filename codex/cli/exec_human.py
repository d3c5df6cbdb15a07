"""Events as text for a person: what `codex exec` and `codex demo` write to stderr while a turn runs.  Pure.

Output of commands and words of the model pass through `harmless`, so that they cannot steer the terminal.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

from codex.base.quoting import command_line
from codex.cli._live import LiveOutput
from codex.cli._shades import Shades
from codex.cli.exec_jsonl import INTERRUPTED
from codex.protocol.event import (
    ActionRefused,
    CommandOutputDelta,
    ErrorNotice,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    PlanUpdate,
    SessionConfigured,
    StreamErrorNotice,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import (
    AgentMessage,
    CollabToolCall,
    CommandExecution,
    ContextCompaction,
    DynamicToolCall,
    ErrorNote,
    FileChange,
    FileUpdate,
    ImageView,
    PlanStep,
    Reasoning,
    SubAgentActivity,
    ThreadItem,
    TodoList,
    UserMessage,
    WebSearch,
)
from codex.protocol.permission import SandboxPolicy, policy_name
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import TextInput

MAX_SHOWN_LINES = 200
_MAX_SHOWN_CHARS = 2_000
_CONTROLS = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # colors and cursor movements
    "|\x1b[\\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\\\)?"  # titles, links and other strings to the terminal
    "|\x1b[ -/]*[0-~]?"
    "|[\x00-\x08\x0b-\x0d\x0e-\x1a\x1c-\x1f\x7f\x80-\x9f]"
)
_MARKS = {"completed": "✓", "in_progress": "→", "pending": "·"}
_KINDS = {"add": "A", "delete": "D", "update": "M"}
_CALLS = {
    "spawn_agent": "starts an agent",
    "send_input": "writes to",
    "wait": "waits for",
    "close_agent": "closes",
    "resume_agent": "goes on with",
}


class HumanText:
    """Turns one thread's messages into text; each call returns what there is to add to the screen.

    `reasoning`: whether a model's thoughts are shown as their summary, or as they are where the model shows them.
    """

    def __init__(self, title: str, *, color: bool, reasoning: Literal["summary", "raw"] | None = "summary") -> None:
        self._title, self._shades, self._reasoning = title, Shades(on=color), reasoning
        self._usage = TokenUsage()
        self._last_error: str | None = None
        self._in_turn = False
        self._running: dict[str, str] = {}
        self._plan: Sequence[PlanStep] | None = None
        self._agents: dict[str, int] = {}
        self._cwd = ""
        self._head: str | None = None  # the command whose head or output is the last thing on the screen
        self._was_head: str | None = None
        self._live: dict[str, LiveOutput] = {}
        self._handlers: dict[type, Callable[..., str]] = {
            SessionConfigured: self._session_configured,
            TaskStarted: self._task_started,
            TaskComplete: self._task_complete,
            TurnFailed: self._turn_failed,
            TurnAborted: self._turn_aborted,
            ItemStarted: self._item_started,
            ItemUpdated: self._item_updated,
            ItemCompleted: self._item_completed,
            CommandOutputDelta: self._output,
            PlanUpdate: self._plan_update,
            TokenCount: self._token_count,
            StreamErrorNotice: self._stream_error,
            ErrorNotice: self._error,
            ActionRefused: self._action_refused,
            Warning: self._warning,
        }

    def render(self, msg: EventMsg) -> str:
        """The text of this message; empty for what is not shown."""
        handler = self._handlers.get(type(msg))
        if handler is None:
            return ""
        self._was_head, self._head = self._head, None
        text = handler(msg)
        if not text:
            self._head = self._was_head
        return text

    def cut_off(self, message: str) -> str:
        """The text that ends a turn of which no end came; empty when none is open."""
        if not self._in_turn:
            return ""
        self._in_turn = False
        return self._shades.red(f"turn ended: {harmless(message)}") + "\n" + self._tokens(self._usage)

    def activity(self) -> str:
        """What is waited for, in a few words."""
        if self._running:
            first, *others = self._running.values()
            return f"{first[:60]}{f' and {len(others)} more' if others else ''}"
        return "waiting for the model" if self._in_turn else "starting"

    def _session_configured(self, msg: SessionConfigured) -> str:
        self._cwd = msg.cwd
        facts = {
            "workdir": msg.cwd,
            "model": msg.model,
            "provider": msg.model_provider,
            "approval": policy_name(msg.approval_policy),
            "sandbox": describe_sandbox(msg.sandbox_policy),
            "reasoning effort": msg.reasoning_effort or "default of the model",
            "session id": msg.thread_id,
        }
        rule = "-" * 8
        lines = [f"{self._shades.bold(f'{name}:')} {harmless(value)}" for name, value in facts.items()]
        return "\n".join([self._title, rule, *lines, rule]) + "\n"

    def _task_started(self, msg: TaskStarted) -> str:
        self._in_turn, self._last_error, self._plan = True, None, None
        return ""

    def _task_complete(self, msg: TaskComplete) -> str:
        self._in_turn = False
        return self._tokens(msg.usage)

    def _turn_failed(self, msg: TurnFailed) -> str:
        self._in_turn = False
        said = self._last_error == msg.message
        return ("" if said else self._shades.red(f"ERROR: {harmless(msg.message)}") + "\n") + self._tokens(msg.usage)

    def _turn_aborted(self, msg: TurnAborted) -> str:
        self._usage = msg.usage
        return self.cut_off(INTERRUPTED[msg.reason])

    def _tokens(self, usage: TokenUsage) -> str:
        total = usage.total_tokens or usage.input_tokens + usage.output_tokens
        cached = f", {usage.cached_input_tokens:,} of the input cached" if usage.cached_input_tokens else ""
        split = f"(input {usage.input_tokens:,}, output {usage.output_tokens:,}{cached})"
        return f"{self._shades.bold('tokens used:')} {total:,} {self._shades.dim(split)}\n"

    def _token_count(self, msg: TokenCount) -> str:
        self._usage = msg.total
        return ""

    def _stream_error(self, msg: StreamErrorNotice) -> str:
        return self._shades.yellow(f"retry: {harmless(msg.message)}") + "\n"

    def _error(self, msg: ErrorNotice) -> str:
        self._last_error = msg.message
        return self._shades.red(f"ERROR: {harmless(msg.message)}") + "\n"

    def _action_refused(self, msg: ActionRefused) -> str:
        head = f"{self._shades.magenta('refused')}  {_clipped(harmless(msg.action))}"
        return f"{head}\n  {self._shades.yellow(harmless(msg.reason))}\n\n"

    def _warning(self, msg: Warning) -> str:
        return self._shades.yellow(f"warning: {harmless(msg.message)}") + "\n"

    def _plan_update(self, msg: PlanUpdate) -> str:
        return self._show_plan(msg.plan, msg.explanation)

    def _show_plan(self, plan: Sequence[PlanStep], explanation: str | None) -> str:
        if plan == self._plan:
            return ""
        self._plan = plan
        title = self._shades.magenta("plan") + (f"  {harmless(explanation)}" if explanation else "")
        return "\n".join([title, *(self._step(step) for step in plan)]) + "\n\n"

    def _step(self, step: PlanStep) -> str:
        text = f"  {_MARKS[step.status]} {harmless(step.step)}"
        return self._shades.dim(text) if step.status == "completed" else text

    def _item_started(self, msg: ItemStarted) -> str:
        match msg.item:
            case CommandExecution(id=item_id, command=command, cwd=cwd):
                shown = _clipped(harmless(script_of(command)))
                self._running[item_id] = shown.replace("\n", " ")
                self._head = item_id
                self._live[item_id] = LiveOutput(MAX_SHOWN_LINES // 2)
                place = "" if cwd == self._cwd else f" in {self._relative(cwd)}"
                return f"{self._shades.magenta('exec')}  {self._shades.bold(shown)}{place}\n"
            case CollabToolCall():
                return self._collab_started(msg.item)
            case TodoList(steps=steps):
                return self._show_plan(steps, None)
            case _:
                return ""

    def _item_updated(self, msg: ItemUpdated) -> str:
        return self._show_plan(msg.item.steps, None) if isinstance(msg.item, TodoList) else ""

    def _output(self, msg: CommandOutputDelta) -> str:
        """Lines of the command that was shown last; with others in between, its output waits for its end."""
        live = self._live.get(msg.item_id)
        if live is None or self._was_head != msg.item_id:
            return ""
        self._head = msg.item_id
        return "".join(f"{self._shades.dim(f'  {harmless(line)}')}\n" for line in live.feed(msg.chunk))

    def _item_completed(self, msg: ItemCompleted) -> str:
        self._running.pop(msg.item.id, None)
        item = msg.item
        if isinstance(item, CommandExecution):
            return self._command_completed(item, named=self._was_head != item.id)
        return self._completed(item)

    def _completed(self, item: ThreadItem) -> str:  # all but commands
        shades = self._shades
        match item:
            case UserMessage(content=content):
                texts = [part.text for part in content if isinstance(part, TextInput)]
                return f"{shades.cyan('user')}\n{_clipped(harmless(chr(10).join(texts)))}\n\n"
            case AgentMessage(text=text):
                return f"{shades.cyan('codex')}\n{harmless(text)}\n\n" if text.strip() else ""
            case Reasoning(summary=summary, content=content):
                shown = {"summary": summary, "raw": content or summary}.get(self._reasoning or "", ())
                text = "\n".join(shown).strip()
                return f"{shades.dim('thinking')}\n{shades.dim(harmless(text))}\n\n" if text else ""
            case FileChange():
                return self._patch_completed(item)
            case CollabToolCall():
                return self._collab_completed(item)
            case ImageView(path=path):
                return f"{shades.magenta('image')}  {harmless(path)}\n\n"
            case DynamicToolCall(tool=tool, status=status):
                return f"{shades.magenta('tool')}  {harmless(tool)} {status.replace('_', ' ')}\n\n"
            case WebSearch(query=query):
                return f"{shades.magenta('search')}  {harmless(query)}\n\n"
            case ContextCompaction():
                return shades.dim("context compacted") + "\n\n"
            case ErrorNote(message=message):
                return shades.yellow(f"warning: {harmless(message)}") + "\n"
            case TodoList() | CommandExecution() | SubAgentActivity():
                return ""

    def _command_completed(self, item: CommandExecution, *, named: bool) -> str:
        """The output that was not shown yet, and the end; `named` where other things were shown since its head."""
        took = "" if item.duration is None else f" in {_duration(item.duration)}"
        live = self._live.pop(item.id, None)
        lines = shown_lines(item.aggregated_output)[live.shown if live else 0 :]
        output = "".join(f"  {line}\n" for line in lines)
        if item.status == "declined":
            end = self._shades.yellow("declined")
        elif item.status == "completed":
            end = self._shades.green(f"succeeded{took}")
        else:
            code = "ended" if item.exit_code is None else f"exited {item.exit_code}"
            end = self._shades.red(f"{code}{took}")
        name = self._shades.bold(_clipped(harmless(script_of(item.command))))
        head = f"{self._shades.magenta('exec')}  {name} ended:\n" if named else ""
        return f"{head}{self._shades.dim(output)}  {end}\n\n"

    def _patch_completed(self, item: FileChange) -> str:
        title = self._shades.magenta("patch")
        if item.status != "completed":
            title += "  " + self._shades.red(f"{item.status}: {harmless(item.stderr or item.stdout).strip()}")
        return "\n".join([title, *(line for change in item.changes for line in self._change(change))]) + "\n\n"

    def _change(self, change: FileUpdate) -> list[str]:
        moved = f" → {self._relative(change.move_path)}" if change.move_path else ""
        head = self._shades.bold(f"  {_KINDS[change.kind]} {self._relative(change.path)}{moved}")
        if change.kind == "update":
            body = _without_file_names(change.unified_diff)
        else:
            sign = "+" if change.kind == "add" else "-"
            body = "\n".join(f"{sign}{line}" for line in change.content.splitlines())
        return [head, *(f"  {self._diff_line(line)}" for line in shown_lines(body))]

    def _diff_line(self, line: str) -> str:
        shade = {"+": self._shades.green, "-": self._shades.red, "@": self._shades.cyan}.get(line[:1])
        return shade(line) if shade else line

    def _collab_started(self, item: CollabToolCall) -> str:
        self._running[item.id] = "waiting for an agent" if item.tool == "wait" else "an agent"
        names = ", ".join(map(self._agent, item.receiver_thread_ids))
        text = f"  {_clipped(harmless(item.prompt))}" if item.prompt else ""
        head = f"{self._shades.magenta('agent')}  {_CALLS[item.tool]} {names}".rstrip()
        return f"{head}\n{text}\n" if text else f"{head}\n"

    def _collab_completed(self, item: CollabToolCall) -> str:
        lines: list[str] = []
        for thread_id, state in item.agents_states.items():
            said = f": {_clipped(harmless(state.message))}" if state.message and item.tool == "wait" else ""
            lines.append(f"  {self._agent(thread_id)} is {state.status.replace('_', ' ')}{said}")
        if item.status == "failed":
            lines.append("  " + self._shades.red("the call failed"))
        return "\n".join(lines) + "\n\n" if lines else "\n"

    def _agent(self, thread_id: str) -> str:
        if thread_id in self._agents:
            return f"agent {self._agents[thread_id]}"
        self._agents[thread_id] = len(self._agents) + 1
        return f"agent {self._agents[thread_id]} ({thread_id})"

    def _relative(self, path: str) -> str:
        return harmless(path.removeprefix(f"{self._cwd}/") if self._cwd else path)


def harmless(text: str) -> str:
    """The text without what a terminal would obey; line ends and tabs stay."""
    return _CONTROLS.sub("", text)


def shown_lines(text: str) -> list[str]:
    """The lines of an output that are shown: from a long one the beginning and the end, saying what is missing."""
    if len(text) > MAX_SHOWN_LINES * _MAX_SHOWN_CHARS:
        half = MAX_SHOWN_LINES * _MAX_SHOWN_CHARS // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
    lines = harmless(text).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) <= MAX_SHOWN_LINES:
        return lines
    half = MAX_SHOWN_LINES // 2
    return [*lines[:half], f"… {len(lines) - 2 * half:,} lines left out …", *lines[-half:]]


def describe_sandbox(policy: SandboxPolicy) -> str:
    """A sandbox policy in a few words."""
    if policy.entries is not None:
        return f"{policy.profile}{' with network' if policy.network else ''}"
    if policy.mode != "workspace-write":
        return policy.mode
    roots = ["workdir", *policy.writable_roots]
    if not policy.exclude_slash_tmp:
        roots.append("/tmp")
    if not policy.exclude_tmpdir_env_var:
        roots.append("$TMPDIR")
    return f"workspace-write [{', '.join(roots)}]{' with network' if policy.network_access else ''}"


def script_of(command: Sequence[str]) -> str:
    """The script of a `bash -lc SCRIPT`, or the whole command."""
    if len(command) == 3 and command[1] in ("-c", "-lc"):
        return command[2] or "''"
    return command_line(command) or "''"


def _clipped(text: str) -> str:
    if len(text) <= _MAX_SHOWN_CHARS:
        return text
    return f"{text[:_MAX_SHOWN_CHARS]}… ({len(text) - _MAX_SHOWN_CHARS:,} more characters)"


def _without_file_names(diff: str) -> str:
    lines = diff.split("\n")
    start = next((index for index, line in enumerate(lines) if line.startswith("@@")), 0)
    return "\n".join(lines[start:])


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
