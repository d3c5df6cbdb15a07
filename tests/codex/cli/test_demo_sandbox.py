"""What the demo does where a machine has less than the full sandbox."""

import pytest

from codex.base.errors import UserError
from codex.cli.demo_sandbox import SandboxChoice, choose_sandbox
from codex.sandbox import Capabilities, describe

FULL = Capabilities("linux", "x86_64", "", fresh_proc=True, landlock_abi=6, seccomp=True, uid=1000)
LESS = Capabilities("linux", "x86_64", "EPERM", landlock_abi=6, seccomp=True, uid=1000)
NONE = Capabilities("linux", "x86_64", "EPERM")


def test_the_full_sandbox_needs_no_words() -> None:
    assert choose_sandbox(describe(FULL), no_sandbox=False) == SandboxChoice("workspace-write")


def test_a_weaker_sandbox_is_told_with_the_remedy_and_used() -> None:
    choice = choose_sandbox(describe(LESS), no_sandbox=False)
    assert (choice.mode, choice.overrides) == ("workspace-write", ("sandbox_linux.allow_unprotected_git=true",))
    said = "\n".join(choice.notes)
    assert "cannot give the full sandbox" in said
    assert "What to do: for full protection, allow user namespaces" in said


def test_without_a_sandbox_nothing_runs_unless_the_user_says_so() -> None:
    with pytest.raises(UserError, match=r"no sandbox: .*--no-sandbox"):
        choose_sandbox(describe(NONE), no_sandbox=False)
    choice = choose_sandbox(describe(NONE), no_sandbox=True)
    assert choice.mode == "danger-full-access"
    assert "without a sandbox" in choice.notes[0]
