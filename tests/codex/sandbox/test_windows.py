"""What Windows would be asked for; nothing performs it."""

import pytest

from codex.ports.process import SandboxUnavailable
from codex.sandbox import Capabilities, select_level
from codex.sandbox.patterns import Pattern
from codex.sandbox.policy import Plan, Protected
from codex.sandbox.windows import (
    EVERYONE,
    JOB_LIMITS,
    LOGON,
    TOKEN_FLAGS,
    Entry,
    NotExpressible,
    WindowsRequest,
    windows_request,
)

SID = "S-1-15-3-42"


def test_the_plan_becomes_a_restricted_token_and_entries_with_denials_first() -> None:
    plan = Plan(
        "workspace-write",
        network=False,
        roots=("C:/w",),
        protected=(Protected("C:/w/.git", "directory"),),
        denied=("C:/w/secret",),
        readable=("C:/w/secret/open",),
    )
    assert windows_request(plan, SID) == WindowsRequest(
        SID,
        TOKEN_FLAGS,
        (SID, EVERYONE, LOGON),
        JOB_LIMITS,
        (
            Entry("C:/w/secret", SID, "deny", ("read", "write")),
            Entry("C:/w/.git", SID, "deny", ("write",)),
            Entry("C:/w", SID, "allow", ("read", "write")),
            Entry("C:/w/secret/open", SID, "allow", ("read",)),
        ),
        block_network=True,
    )
    assert windows_request(Plan("read-only", network=True), SID).entries == ()


def test_what_access_lists_cannot_say_is_not_asked_for() -> None:
    for plan in (
        Plan("workspace-write", network=False, patterns=(Pattern("/w/**/*.env"),)),
        Plan("workspace-write", network=False, closed=True),
    ):
        with pytest.raises(NotExpressible):
            windows_request(plan, SID)


def test_sandboxed_modes_refuse_on_windows_and_say_why() -> None:
    windows = Capabilities("win32", "AMD64")
    for mode in ("read-only", "workspace-write"):
        with pytest.raises(SandboxUnavailable, match=r"nobody has seen the sandbox for Windows hold.*use WSL"):
            select_level(mode, windows, allow_unprotected_git=True)
    assert select_level("danger-full-access", windows, allow_unprotected_git=False) == "none"
