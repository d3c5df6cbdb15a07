"""What the functions of rules files mean: `prefix_rule`, `host_executable`, `network_rule`.  Pure.

A `Draft` gathers the rules of several files. A call that is wrong raises and adds nothing. Examples are checked at the
end of each file, with the `host_executable` calls made so far.
"""

import shlex
from collections.abc import Iterator, Sequence

import attrs

from codex.base.shell_words import split_words
from codex.base.suggest import did_you_mean
from codex.execpolicy._arguments import Argument, Bound, Value, kind_of
from codex.execpolicy._tokens import Problem, Token
from codex.execpolicy.decide import Rules, clean_path
from codex.execpolicy.hosts import normalize_host, read_protocol
from codex.execpolicy.rule import DECISIONS, Decision, NetworkRule, PrefixRule, Words


@attrs.frozen
class _Examples:
    """What a rule shall match, and what it shall not."""

    rule: PrefixRule
    match: list[Words]
    not_match: list[Words]
    call: Bound


class Draft:
    """The rules of the calls made so far."""

    def __init__(self) -> None:
        self._prefix_rules: list[PrefixRule] = []
        self._host_executables: dict[str, tuple[str, ...]] = {}
        self._network_rules: list[NetworkRule] = []
        self._examples: list[_Examples] = []

    def call(self, function: Token, arguments: Sequence[Argument]) -> None:
        """Do one call.

        Raises:
          Problem: at the argument that is wrong, or at the function.
        """
        call = Bound(function, arguments)
        if function.text == "prefix_rule":
            self._prefix_rule(call)
        elif function.text == "host_executable":
            self._host_executable(call)
        else:
            self._network_rule(call)

    def rules(self) -> Rules:
        """The rules, in the order of the calls."""
        return Rules(self._prefix_rules, host_executables=self._host_executables, network_rules=self._network_rules)

    def check_examples(self) -> Iterator[Problem]:
        """What is wrong with the examples since the last check; each is tried on its own rule alone."""
        examples, self._examples = self._examples, []
        for entry in examples:
            alone = Rules([entry.rule], host_executables=self._host_executables)
            for words in entry.match:
                if not alone.matches(words):
                    yield entry.call.problem("match", f"the rule does not match its example {shlex.join(words)!r}")
            for words in entry.not_match:
                if alone.matches(words):
                    yield entry.call.problem("not_match", f"the rule matches {shlex.join(words)!r}, which it must not")

    def _prefix_rule(self, call: Bound) -> None:
        pattern = tuple(_alternatives(call, value) for value in call.values("pattern"))
        if not pattern:
            raise call.problem("pattern", "the pattern is empty; it needs the first word of a command at least")
        rule = PrefixRule(pattern, _decision(call), _justification(call), call.flag("canonical_matching"))
        examples = _Examples(rule, _examples(call, "match"), _examples(call, "not_match"), call)
        self._prefix_rules.append(rule)
        self._examples.append(examples)

    def _host_executable(self, call: Bound) -> None:
        name = call.text("name")
        if not name or "/" in name or name in (".", ".."):
            raise call.problem("name", f"the name {name!r} must be that of a program, without a directory")
        paths: list[str] = []
        for value in call.values("paths"):
            if not isinstance(value, str):
                raise call.problem("paths", f"a path must be a string, not {kind_of(value)}")
            if not value.startswith("/"):
                raise call.problem("paths", f"the path {value!r} must be absolute: start with '/'")
            path = clean_path(value)
            if path.rpartition("/")[2] != name:
                raise call.problem("paths", f"the path {value!r} must end in {name!r}, the name of the program")
            if path not in paths:
                paths.append(path)
        self._host_executables[name] = tuple(paths)

    def _network_rule(self, call: Bound) -> None:
        parameter = "protocol"
        try:
            protocol = read_protocol(call.text("protocol") or "")
            parameter = "host"
            host = normalize_host(call.text("host") or "")
        except ValueError as error:
            raise call.problem(parameter, str(error)) from error
        decision = "forbidden" if call.text("decision") == "deny" else _decision(call, "deny")
        self._network_rules.append(NetworkRule(host, protocol, decision, _justification(call)))


def _decision(call: Bound, *also: str) -> Decision:
    text = call.text("decision")
    if text is None:
        return "allow"
    for decision in DECISIONS:
        if text == decision:
            return decision
    known = [*DECISIONS, *also]
    hint = did_you_mean(text, known) or f"; there are: {', '.join(known)}"
    raise call.problem("decision", f"no decision {text!r}{hint}")


def _justification(call: Bound) -> str | None:
    text = call.text("justification")
    if text is not None and not text.strip():
        raise call.problem("justification", "the justification is empty; write one or leave it out")
    return text


def _alternatives(call: Bound, value: Value) -> Words:
    """What one element of a pattern allows."""
    words = value if isinstance(value, list) else [value]
    if not words:
        raise call.problem("pattern", "a list of alternatives is empty")
    return tuple(_word(call, "pattern", word) for word in words)


def _examples(call: Bound, parameter: str) -> list[Words]:
    return [_example(call, parameter, value) for value in call.values(parameter)]


def _example(call: Bound, parameter: str, value: Value) -> Words:
    if isinstance(value, list):
        words = tuple(_word(call, parameter, word) for word in value)
    else:
        text = _word(call, parameter, value)
        split = split_words(text)
        if split is None:
            raise call.problem(parameter, f"the example {text!r} ends inside of quotes or behind a backslash")
        words = tuple(split)
    if not words:
        raise call.problem(parameter, "an example is empty; it needs one word at least")
    return words


def _word(call: Bound, parameter: str, value: Value) -> str:
    if not isinstance(value, str):
        raise call.problem(parameter, f"a word must be a string, not {kind_of(value)}")
    return value
