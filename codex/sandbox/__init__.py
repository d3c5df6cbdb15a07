"""Confine the processes of a command, and start them.

A policy of the user becomes a plan for one place (`resolve_policy`), the plan a level of confinement that this machine
can keep (`select_level`), and the helper performs it (`open_launcher`). Nothing runs silently with less than its
policy says. `start_zygote` is light and may be called before anything else is imported.
"""

from codex.sandbox.zygote import Zygote, start_zygote

TYPE_CHECKING = False  # `typing` alone takes longer than the start of the zygote may
if TYPE_CHECKING:
    from codex.ports.process import SandboxUnavailable
    from codex.sandbox.denied import looks_denied
    from codex.sandbox.direct import DirectLauncher
    from codex.sandbox.disk import Places, look
    from codex.sandbox.launcher import ZygoteLauncher, capabilities_in, open_launcher
    from codex.sandbox.policy import Plan, Protected, resolve_policy
    from codex.sandbox.select import Capabilities, Description, Level, describe, select_level

__all__ = [
    "Capabilities",
    "Description",
    "DirectLauncher",
    "Level",
    "Places",
    "Plan",
    "Protected",
    "SandboxUnavailable",
    "Zygote",
    "ZygoteLauncher",
    "capabilities_in",
    "describe",
    "look",
    "looks_denied",
    "open_launcher",
    "resolve_policy",
    "select_level",
    "start_zygote",
]

_HOMES = {
    "SandboxUnavailable": "codex.ports.process",
    "looks_denied": "codex.sandbox.denied",
    "look": "codex.sandbox.disk",
    "Places": "codex.sandbox.disk",
    "DirectLauncher": "codex.sandbox.direct",
    "ZygoteLauncher": "codex.sandbox.launcher",
    "capabilities_in": "codex.sandbox.launcher",
    "open_launcher": "codex.sandbox.launcher",
    "Plan": "codex.sandbox.policy",
    "Protected": "codex.sandbox.policy",
    "resolve_policy": "codex.sandbox.policy",
    "Capabilities": "codex.sandbox.select",
    "Description": "codex.sandbox.select",
    "Level": "codex.sandbox.select",
    "describe": "codex.sandbox.select",
    "select_level": "codex.sandbox.select",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
