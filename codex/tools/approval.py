"""What happens to an action before it runs: the policies as tables.  Pure.

A column is a question about the action, a row is a policy; `granular` has two rows, by what it lets be asked.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from codex.protocol.permission import ApprovalPolicy, Granular, OnePolicy, SandboxPolicy, policies_of

# run: in the sandbox. outside: without it. ask, refuse: as they say.
Verdict: TypeAlias = Literal["run", "outside", "ask", "refuse"]
RuleDecision: TypeAlias = Literal["allow", "prompt", "forbidden"]
Row: TypeAlias = Literal["never", "on-request", "granular", "granular-off", "on-failure", "untrusted", "permissive"]


@attrs.frozen
class Columns:
    """A command that no rule knows: one policy's answer to each kind of it.

    `plain`: nothing is special. `escalated`: the model asks to leave the sandbox. `dangerous`: it forces a removal.
    `unconfined`: the mode is danger-full-access, so there is no sandbox to leave. `denied`: it ran and the sandbox
    stopped it: run it again outside, ask first unless it was asked already, or leave it at that (refuse).
    """

    plain: Verdict
    escalated: Verdict
    dangerous: Verdict
    unconfined: Verdict
    denied: Verdict


# fmt: off
COMMANDS: Mapping[Row, Columns] = {
    #                        plain   escalated  dangerous  unconfined  denied
    "never":        Columns("run",  "refuse",  "refuse",  "outside",  "refuse"),
    "on-request":   Columns("run",  "ask",     "ask",     "outside",  "refuse"),
    "granular":     Columns("run",  "ask",     "ask",     "outside",  "ask"),
    "granular-off": Columns("run",  "refuse",  "refuse",  "outside",  "refuse"),
    "on-failure":   Columns("run",  "outside", "ask",     "outside",  "ask"),
    "untrusted":    Columns("ask",  "ask",     "ask",     "ask",      "ask"),
    "permissive":   Columns("run",  "outside", "ask",     "outside",  "outside"),
}

# A command that a rule knows. For `granular` the key `rules` chooses the row.
RULES: Mapping[Row, Mapping[RuleDecision, Verdict]] = {
    "never":        {"allow": "outside", "prompt": "refuse", "forbidden": "refuse"},
    "on-request":   {"allow": "outside", "prompt": "ask",    "forbidden": "refuse"},
    "granular":     {"allow": "outside", "prompt": "ask",    "forbidden": "refuse"},
    "granular-off": {"allow": "outside", "prompt": "refuse", "forbidden": "refuse"},
    "on-failure":   {"allow": "outside", "prompt": "ask",    "forbidden": "refuse"},
    "untrusted":    {"allow": "outside", "prompt": "ask",    "forbidden": "refuse"},
    "permissive":   {"allow": "outside", "prompt": "ask",    "forbidden": "refuse"},
}


@attrs.frozen
class PatchColumns:
    """A patch: one policy's answer. `inside`: every target is writable. `outside`: one is not. `removes`: it is
    outside, and the patch deletes or moves such a file."""

    inside: Verdict
    outside: Verdict
    removes: Verdict


PATCHES: Mapping[Row, PatchColumns] = {
    #                             inside  outside    removes
    "never":        PatchColumns("run",  "refuse",  "refuse"),
    "on-request":   PatchColumns("run",  "ask",     "ask"),
    "granular":     PatchColumns("run",  "ask",     "ask"),
    "granular-off": PatchColumns("run",  "refuse",  "refuse"),
    "on-failure":   PatchColumns("run",  "ask",     "ask"),
    "untrusted":    PatchColumns("ask",  "ask",     "ask"),
    "permissive":   PatchColumns("run",  "outside", "ask"),
}
# fmt: on


@attrs.frozen
class CommandFacts:
    """What decides about a command.

    `rule`: the strictest decision of the rules that match, or None. `allowed`: rules allow every part of it.
    `dangerous`: a part that no rule knows forces a removal.
    """

    escalated: bool = False
    rule: RuleDecision | None = None
    allowed: bool = False
    dangerous: bool = False


def row_of(policy: OnePolicy, *, rules: bool = False) -> Row:
    """The row of a policy; `rules`: in the table of rules."""
    if not isinstance(policy, Granular):
        return policy
    return "granular" if (policy.rules if rules else policy.sandbox_approval) else "granular-off"


def decide(policy: ApprovalPolicy, sandbox: SandboxPolicy, facts: CommandFacts) -> Verdict:
    """What to do with a command. The strictest of what its parts ask for: refuse, ask, run, outside."""
    return _strictest(policy, [_decide(one, sandbox, facts) for one in policies_of(policy)])


def _decide(policy: OnePolicy, sandbox: SandboxPolicy, facts: CommandFacts) -> Verdict:
    confined = sandbox.mode != "danger-full-access"
    by_rule = RULES[row_of(policy, rules=True)]
    if facts.allowed:
        return by_rule["allow"]
    columns = COMMANDS[row_of(policy)]
    verdict = columns.plain if confined else columns.unconfined
    if confined and facts.escalated:
        verdict = columns.escalated
    if facts.dangerous:
        verdict = _stricter(verdict, columns.dangerous)
    if facts.rule in ("prompt", "forbidden"):
        verdict = _stricter(verdict, by_rule[facts.rule])
    return verdict


def after_denial(policy: ApprovalPolicy) -> Verdict:
    """What to do once the sandbox has stopped a command that was not asked about: outside, ask, or refuse."""
    return _strictest(policy, [COMMANDS[row_of(one)].denied for one in policies_of(policy)])


def decide_patch(policy: ApprovalPolicy, *, inside: bool, removes: bool) -> Verdict:
    """What to do with a patch that was verified."""
    all_columns = [PATCHES[row_of(one)] for one in policies_of(policy)]
    return _strictest(
        policy, [each.inside if inside else each.removes if removes else each.outside for each in all_columns]
    )


_STRICTNESS: Mapping[Verdict, int] = {"outside": 0, "run": 1, "ask": 2, "refuse": 3}


def _strictest(policy: ApprovalPolicy, verdicts: Sequence[Verdict]) -> Verdict:
    """What several policies say together: where one of them lets nobody be asked, a question is a refusal."""
    verdict = max(verdicts, key=_STRICTNESS.__getitem__)
    silent = len(verdicts) > 1 and any(row_of(one) in ("never", "granular-off") for one in policies_of(policy))
    return "refuse" if silent and verdict == "ask" else verdict


def _stricter(one: Verdict, two: Verdict) -> Verdict:
    return one if _STRICTNESS[one] >= _STRICTNESS[two] else two
