"""Help texts, made from the options a parser knows."""

import sys

from codex.cli._arguments import Option, Parser


def print_help(lines: list[str], parser: Parser) -> int:
    """A help text on stdout: the lines, then the parser's options."""
    shown = [option for option in parser.options if not option.hidden and not option.refusal]
    refused = [f"--{option.key}" for option in parser.options if option.refusal and not option.hidden]
    lines = [*lines, "", "Options:", *(line for option in shown for line in _option_help(option))]
    if refused:
        lines += ["", f"Options of Codex that are refused here, with the reason: {', '.join(refused)}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return 0


def _option_help(option: Option) -> list[str]:
    start = f"-{option.short}, " if option.short else "    "
    values = f" [{', '.join(option.choices)}]" if option.choices else ""
    return [f"  {start}{option.shown()}", f"          {option.help}{values}"]
