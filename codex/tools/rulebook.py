"""The rules in force for one tree of agents. What is approved for good counts for all of it at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex.config.rules_directories import rules_directories
from codex.config.schema import Config

if TYPE_CHECKING:
    from codex.execpolicy import Evaluation, Rules


def read_rules(config: Config) -> "RuleBook":
    """The rules of all layers. Blocking, short.

    Raises:
      RulesError: with every fault of every file; then nothing may start.
    """
    from codex.execpolicy import load_rules

    return RuleBook(load_rules(rules_directories(config)), config.codex_home)


class RuleBook:
    """What the rules say about commands; they are replaced as a whole when one is added."""

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
