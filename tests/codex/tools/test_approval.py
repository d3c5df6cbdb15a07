"""The tables of approval policies, row by row: what each policy does with each kind of action."""

import pytest

from codex.protocol.approval import Denied, TimedOut
from codex.protocol.permission import ApprovalPolicy, Granular, SandboxPolicy
from codex.tools.approval import CommandFacts, after_denial, decide, decide_patch
from codex.tools.refusals import forced_removal, refusal_of_patch, refused_escalation, rejected, why_not

READ_ONLY, WORKSPACE, FULL = (SandboxPolicy(mode) for mode in ("read-only", "workspace-write", "danger-full-access"))
ASKS = Granular(sandbox_approval=True, rules=True)
ASKS_RULES_ONLY = Granular(sandbox_approval=False, rules=True)
ASKS_SANDBOX_ONLY = Granular(sandbox_approval=True, rules=False)
ASKS_NOTHING = Granular(sandbox_approval=False, rules=False)

PLAIN = CommandFacts()
ESCALATED = CommandFacts(escalated=True)
DANGEROUS = CommandFacts(dangerous=True)
BOTH = CommandFacts(escalated=True, dangerous=True)
ALLOWED = CommandFacts(rule="allow", allowed=True)
PARTLY_ALLOWED = CommandFacts(rule="allow")
PARTLY_DANGEROUS = CommandFacts(rule="allow", dangerous=True)
PROMPT = CommandFacts(rule="prompt")
PROMPT_ESCALATED = CommandFacts(rule="prompt", escalated=True)
FORBIDDEN = CommandFacts(rule="forbidden")
FORBIDDEN_ESCALATED = CommandFacts(rule="forbidden", escalated=True)

# policy, facts, restricted sandbox, full access
COMMANDS: list[tuple[ApprovalPolicy, CommandFacts, str, str]] = [
    ("never", PLAIN, "run", "outside"),
    ("never", ESCALATED, "refuse", "outside"),
    ("never", DANGEROUS, "refuse", "refuse"),
    ("never", BOTH, "refuse", "refuse"),
    ("never", ALLOWED, "outside", "outside"),
    ("never", PARTLY_ALLOWED, "run", "outside"),
    ("never", PARTLY_DANGEROUS, "refuse", "refuse"),
    ("never", PROMPT, "refuse", "refuse"),
    ("never", FORBIDDEN, "refuse", "refuse"),
    ("on-request", PLAIN, "run", "outside"),
    ("on-request", ESCALATED, "ask", "outside"),
    ("on-request", DANGEROUS, "ask", "ask"),
    ("on-request", ALLOWED, "outside", "outside"),
    ("on-request", PARTLY_ALLOWED, "run", "outside"),
    ("on-request", PROMPT, "ask", "ask"),
    ("on-request", PROMPT_ESCALATED, "ask", "ask"),
    ("on-request", FORBIDDEN, "refuse", "refuse"),
    ("on-request", FORBIDDEN_ESCALATED, "refuse", "refuse"),
    ("on-failure", PLAIN, "run", "outside"),
    ("on-failure", ESCALATED, "outside", "outside"),
    ("on-failure", DANGEROUS, "ask", "ask"),
    ("on-failure", BOTH, "ask", "ask"),
    ("on-failure", ALLOWED, "outside", "outside"),
    ("on-failure", PROMPT, "ask", "ask"),
    ("on-failure", PROMPT_ESCALATED, "ask", "ask"),
    ("on-failure", FORBIDDEN_ESCALATED, "refuse", "refuse"),
    ("untrusted", PLAIN, "ask", "ask"),
    ("untrusted", ESCALATED, "ask", "ask"),
    ("untrusted", DANGEROUS, "ask", "ask"),
    ("untrusted", ALLOWED, "outside", "outside"),
    ("untrusted", PARTLY_ALLOWED, "ask", "ask"),
    ("untrusted", PROMPT, "ask", "ask"),
    ("untrusted", FORBIDDEN, "refuse", "refuse"),
    ("permissive", PLAIN, "run", "outside"),
    ("permissive", ESCALATED, "outside", "outside"),
    ("permissive", DANGEROUS, "ask", "ask"),
    ("permissive", BOTH, "ask", "ask"),
    ("permissive", ALLOWED, "outside", "outside"),
    ("permissive", PROMPT, "ask", "ask"),
    ("permissive", FORBIDDEN, "refuse", "refuse"),
    (ASKS, PLAIN, "run", "outside"),
    (ASKS, ESCALATED, "ask", "outside"),
    (ASKS, DANGEROUS, "ask", "ask"),
    (ASKS, ALLOWED, "outside", "outside"),
    (ASKS, PROMPT, "ask", "ask"),
    (ASKS, FORBIDDEN, "refuse", "refuse"),
    (ASKS_RULES_ONLY, PLAIN, "run", "outside"),
    (ASKS_RULES_ONLY, ESCALATED, "refuse", "outside"),
    (ASKS_RULES_ONLY, DANGEROUS, "refuse", "refuse"),
    (ASKS_RULES_ONLY, ALLOWED, "outside", "outside"),
    (ASKS_RULES_ONLY, PROMPT, "ask", "ask"),
    (ASKS_RULES_ONLY, PROMPT_ESCALATED, "refuse", "ask"),
    (ASKS_RULES_ONLY, FORBIDDEN, "refuse", "refuse"),
    (ASKS_SANDBOX_ONLY, ESCALATED, "ask", "outside"),
    (ASKS_SANDBOX_ONLY, ALLOWED, "outside", "outside"),
    (ASKS_SANDBOX_ONLY, PROMPT, "refuse", "refuse"),
    (ASKS_SANDBOX_ONLY, FORBIDDEN, "refuse", "refuse"),
    (ASKS_NOTHING, PLAIN, "run", "outside"),
    (ASKS_NOTHING, ESCALATED, "refuse", "outside"),
    (ASKS_NOTHING, PROMPT, "refuse", "refuse"),
]


