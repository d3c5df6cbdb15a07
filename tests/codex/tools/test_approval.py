"""The table of approval policies, row by row."""

import pytest

from codex.protocol.permission import SandboxPolicy
from codex.tools.approval import decide, forced_removal, rejected

RESTRICTED, FULL = SandboxPolicy("read-only"), SandboxPolicy("danger-full-access")


@pytest.mark.parametrize(
    ("policy", "plain", "dangerous", "escalated"),
    [
        ("never", "run", "refuse", "refuse"),
        ("on-request", "run", "ask", "ask"),
        ("on-failure", "run", "ask", "run_outside"),
        ("untrusted", "ask", "ask", "ask"),
    ],
)
def test_each_policy_decides_as_its_row_says(policy, plain, dangerous, escalated) -> None:
    assert decide(policy, RESTRICTED, escalated=False) == plain
    assert decide(policy, RESTRICTED, escalated=False, dangerous=True) == dangerous
    assert decide(policy, RESTRICTED, escalated=True) == escalated


@pytest.mark.parametrize("policy", ["never", "on-request", "on-failure"])
def test_there_is_nothing_to_escalate_from_full_access(policy) -> None:
    assert decide(policy, FULL, escalated=True) == "run"


def test_a_forced_removal_is_refused_even_with_full_access_when_nobody_can_be_asked() -> None:
    assert decide("never", FULL, escalated=False, dangerous=True) == "refuse"


def test_a_rejection_reads_as_models_know_it() -> None:
    assert rejected(forced_removal("/bin/bash -c 'rm -f x'")) == (
        "exec_command failed: CreateProcess { message: \"Rejected(\\\"`/bin/bash -c 'rm -f x'` rejected: "
        'rm -f style commands are not permitted. Use a safer approach\\")" }'
    )
