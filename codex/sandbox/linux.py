"""A plan in the form the helper performs: pure but for what the links of socket directories lead to."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from codex.sandbox.helper.request import Confinement
from codex.sandbox.patterns import Pattern
from codex.sandbox.policy import Plan, is_within
from codex.sandbox.seccomp import Machine, filter_program
from codex.sandbox.select import Level
from codex.sandbox.sockets import KEPT, socket_directories, sockets_named

if TYPE_CHECKING:
    from codex.sandbox.helper.request import Layer, Scan

UNCONFINED = Confinement("none")
_programs: dict[tuple[str, bool, bool, bool], bytes] = {}


def confinement_of(plan: Plan, level: Level, machine: str, environ: Mapping[str, str]) -> Confinement:
    """What the helper does to a command of this plan, with this environment, at this level."""
    if level == "none":
        assert plan.mode == "danger-full-access"
        return UNCONFINED
    if level == "landlock":
        assert not plan.limits_reading
        frozen = plan.mode == "read-only"
        # Sockets cannot be hidden without mounts: then there are none with a name.
        program = _program(machine, network=plan.network, named_sockets=False, frozen=frozen)
        return Confinement(level, tuple((root, "write", "") for root in plan.roots), program, network=plan.network)
    program = _program(machine, network=plan.network, named_sockets=True, frozen=False)
    layers: dict[str, Layer] = {path: (path, "read", "") for path in plan.readable}
    layers |= {path: (path, "write", "") for path in (*plan.anchors, *plan.roots)}
    for item in plan.protected:
        layers[item.path] = (item.path, "link" if item.kind == "link" else "hold", item.target)
    if plan.closed:
        layers["/"] = ("/", "hollow", "")
    if plan.network:
        _hide_sockets(plan, layers, environ)
    for path in plan.denied:
        opened = any(other != path and is_within(other, path) for other in layers)
        layers[path] = (path, "hollow" if opened else "deny", "")
    return Confinement(
        level,
        tuple(layers[path] for path in sorted(layers, key=lambda path: path.rstrip("/").split("/"))),
        program,
        network=plan.network,
        scans=_scans(plan),
        reachable=_reachable(plan) if plan.network else None,
    )


def _program(machine: str, *, network: bool, named_sockets: bool, frozen: bool) -> bytes:
    key = (machine, network, named_sockets, frozen)
    if key not in _programs:
        _programs[key] = filter_program(
            cast("Machine", machine), network=network, named_sockets=named_sockets, freeze_metadata=frozen
        )
    return _programs[key]


def _hide_sockets(plan: Plan, layers: "dict[str, Layer]", environ: Mapping[str, str]) -> None:
    """Empty the directories of sockets, save what is in them and was asked for."""
    hollow: list[str] = []
    for path in socket_directories(environ):
        path = os.path.realpath(path)
        if path not in plan.roots and path not in hollow and os.path.isdir(path):
            hollow.append(path)
            layers[path] = (path, "hollow", "")
    for path in (*KEPT, *_reachable(plan)):
        if path not in layers and any(is_within(path, directory) for directory in hollow):
            layers[path] = (path, "read", "")
    for path in sockets_named(environ):
        path = os.path.realpath(path)
        if path not in _reachable(plan):
            layers[path] = (path, "deny", "")


def _reachable(plan: Plan) -> tuple[str, ...]:
    """Where sockets stay; a workspace that is the whole machine is none to trust."""
    return tuple(os.path.realpath(path) for path in plan.workspace if path != "/")


def _scans(plan: Plan) -> "tuple[Scan, ...]":
    """One walk for each directory with patterns: all its expressions at once."""
    found: dict[str, list[Pattern]] = {}
    for pattern in plan.patterns:
        found.setdefault(pattern.base, []).append(pattern)
    return tuple(
        (
            base,
            "|".join(pattern.expression for pattern in patterns),
            max(pattern.depth for pattern in patterns),
            all(pattern.is_bounded for pattern in patterns),
        )
        for base, patterns in found.items()
    )