@pytest.mark.parametrize(("policy", "facts", "restricted", "full"), COMMANDS)
def test_each_policy_decides_about_each_kind_of_command(
    policy: ApprovalPolicy, facts: CommandFacts, restricted: str, full: str
) -> None:
    assert decide(policy, READ_ONLY, facts) == restricted
    assert decide(policy, WORKSPACE, facts) == restricted
    assert decide(policy, FULL, facts) == full


@pytest.mark.parametrize(
    ("policy", "then"),
    [
        ("never", "refuse"),
        ("on-request", "refuse"),
        ("on-failure", "ask"),
        ("untrusted", "ask"),
        ("permissive", "outside"),
        (ASKS, "ask"),
        (ASKS_SANDBOX_ONLY, "ask"),
        (ASKS_RULES_ONLY, "refuse"),
        (ASKS_NOTHING, "refuse"),
    ],
)
def test_each_policy_says_what_follows_when_the_sandbox_stops_a_command(policy: ApprovalPolicy, then: str) -> None:
    assert after_denial(policy) == then


@pytest.mark.parametrize(
    ("policy", "inside", "outside", "removes"),
    [
        ("never", "run", "refuse", "refuse"),
        ("on-request", "run", "ask", "ask"),
        ("on-failure", "run", "ask", "ask"),
        ("untrusted", "ask", "ask", "ask"),
        ("permissive", "run", "outside", "ask"),
        (ASKS, "run", "ask", "ask"),
        (ASKS_SANDBOX_ONLY, "run", "ask", "ask"),
        (ASKS_RULES_ONLY, "run", "refuse", "refuse"),
        (ASKS_NOTHING, "run", "refuse", "refuse"),
    ],
)
def test_each_policy_decides_about_each_kind_of_patch(
    policy: ApprovalPolicy, inside: str, outside: str, removes: str
) -> None:
    assert decide_patch(policy, inside=True, removes=False) == inside
    assert decide_patch(policy, inside=False, removes=False) == outside
    assert decide_patch(policy, inside=False, removes=True) == removes


def test_a_rejection_reads_as_models_know_it() -> None:
    assert rejected(forced_removal("/bin/bash -c 'rm -f x'")) == (
        "exec_command failed: CreateProcess { message: \"Rejected(\\\"`/bin/bash -c 'rm -f x'` rejected: "
        'rm -f style commands are not permitted. Use a safer approach\\")" }'
    )
    assert rejected(why_not(Denied())) == (
        'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
    )
    assert refusal_of_patch(Denied()) == "patch rejected by user"
    assert refused_escalation("never") == (
        "approval policy is Never; reject command — "
        "you cannot ask for escalated permissions if the approval policy is Never"
    )


def test_the_model_is_told_the_users_reason_and_that_silence_was_no_persons_no() -> None:
    assert why_not(Denied("use the test database")) == "rejected by user: use the test database"
    assert why_not(TimedOut()).startswith("nobody answered in time, which counts as no")
    assert refusal_of_patch(TimedOut()).startswith("patch rejected: nobody answered in time")
