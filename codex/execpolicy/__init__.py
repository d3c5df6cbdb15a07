"""Which commands are refused or asked about, by what they are; a rule language comes with the approvals."""

from codex.execpolicy.dangerous import is_dangerous

__all__ = ["is_dangerous"]
