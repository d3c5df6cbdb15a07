"""`codex doctor`: look at what an agent needs here, and say what to do about what is missing.

The checks have Codex's shape: an id, a status, a summary, details, a remedy. No secret is shown, and nothing is sent.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from codex import CODEX_VERSION, __version__
from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.options import config_options

if TYPE_CHECKING:
    from codex.cli._checks import Check, Status

_MARKS: "Mapping[Status, str]" = {"ok": "✓", "warning": "⚠", "fail": "✗"}
_ASCII: "Mapping[Status, str]" = {"ok": "[ok]", "warning": "[!!]", "fail": "[XX]"}
doctor_parser = Parser(
    "codex doctor",
    [
        *config_options,
        Option("json", "Print a report for programs"),
        Option("summary", "Print one line for each check"),
        Option("ascii", "Print ASCII only"),
        Option("all no-color", "Accepted; everything is shown, without colors", hidden=True),
        Option("network-only", refusal="nothing of the network is checked here; 'codex exec hi' tries the model"),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"doctor": doctor_parser}


def run_doctor(arguments: list[str], before: Parsed) -> int:
    """Print the report; returns 1 where a check failed."""
    line = doctor_parser.parse(arguments)
    if line.has("help"):
        about = "Check whether agents can work here: configuration, key, sandbox, programs."
        return print_help([about, "", "Usage: codex doctor [OPTIONS]"], doctor_parser)
    if line.positionals:
        raise doctor_parser.fail(f"unexpected argument {line.positionals[0]!r} found")
    from codex.cli._checks import check_machine, check_place

    checks = [*check_place(line, before, os.environ), *check_machine()]
    if line.has("json"):
        print(report_json(checks, now=time.time()))
    else:
        marks = _ASCII if line.has("ascii") else _MARKS
        print("\n".join(report_text(checks, marks, details=not line.has("summary"))))
    sys.stdout.flush()
    return 1 if _overall(checks) == "fail" else 0


def report_text(checks: "Sequence[Check]", marks: "Mapping[Status, str]", *, details: bool) -> list[str]:
    """The report for people: what is wrong last, so that it stands above the prompt."""
    lines = [f"codex-actors {__version__} (follows Codex {CODEX_VERSION})", ""]
    for check in sorted(checks, key=lambda check: list(marks).index(check.status)):
        lines.append(f"{marks[check.status]} {check.id:<18} {check.summary}")
        if details:
            lines += [f"      {name:<18} {value}" for name, value in check.details.items()]
        if check.remedy:
            lines.append(f"      {'what to do':<18} {check.remedy}")
    counts = [f"{sum(check.status == status for check in checks)} {status}" for status in marks]
    return [*lines, "", " · ".join(counts)]


def report_json(checks: "Sequence[Check]", *, now: float) -> str:
    """The report for programs, in Codex's form."""
    from codex.base.jsontext import encode

    return encode(
        {
            "schemaVersion": 1,
            "generatedAt": f"{int(now)}s since unix epoch",
            "overallStatus": _overall(checks),
            "codexVersion": CODEX_VERSION,
            "version": __version__,
            "checks": {
                check.id: {
                    "id": check.id,
                    "category": check.id.partition(".")[0],
                    "status": check.status,
                    "summary": check.summary,
                    "details": {**check.details},
                    "remediation": check.remedy or None,
                    "durationMs": check.duration_ms,
                }
                for check in checks
            },
        }
    )


def _overall(checks: "Sequence[Check]") -> "Status":
    statuses = {check.status for check in checks}
    return "fail" if "fail" in statuses else "warning" if "warning" in statuses else "ok"
