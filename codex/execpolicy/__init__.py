"""What may run: rules about commands and hosts, in Codex's `*.rules` files, and what destroys without asking.

`load_rules` reads the files of every layer, `Rules.evaluate` says what they decide about one command; who is asked and
what runs without a rule is decided by the approvals. Each name is loaded when it is first used: ask `rules_files`
whether there are any before `load_rules`, and a start without rules loads none of this.
"""

from typing import TYPE_CHECKING

from codex.execpolicy.dangerous import is_dangerous
from codex.execpolicy.files import rules_files

if TYPE_CHECKING:
    from codex.execpolicy.amend import DEFAULT_FILE, append_network_rule, append_prefix_rule, propose_prefix
    from codex.execpolicy.decide import NO_RULES, Rules
    from codex.execpolicy.destructive import is_destructive
    from codex.execpolicy.errors import AmendError, Fault, RulesError
    from codex.execpolicy.load import load_files, load_rules
    from codex.execpolicy.parse import parse_rules
    from codex.execpolicy.requirements import read_requirements
    from codex.execpolicy.rule import (
        Decision,
        Evaluation,
        NetworkMatch,
        NetworkRule,
        PrefixMatch,
        PrefixRule,
        Segment,
        strictest,
    )

__all__ = [
    "DEFAULT_FILE",
    "NO_RULES",
    "AmendError",
    "Decision",
    "Evaluation",
    "Fault",
    "NetworkMatch",
    "NetworkRule",
    "PrefixMatch",
    "PrefixRule",
    "Rules",
    "RulesError",
    "Segment",
    "append_network_rule",
    "append_prefix_rule",
    "is_dangerous",
    "is_destructive",
    "load_files",
    "load_rules",
    "parse_rules",
    "propose_prefix",
    "read_requirements",
    "rules_files",
    "strictest",
]

_HOMES = {
    "DEFAULT_FILE": "amend",
    "NO_RULES": "decide",
    "AmendError": "errors",
    "is_destructive": "destructive",
    "Decision": "rule",
    "Evaluation": "rule",
    "Fault": "errors",
    "NetworkMatch": "rule",
    "NetworkRule": "rule",
    "PrefixMatch": "rule",
    "PrefixRule": "rule",
    "Rules": "decide",
    "RulesError": "errors",
    "Segment": "rule",
    "append_network_rule": "amend",
    "append_prefix_rule": "amend",
    "load_files": "load",
    "load_rules": "load",
    "parse_rules": "parse",
    "propose_prefix": "amend",
    "read_requirements": "requirements",
    "strictest": "rule",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
