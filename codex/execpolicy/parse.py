"""Reads the language of rules files: the part of Starlark in which rules are written.  Pure.

    file      = (newline | statement (";" statement)* [";"] newline)*
    statement = "pass" | NAME ("=" | "+=") sum | sum
    sum       = value ("+" value)*
    value     = STRING | NUMBER | True | False | None | NAME | list | "(" sum ")" | NAME "(" arguments ")"
    list      = "[" [sum ("," sum)* [","]] "]"
    arguments = [argument ("," argument)* [","]]          argument = [NAME "="] sum; positional ones first

Law: a text gives rules or faults, each with line and column, never both and never a crash. After a fault reading goes
on with the next statement, so all are told at once. Loops, functions, conditions, `load` and methods are refused.
"""

from collections.abc import Iterable, Iterator

from codex.base.suggest import did_you_mean
from codex.execpolicy._arguments import SIGNATURES, Argument, Value, kind_of
from codex.execpolicy._calls import Draft
from codex.execpolicy._tokens import Problem, Token, read_tokens
from codex.execpolicy.decide import Rules
from codex.execpolicy.errors import Fault, RulesError

MAX_LENGTH = 100_000
"""How many elements a list, and how many characters a string may grow to by `+`."""

_CONSTANTS: dict[str, Value] = {"True": True, "False": False, "None": None}
_WRITE_OUT = "write the rules out, or give alternatives: pattern=['git', ['push', 'pull']]"
_REFUSED = {
    "for": f"loops are not offered; {_WRITE_OUT}",
    "def": f"functions are not offered; {_WRITE_OUT}",
    "lambda": f"functions are not offered; {_WRITE_OUT}",
    "if": f"conditions are not offered; {_WRITE_OUT}",
    "load": "'load' is not offered; every *.rules file of a directory is read anyway",
}
_RESERVED = frozenset(
    "and as assert async await break class continue def del elif else except finally for from global if import in is"
    " lambda load nonlocal not or pass raise return try while with yield".split()
)


def parse_rules(files: Iterable[tuple[str, str]]) -> Rules:
    """The rules of several files, `(name, text)`, in their order; a `host_executable` counts behind its file too.

    Raises:
      RulesError: with every fault of every file.
    """
    draft, faults = Draft(), list[Fault]()
    for name, text in files:
        found = [*_Reader(text, draft).problems(), *draft.check_examples()]
        found.sort(key=lambda problem: (problem.line, problem.column))
        faults += [Fault(name, problem.line, problem.column, problem.problem) for problem in found]
    if faults:
        raise RulesError(faults)
    return draft.rules()


class _KnownBefore(Exception):
    """The statement needs a value whose fault has been told."""


