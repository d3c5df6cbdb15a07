"""The words of a rules file.  Pure.

A newline ends a statement only outside of brackets; comments, blanks and joined lines (a backslash
at the end) are gone. Strings are as in Starlark: 'a', "a", three quotes over several lines, r'a' without escapes.
"""

import re
from typing import Literal, TypeAlias

import attrs

Kind: TypeAlias = Literal["name", "string", "number", "symbol", "newline", "end"]

MAX_NESTED = 64
"""How deep brackets may be nested."""

_TOKEN = re.compile(
    r'''(?P<blank>[ ]+|\\\r?\n|\#[^\n]*)
      | (?P<newline>\r?\n)
      | (?P<string>r?(?:"""(?:\\.|[^\\])*?"""
                      | \'\'\'(?:\\.|[^\\])*?\'\'\'
                      | "(?!"")(?:\\(?:\r\n|.)|[^"\\\n])*"
                      | '(?!\'\')(?:\\(?:\r\n|.)|[^'\\\n])*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9][A-Za-z0-9_.]*)
      | (?P<symbol>\+=|==|!=|<=|>=|//|[-+*/%=<>()\[\]{},;:.|&^~@])''',
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|\r\n|.)", re.DOTALL)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\n": "", "\r\n": ""}
_MAX_CODE_POINT = 0x10FFFF


@attrs.frozen
class Token:
    """One word and where it starts; the text of a string is what it stands for."""

    kind: Kind
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        if self.kind == "string":
            return f"the string {self.text[:40]!r}"
        return {"newline": "the end of the line", "end": "the end of the file"}.get(self.kind, repr(self.text[:40]))


class Problem(Exception):
    """Something is wrong at this place."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


def read_tokens(text: str) -> tuple[list[Token], Problem | None]:
    """The tokens of whole statements up to one `end`, and why reading stopped before the end of the text."""
    tokens: list[Token] = []
    try:
        _read(text, tokens)
        return tokens, None
    except Problem as problem:
        while tokens and tokens[-1].kind != "newline":
            tokens.pop()
        tokens.append(Token("end", "", problem.line, problem.column))
        return tokens, problem


def _read(text: str, tokens: list[Token]) -> None:
    line, line_start, position = 1, 0, 0
    brackets: list[Token] = []
    while position < len(text):
        found = _TOKEN.match(text, position)
        column = position - line_start + 1
        if found is None:
            raise Problem(_why_no_token(text, position), line, column)
        word = found.group()
        match found.lastgroup:
            case "symbol":
                tokens.append(Token("symbol", word, line, column))
                _nest(tokens[-1], brackets)
            case "string":
                tokens.append(Token("string", _value(word, line, column), line, column))
            case "newline" if not brackets:
                tokens.append(Token("newline", "", line, column))
            case "blank" if not tokens or tokens[-1].kind == "newline":
                _check_indentation(text, word, found.end(), line)
            case "name":
                tokens.append(Token("name", word, line, column))
            case "number":
                tokens.append(Token("number", word, line, column))
            case _:
                pass
        if "\n" in word:
            line, line_start = line + word.count("\n"), position + word.rfind("\n") + 1
        position = found.end()
    if brackets:
        opened = brackets[-1]
        raise Problem(f"{opened.text!r} is never closed", opened.line, opened.column)
    column = position - line_start + 1
    tokens += [Token("newline", "", line, column), Token("end", "", line, column)]


def _nest(token: Token, brackets: list[Token]) -> None:
    """Keep account of the brackets that are open."""
    if token.text in _CLOSES:
        if len(brackets) == MAX_NESTED:
            raise Problem(f"brackets are nested deeper than {MAX_NESTED}", token.line, token.column)
        brackets.append(token)
    elif token.text in _CLOSES.values():
        if not brackets:
            raise Problem(f"{token.text!r} closes nothing", token.line, token.column)
        opened = brackets.pop()
        if _CLOSES[opened.text] != token.text:
            place = f"line {opened.line}, column {opened.column}"
            raise Problem(f"{token.text!r} does not close the {opened.text!r} of {place}", token.line, token.column)


def _check_indentation(text: str, blank: str, end: int, line: int) -> None:
    """A statement starts in the first column; a blank line or a comment may start anywhere."""
    if blank[0] == " " and end < len(text) and text[end] not in "#\r\n\\":
        raise Problem("the line is indented; a statement starts in the first column", line, 1)


def _why_no_token(text: str, position: int) -> str:
    character = text[position]
    if character in "'\"":
        return "the string is never closed"
    if character == "\t":
        return "a tab stands outside of a string; use blanks"
    if character == "\ufeff":
        return "the file starts with a byte order mark; save it as UTF-8 without one"
    if character == "\\":
        return "a backslash may stand in a string, or at the end of a line"
    return f"the character {character!r} means nothing here; text stands in quotes"


def _value(literal: str, line: int, column: int) -> str:
    """What a string stands for."""
    text = literal.removeprefix("r")
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    text = text[quotes:-quotes].replace("\r\n", "\n")
    if literal[0] == "r" or "\\" not in text:
        return text

    def read(escape: re.Match[str]) -> str:
        code = escape[1]
        if code in _LETTERS:
            return _LETTERS[code]
        if code[0] in "xuU":
            number = int(code[1:] or "-1", 16)
        elif code[0] in "01234567":
            number = int(code, 8)
        else:
            return code if code in "\\'\"" else escape[0]  # as in Starlark: what is no escape stays as it is
        if not 0 <= number <= _MAX_CODE_POINT or 0xD800 <= number <= 0xDFFF:
            raise Problem(f"{escape[0]} in the string is no character", line, column)
        return chr(number)

    return _ESCAPE.sub(read, text)
