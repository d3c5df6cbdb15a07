"""Patches as models write them: reading, fitting them to the files, applying them, and showing what they changed.

As a tool, a patch is verified as a whole before anything is written: `verify` then `apply_verified`, both to be called
in a thread. `find_invocation` recognises a patch that came as a shell command, and `TurnDiff` sums up a turn. As a
program, `run_standalone` behaves as Codex's own `apply_patch`: sections that were done stay done.
Each name is loaded when it is first used: a turn that patches nothing loads the grammar only.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.patch.apply import Touched
    from codex.patch.grammar import PATCH_GRAMMAR
    from codex.patch.invocation import ImplicitInvocation, Invocation, find_invocation
    from codex.patch.parse import ParseError, Patch, parse_patch
    from codex.patch.places import Place, place_of
    from codex.patch.standalone import run_standalone
    from codex.patch.tool import Applied, PatchRejected, VerificationFailed, VerifiedPatch, apply_verified, verify
    from codex.patch.turn_diff import TurnDiff

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")
"""The directory with `apply_patch` as a program, for the PATH of commands; it runs with `$CODEX_PYTHON`."""

__all__ = [
    "PATCH_GRAMMAR",
    "PROGRAMS",
    "Applied",
    "ImplicitInvocation",
    "Invocation",
    "ParseError",
    "Patch",
    "PatchRejected",
    "Place",
    "Touched",
    "TurnDiff",
    "VerificationFailed",
    "VerifiedPatch",
    "apply_verified",
    "find_invocation",
    "parse_patch",
    "place_of",
    "run_standalone",
    "verify",
]

_HOMES = {
    "PATCH_GRAMMAR": "grammar",
    "Applied": "tool",
    "ImplicitInvocation": "invocation",
    "Invocation": "invocation",
    "ParseError": "parse",
    "Patch": "parse",
    "PatchRejected": "tool",
    "Place": "places",
    "Touched": "apply",
    "TurnDiff": "turn_diff",
    "VerificationFailed": "tool",
    "VerifiedPatch": "tool",
    "apply_verified": "tool",
    "find_invocation": "invocation",
    "parse_patch": "parse",
    "place_of": "places",
    "run_standalone": "standalone",
    "verify": "tool",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
