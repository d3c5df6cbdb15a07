"""Decides about commands and connections by the rules.  Pure.

    command --split when that is certain--> segments --rules by the first word--> matches --the strictest--> decision

A segment is matched by the rules on its first word. Only when none of them matches, and the word is an absolute path,
the rules on its base name are tried: a `host_executable` says which paths may stand for the name.
Not decided here: what happens to a command without a rule, and whether anybody is asked (approvals).
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from codex.base.shell_words import split_script
from codex.execpolicy.hosts import normalize_host, read_protocol
from codex.execpolicy.rule import (
    Evaluation,
    NetworkMatch,
    NetworkRule,
    PrefixMatch,
    PrefixRule,
    Segment,
    Words,
    strictest,
)

MAX_SHOWN_PREFIXES = 100
MAX_SHOWN_BYTES = 5_000


class Rules:
    """The rules in force; immutable, so it may be shared, and a change makes another one."""

    __slots__ = ("_any_case", "_index", "host_executables", "network_rules", "prefix_rules")

    def __init__(
        self,
        prefix_rules: Iterable[PrefixRule] = (),
        *,
        host_executables: Mapping[str, Sequence[str]] | None = None,
        network_rules: Iterable[NetworkRule] = (),
    ) -> None:
        self.prefix_rules = tuple(prefix_rules)
        self.network_rules = tuple(network_rules)
        self.host_executables = {name: tuple(paths) for name, paths in (host_executables or {}).items()}
        # By the first two words, or by the first one where the rule has no second word or any case will do.
        self._index: dict[Words, list[tuple[int, PrefixRule]]] = {}
        self._any_case: dict[str, list[tuple[str, PrefixRule]]] = {}
        for order, rule in enumerate(self.prefix_rules):
            second = () if rule.any_case or len(rule.pattern) == 1 else dict.fromkeys(rule.pattern[1])
            for word in rule.pattern[0]:
                for key in [(word, behind) for behind in second] or [(word,)]:
                    self._index.setdefault(key, []).append((order, rule))
                if rule.any_case:
                    self._any_case.setdefault(word.casefold(), []).append((word, rule))

    def __bool__(self) -> bool:
        return bool(self.prefix_rules or self.network_rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and (self.prefix_rules, self.network_rules, self.host_executables) == (
            other.prefix_rules,
            other.network_rules,
            other.host_executables,
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]  compared, never a key

    def __repr__(self) -> str:
        return f"Rules({len(self.prefix_rules)} prefix rules, {len(self.network_rules)} network rules)"

    def evaluate(self, argv: Sequence[str], *, resolve_host_executables: bool = True) -> Evaluation:
        """What the rules say about a command: the segments of its script if it splits, else itself."""
        commands = split_script(argv) or [tuple(argv)]
        return _judge([self._segment(words, resolve=resolve_host_executables) for words in commands])

    def matches(
        self, argv: Sequence[str], *, resolve_host_executables: bool = True, cwd: str | None = None
    ) -> tuple[PrefixMatch, ...]:
        """The rules that match a command as it stands, not split; in `cwd` a relative program is resolved."""
        words = tuple(argv)
        if not words:
            return ()
        found = self._matches_as(words[0], words)
        if found or not resolve_host_executables:
            return found
        path = words[0] if cwd is None else os.path.join(cwd, words[0])
        if not path.startswith("/"):
            return ()
        program = clean_path(path)
        name = os.path.basename(program)
        allowed = self.host_executables.get(name)
        if not name or (allowed is not None and program not in allowed):
            return ()
        return self._matches_as(name, words, program=program, vouched=allowed is not None)

    def network(self, host: str, protocol: str) -> NetworkMatch | None:
        """The strictest rule about connections to a host; None when there is none, or it is no host's name."""
        if not self.network_rules:
            return None
        try:
            wanted = (normalize_host(host), read_protocol(protocol))
        except ValueError:
            return None
        found = [rule for rule in self.network_rules if (rule.host, rule.protocol) == wanted]
        decision = strictest([rule.decision for rule in found])
        if decision is None:
            return None
        reasons = (rule.justification for rule in found if rule.decision == decision)
        return NetworkMatch(decision, next((reason for reason in reasons if reason), None))

    def allowed_prefixes(
        self, *, max_entries: int = MAX_SHOWN_PREFIXES, max_bytes: int = MAX_SHOWN_BYTES
    ) -> tuple[str, ...]:
        """The patterns that are allowed, as lists in JSON, the shortest first; what does not fit is left out."""
        patterns = {rule.pattern for rule in self.prefix_rules if rule.decision == "allow"}
        shown = sorted((len(pattern), _shown(pattern)) for pattern in patterns)
        kept: list[str] = []
        for _, text in sorted(shown, key=lambda entry: (entry[0], len(entry[1]), entry[1])):
            max_bytes -= len(text.encode("utf-8", "surrogateescape")) + 1
            if len(kept) == max_entries or max_bytes < 0:
                break
            kept.append(text)
        return tuple(kept)

    def with_prefix(self, prefix: Sequence[str]) -> "Rules":
        """These rules, and commands that start with `prefix` are allowed."""
        rule = PrefixRule(tuple((word,) for word in prefix))
        return self.overlaid_with(Rules([rule]))

    def overlaid_with(self, other: "Rules") -> "Rules":
        """Both together; a program both name as `host_executable` keeps the paths of `other`."""
        return Rules(
            (*self.prefix_rules, *other.prefix_rules),
            host_executables={**self.host_executables, **other.host_executables},
            network_rules=(*self.network_rules, *other.network_rules),
        )

    def _segment(self, words: Words, *, resolve: bool) -> Segment:
        matches = self.matches(words, resolve_host_executables=resolve)
        return Segment(words, matches, strictest([match.decision for match in matches]) if matches else None)

    def _matches_as(
        self, name: str, words: Words, *, program: str | None = None, vouched: bool = True
    ) -> tuple[PrefixMatch, ...]:
        rules = self._candidates(name, words)
        if self._any_case:
            rules += [rule for word, rule in self._any_case.get(name.casefold(), ()) if word != name]
        fitting = [rule for rule in rules if _fits(rule, words)]
        if not fitting:
            return ()
        shown = words if program is None else (name, *words[1:])
        return tuple(
            [
                PrefixMatch(shown[: len(rule.pattern)], rule.decision, program, rule.justification, vouched)
                for rule in fitting
            ]
        )

    def _candidates(self, name: str, words: Words) -> list[PrefixRule]:
        """The rules on the first word, and on the second one if they have it, in their order."""
        found = self._index.get((name,), [])
        narrow = self._index.get((name, words[1]), []) if len(words) > 1 else []
        if found and narrow:
            return [rule for _, rule in sorted([*found, *narrow], key=itemgetter(0))]
        return [rule for _, rule in found or narrow]


