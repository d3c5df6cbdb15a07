"""The rules in force for one tree of agents. What is approved for good counts for all of it at once."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from codex.config.rules_directories import rules_directories
from codex.config.schema import Config

if TYPE_CHECKING:
    from codex.execpolicy import Evaluation, Rules


def read_rules(config: Config) -> "RuleBook":
    """The rules of all layers, and over them those of the machine's owner. Blocking, short.

    Raises:
      RulesError: with every fault of every file; then nothing may start.
    """
    from codex.execpolicy import load_rules, read_requirements

    rules = load_rules(rules_directories(config))
    if config.owner_rules_file:
        rules = rules.overlaid_with(read_requirements(config.owner_rules, config.owner_rules_file))
    return RuleBook(rules, "" if config.ignore_rules else config.codex_home)


class RuleBook:
    """What the rules say about commands; they are replaced as a whole when one is added.

    Args:
      codex_home: below it is the file that grows from answers; empty where none may be added.
    """

    def __init__(self, rules: "Rules | None" = None, codex_home: str = "") -> None:
        self._rules = rules
        self._codex_home = codex_home

    @property
    def allowed_prefixes(self) -> tuple[str, ...]:
        """The prefixes that are allowed, as the model is told of them: at most 100, and 5,000 bytes."""
        return self._rules.allowed_prefixes() if self._rules else ()

    def evaluate(self, argv: Sequence[str]) -> "Evaluation | None":
        """What the rules say about a command; None where there are none."""
        return self._rules.evaluate(argv) if self._rules else None

    def propose(self, argv: Sequence[str], requested: Sequence[str]) -> tuple[str, ...] | None:
        """The prefix that a yes for good would allow; None when there is none to offer.

        Args:
          requested: the one that the model asks for.
        """
        if not self._codex_home:
            return None
        from codex.execpolicy import NO_RULES, propose_prefix

        return propose_prefix(self._rules or NO_RULES, argv, requested)

    async def allow(self, prefix: Sequence[str]) -> None:
        """Allow commands that begin so, at once and from every later start on. Cancelled, it is done all the same.

        Raises:
          AmendError: it could not be kept in the file; it counts until the end of this tree.
        """
        from codex.execpolicy import DEFAULT_FILE, NO_RULES, append_prefix_rule

        self._rules = (self._rules or NO_RULES).with_prefix(prefix)
        await trio.to_thread.run_sync(append_prefix_rule, os.path.join(self._codex_home, DEFAULT_FILE), prefix)
