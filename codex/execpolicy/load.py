"""Finds and reads rules files.  Blocking, short: call it in a thread while an event loop runs."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from codex.execpolicy.decide import NO_RULES, Rules
from codex.execpolicy.errors import Fault, RulesError
from codex.execpolicy.files import rules_files

MAX_FILE_BYTES = 4_000_000
"""A longer rules file is refused."""


def load_rules(directories: Sequence[str | Path]) -> Rules:
    """The rules of every `*.rules` file of these directories, the lowest layer first; a missing directory has none.

    Raises:
      RulesError: with every fault of every file; then nothing may be decided by rules.
    """
    try:
        files = rules_files(directories)
    except OSError as error:
        raise RulesError([Fault(str(error.filename), 0, 0, f"cannot be read: {error.strerror}")]) from error
    return load_files(files) if files else NO_RULES


def load_files(files: Iterable[str | Path]) -> Rules:
    """The rules of these files, in this order.

    Raises:
      RulesError: with every fault of every file.
    """
    from codex.execpolicy.parse import parse_rules

    texts, faults = list[tuple[str, str]](), list[Fault]()
    for file in files:
        text = _read(file)
        if isinstance(text, Fault):
            faults.append(text)
        else:
            texts.append((str(file), text))
    try:
        rules = parse_rules(texts)
    except RulesError as error:
        raise RulesError([*faults, *error.faults]) from error
    if faults:
        raise RulesError(faults)
    return rules


def _read(file: str | Path) -> str | Fault:
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return Fault(str(file), 0, 0, f"cannot be read: {os.strerror(error.errno or 0)}")
    if len(data) > MAX_FILE_BYTES:
        return Fault(str(file), 0, 0, f"is longer than {MAX_FILE_BYTES:,} bytes; split it into several files")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        start = before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8")) + 1
        return Fault(str(file), before.count(b"\n") + 1, column, "is not UTF-8 here; save the file as UTF-8")