class _Reader:
    """One file, statement by statement."""

    def __init__(self, text: str, draft: Draft) -> None:
        self._tokens, self._stopped = read_tokens(text)
        self._index = 0
        self._draft = draft
        self._names: dict[str, Value] = {}
        self._broken: set[str] = set()

    def problems(self) -> Iterator[Problem]:
        """Do every statement; yields what is wrong."""
        while self._token.kind != "end":
            try:
                if self._token.kind == "newline":
                    self._advance()
                else:
                    self._statement()
            except Problem as problem:
                yield problem
                self._leave_statement()
            except _KnownBefore:
                self._leave_statement()
        if self._stopped is not None:
            yield self._stopped

    @property
    def _token(self) -> Token:
        return self._tokens[self._index]

    def _at(self, symbol: str) -> bool:
        return self._token.kind == "symbol" and self._token.text == symbol

    def _advance(self) -> Token:
        """The token in hand; the next one is in hand now."""
        self._index += 1
        return self._tokens[self._index - 1]

    def _leave_statement(self) -> None:
        while self._token.kind not in ("newline", "end"):
            self._index += 1

    def _expect(self, symbol: str) -> None:
        if not self._at(symbol):
            raise self._unexpected(f"{symbol!r}")
        self._advance()

    def _unexpected(self, wanted: str) -> Problem:
        token, before = self._token, self._tokens[self._index - 1]
        problem = f"found {token}, expected {wanted}"
        if token.kind == "name" and token.text in _REFUSED:
            problem = _REFUSED[token.text]
        elif token.kind == "string" and before.kind == "string":
            problem = f"found {token} behind another string; a comma or a '+' is missing"
        elif token.kind == "string" and before.kind == "name" and before.text in ("f", "b", "R", "rb", "fr"):
            problem = f"strings with the prefix {before.text!r} are not offered; join strings with '+'"
        elif token.kind == "symbol" and token.text == ".":
            problem = "methods are not offered; join strings and lists with '+'"
        elif token.kind == "symbol" and token.text in "%*":
            problem = f"the operator {token.text!r} is not offered; join strings and lists with '+'"
        return Problem(problem, token.line, token.column)

    def _statement(self) -> None:
        first, second = self._token, self._tokens[self._index + 1]
        if first.kind == "name" and first.text == "pass":
            self._advance()
        elif first.kind == "name" and second.kind == "symbol" and second.text in ("=", "+="):
            self._assign(first)
        else:
            self._sum()
        if self._at(";"):
            self._advance()
        elif self._token.kind not in ("newline", "end"):
            raise self._unexpected("the end of the line")

    def _assign(self, name: Token) -> None:
        if name.text in _RESERVED or name.text in _CONSTANTS or name.text in SIGNATURES:
            raise Problem(f"{name.text!r} cannot be given another value; choose another name", name.line, name.column)
        self._advance()
        try:
            self._names[name.text] = self._new_value(name)
            self._broken.discard(name.text)
        except (Problem, _KnownBefore):
            self._names.pop(name.text, None)
            self._broken.add(name.text)
            raise

    def _new_value(self, name: Token) -> Value:
        operator = self._advance()
        if operator.text == "=":
            return self._sum()
        before = self._lookup(name)
        value = self._joined(before, self._sum(), operator)
        if isinstance(before, list) and isinstance(value, list):
            before[:] = value  # as in Starlark: the list itself grows, under every name it has
            return before
        return value

    def _sum(self) -> Value:
        total = self._value()
        while self._at("+"):
            plus = self._advance()
            total = self._joined(total, self._value(), plus)
        return total

    def _joined(self, left: Value, right: Value, plus: Token) -> Value:
        if isinstance(left, str) and isinstance(right, str):
            _check_length(len(left) + len(right), plus)
            return left + right
        if isinstance(left, list) and isinstance(right, list):
            _check_length(len(left) + len(right), plus)
            return [*left, *right]
        problem = f"'+' joins two strings or two lists, not {kind_of(left)} and {kind_of(right)}"
        raise Problem(problem, plus.line, plus.column)

    def _value(self) -> Value:
        token = self._token
        if token.kind == "string":
            return self._advance().text
        if token.kind == "number":
            return self._number(self._advance())
        if self._at("["):
            return self._list()
        if self._at("("):
            self._advance()
            value = self._sum()
            if self._at(","):
                raise Problem("tuples are not offered; write a list in [ ]", token.line, token.column)
            self._expect(")")
            return value
        if token.kind == "name" and token.text in _CONSTANTS:
            return _CONSTANTS[self._advance().text]
        if token.kind != "name" or token.text in _RESERVED:
            raise self._unexpected("a value")
        name = self._advance()
        return self._call(name) if self._at("(") else self._lookup(name)

    def _number(self, token: Token) -> int:
        if not token.text.isdigit() or len(token.text) > 9 or (token.text[0] == "0" and token.text != "0"):
            raise Problem(f"the number {token.text[:40]} is not offered here", token.line, token.column)
        return int(token.text)

    def _list(self) -> list[Value]:
        self._expect("[")
        values: list[Value] = []
        while not self._at("]"):
            values.append(self._sum())
            if not self._at("]"):
                self._expect_comma("]")
        self._advance()
        return values

    def _expect_comma(self, closing: str) -> None:
        if not self._at(","):
            raise self._unexpected(f"',' or {closing!r}")
        self._advance()

    def _lookup(self, name: Token) -> Value:
        if name.text in self._names:
            return self._names[name.text]
        if name.text in self._broken:
            raise _KnownBefore
        if self._token.kind == "string":
            raise self._unexpected("a value")
        if name.text in SIGNATURES:
            raise Problem(f"{name.text!r} is to be called: {name.text}(...)", name.line, name.column)
        raise self._no_such_name(name)

    def _no_such_name(self, name: Token) -> Problem:
        hint = did_you_mean(name.text, [*self._names, *SIGNATURES]) or "; text stands in quotes"
        return Problem(f"there is no {name.text!r}{hint}", name.line, name.column)

    def _call(self, name: Token) -> Value:
        if name.text not in SIGNATURES:
            if name.text in self._names:
                raise Problem(f"{name.text!r} is no function", name.line, name.column)
            hint = did_you_mean(name.text, SIGNATURES) or f"; there are: {', '.join(SIGNATURES)}"
            raise Problem(f"there is no function {name.text!r}{hint}", name.line, name.column)
        self._expect("(")
        arguments: list[Argument] = []
        while not self._at(")"):
            arguments.append(self._argument())
            if not self._at(")"):
                self._expect_comma(")")
        self._advance()
        self._draft.call(name, arguments)
        return None

    def _argument(self) -> Argument:
        token, behind = self._token, self._tokens[self._index + 1]
        name = ""
        if token.kind == "name" and behind.kind == "symbol" and behind.text == "=":
            name = token.text
            self._index += 2
        return Argument(name, self._sum(), token)


def _check_length(length: int, place: Token) -> None:
    if length > MAX_LENGTH:
        raise Problem(f"the result is longer than {MAX_LENGTH:,}", place.line, place.column)