NO_RULES = Rules()
"""No rules at all: nothing matches."""


def clean_path(path: str) -> str:
    """An absolute path without `.`, `..`, double and trailing slashes; links are not followed."""
    return "/" + os.path.normpath(path).lstrip("/")


def _fits(rule: PrefixRule, words: Words) -> bool:
    """Whether the words behind the first one are those of the pattern."""
    pattern = rule.pattern
    if len(words) < len(pattern):
        return False
    for index in range(1, len(pattern)):
        word, alternatives = words[index], pattern[index]
        if word in alternatives:
            continue
        if not rule.any_case or word.casefold() not in [alternative.casefold() for alternative in alternatives]:
            return False
    return True


def _judge(segments: list[Segment]) -> Evaluation:
    decision = strictest([segment.decision for segment in segments if segment.decision is not None])
    if decision is None:
        return Evaluation(tuple(segments))
    deciding = [match for segment in segments for match in segment.matches if match.decision == decision]
    said = [match for match in deciding if match.justification]
    reason = max(said, key=lambda match: len(match.prefix)).justification if said else None
    trusted = all(
        segment.decision == "allow" and any(match.vouched for match in segment.matches) for segment in segments
    )
    return Evaluation(tuple(segments), decision, reason, trusted)


def _shown(pattern: tuple[Words, ...]) -> str:
    words = [words[0] if len(words) == 1 else list(words) for words in pattern]
    return json.dumps(words, ensure_ascii=False)
