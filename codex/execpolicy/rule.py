"""What rules are, and what an evaluation of a command says.  Data only."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs

from codex.execpolicy.dangerous import is_dangerous

Decision: TypeAlias = Literal["allow", "prompt", "forbidden"]
Protocol: TypeAlias = Literal["http", "https", "socks5_tcp", "socks5_udp"]
Words: TypeAlias = tuple[str, ...]

DECISIONS: tuple[Decision, ...] = ("allow", "prompt", "forbidden")
"""From the most lenient to the strictest."""


def strictest(decisions: Sequence[Decision]) -> Decision | None:
    """The decision that wins; None if there is none."""
    for decision in reversed(DECISIONS):
        if decision in decisions:
            return decision
    return None


@attrs.frozen
class PrefixRule:
    """A decision about every command that starts with `pattern`: for each word the alternatives it may be.

    Args:
      any_case: the case of letters does not count (`canonical_matching` in Codex's files).
    """

    pattern: tuple[Words, ...]
    decision: Decision = "allow"
    justification: str | None = None
    any_case: bool = False


@attrs.frozen
class NetworkRule:
    """A decision about connections to one host, spelled as `normalize_host` does."""

    host: str
    protocol: Protocol
    decision: Decision
    justification: str | None = None


@attrs.frozen
class PrefixMatch:
    """A rule that matched: the command's own words, and the path of the program when only its name was in the rule.

    Args:
      vouched: the program is what the rule names, or one of the paths that a `host_executable` lists; a path that
        merely ends in the name could be anybody's file.
    """

    prefix: Words
    decision: Decision
    program: str | None = None
    justification: str | None = None
    vouched: bool = True


@attrs.frozen
class NetworkMatch:
    """The strictest rule about a host and protocol."""

    decision: Decision
    justification: str | None = None


@attrs.frozen
class Segment:
    """One command of those a shell script runs, or the whole command; `decision` is None when no rule matched."""

    argv: Words
    matches: tuple[PrefixMatch, ...] = ()
    decision: Decision | None = None

    @property
    def dangerous(self) -> bool:
        """Whether no rule speaks for it and it destroys without asking."""
        return self.decision is None and is_dangerous(self.argv)

    @property
    def destructive(self) -> bool:
        """Whether no rule speaks for it and it destroys something for good."""
        from codex.execpolicy.destructive import is_destructive

        return self.decision is None and is_destructive(self.argv)


@attrs.frozen
class Evaluation:
    """What the rules say about one command.

    Args:
      decision: the strictest one of all segments; None when no rule matched any.
      justification: of the longest prefix with that decision that has one.
      all_allowed: every segment is allowed by a rule that vouches for its program, so no sandbox is needed.
    """

    segments: tuple[Segment, ...]
    decision: Decision | None = None
    justification: str | None = None
    all_allowed: bool = False

    @property
    def matches(self) -> tuple[PrefixMatch, ...]:
        """Every rule that matched, in the order of the segments."""
        return tuple(match for segment in self.segments for match in segment.matches)

    @property
    def dangerous(self) -> bool:
        """Whether some segment that no rule speaks for destroys without asking."""
        return any(segment.dangerous for segment in self.segments)

    @property
    def destructive(self) -> bool:
        """Whether some segment that no rule speaks for destroys something for good."""
        return any(segment.destructive for segment in self.segments)
