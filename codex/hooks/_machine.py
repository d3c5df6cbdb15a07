"""What the answers of several hooks to one event mean together, as a pure machine.

    one hook's end --read_answer--> Answer          by its exit code and what it printed
    answers --------combine-------> Verdict         in the order of the hooks
Law: one refusal is enough, and the first reason is given; a hook that failed refuses nothing and is told; what they
add is kept in their order; of several changed inputs the last counts. Not decided here: who runs them, and where a
verdict leads.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import Json, JsonObject, decode_object, get_object, get_str
from codex.hooks.find import EventName

Permission: TypeAlias = Literal["allow", "deny", "ask"]
# Events where plain text on stdout is something for the model.
_TEXT_COUNTS = ("SessionStart", "UserPromptSubmit", "SubagentStart")
# Events where it is nothing at all.
_ANY_TEXT = ("PreToolUse", "PostToolUse", "PreModelRequest", "PostModelRequest", "Interrupt", "SessionEnd")
BLOCKED = 2


@attrs.frozen
class Ran:
    """How a hook's command ended; `exit_code` None: it was killed at its deadline, or never started (`problem`)."""

    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    problem: str = ""


@attrs.frozen
class Answer:
    """What one hook said."""

    blocked: str | None = None
    stopped: str | None = None
    permission: Permission | None = None
    context: str = ""
    updated_input: Mapping[str, Json] | None = None
    message: str = ""
    failure: str = ""


@attrs.frozen
class Verdict:
    """What all of them said: `blocked` and `stopped` are reasons, `messages` for the user, `contexts` for the model."""

    blocked: str | None = None
    stopped: str | None = None
    permission: Permission | None = None
    contexts: tuple[str, ...] = ()
    updated_input: Mapping[str, Json] | None = None
    messages: tuple[str, ...] = ()

    @property
    def refused(self) -> str | None:
        """The reason why what was asked about must not happen."""
        return self.blocked if self.blocked is not None else self.stopped


def read_answer(event: EventName, ran: Ran) -> Answer:
    """What a hook's end means."""
    if ran.exit_code is None:
        return Answer(failure=ran.problem or "was killed")
    if ran.exit_code == BLOCKED:
        reason = ran.stderr.strip()
        return Answer(blocked=reason) if reason else Answer(failure="ended with 2, but gave no reason on stderr")
    if ran.exit_code != 0:
        said = ran.stderr.strip().splitlines()
        return Answer(failure=f"ended with {ran.exit_code}{': ' + said[-1][:200] if said else ''}")
    text = ran.stdout.strip()
    if not text.startswith("{"):
        if not text or event in _TEXT_COUNTS:
            return Answer(context=text)
        return Answer() if event in _ANY_TEXT else Answer(failure=_NONSENSE)
    try:
        table = decode_object(text.encode("utf-8", "replace"))
    except ValueError:
        return Answer(failure=_NONSENSE)
    return _structured(event, table)


_NONSENSE = "printed something that is no JSON object"


def _structured(event: EventName, table: JsonObject) -> Answer:
    specific = get_object(table, "hookSpecificOutput")
    reason = get_str(specific, "permissionDecisionReason") or get_str(table, "reason")
    permission: Permission | None = None
    said = get_str(specific, "permissionDecision") or get_str(table, "decision")
    if event == "PermissionRequest":
        decision = get_object(specific, "decision")
        said, reason = get_str(decision, "behavior"), get_str(decision, "message") or "it was denied"
    match said:
        case "deny" | "block":
            permission = "deny"
        case "allow" | "approve":
            permission = "allow"
        case "ask":
            permission = "ask"
        case "":
            pass
        case other:
            return Answer(failure=f"answered with the unknown decision {other[:60]!r}")
    if permission == "deny" and not reason:
        return Answer(failure="refused without a reason")
    stopped = get_str(table, "stopReason") or "a hook stopped it" if table.get("continue") is False else None
    updated = specific.get("updatedInput")
    return Answer(
        blocked=reason if permission == "deny" else None,
        stopped=stopped,
        permission=permission,
        context=get_str(specific, "additionalContext"),
        updated_input=updated if isinstance(updated, dict) and event == "PreToolUse" else None,
        message=get_str(table, "systemMessage"),
    )


def combine(answers: Sequence[tuple[str, Answer]]) -> Verdict:
    """One verdict of the answers, each with the name of its hook, in the order of the hooks."""
    blocked = next((answer.blocked for _, answer in answers if answer.blocked is not None), None)
    stopped = next((answer.stopped for _, answer in answers if answer.stopped is not None), None)
    said = {answer.permission for _, answer in answers}
    strictest: tuple[Permission, ...] = ("deny", "ask", "allow")
    updated = [answer.updated_input for _, answer in answers if answer.updated_input is not None]
    messages = [f"hook {name}: {text}" for name, answer in answers for text in (answer.message, answer.failure) if text]
    return Verdict(
        blocked,
        stopped,
        "deny" if blocked is not None else next((each for each in strictest if each in said), None),
        tuple(answer.context for _, answer in answers if answer.context),
        updated[-1] if updated else None,
        tuple(messages),
    )
