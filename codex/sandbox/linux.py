"""A plan in the form the helper performs: pure."""

from typing import cast

from codex.sandbox.helper.request import Confinement
from codex.sandbox.policy import Plan
from codex.sandbox.seccomp import Machine, filter_program
from codex.sandbox.select import Level

UNCONFINED = Confinement("none")
_programs: dict[tuple[str, bool, bool], bytes] = {}


def confinement_of(plan: Plan, level: Level, machine: str) -> Confinement:
    """What the helper does to a command of this plan at this level."""
    if level == "none":
        assert plan.mode == "danger-full-access"
        return UNCONFINED
    frozen = level == "landlock" and plan.mode == "read-only"
    key = (machine, plan.network, frozen)
    program = _programs.get(key)
    if program is None:
        program = filter_program(cast("Machine", machine), network=plan.network, freeze_metadata=frozen)
        _programs[key] = program
    if level == "landlock":
        return Confinement(level, plan.roots, (), program, network=plan.network)
    roots = tuple(sorted({*plan.roots, *plan.anchors}))
    protected = tuple((item.path, "link" if item.kind == "link" else "present", item.target) for item in plan.protected)
    return Confinement(level, roots, protected, program, network=plan.network)
