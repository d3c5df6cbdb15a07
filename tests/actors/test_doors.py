"""The doors of `actors` and `supervisors`: every name is there, and nothing is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import actors
import supervisors


@pytest.mark.parametrize("door", [actors, supervisors], ids=lambda door: door.__name__)
def test_every_public_name_is_found(door: ModuleType) -> None:
    public: list[str] = door.__all__
    assert public == sorted(set(public), key=lambda name: (not name[0].isupper(), name))
    assert all(getattr(door, name) is getattr(door, name) for name in public)
    with pytest.raises(AttributeError, match=f"module '{door.__name__}' has no attribute 'actr'"):
        _ = door.actr


def loaded_by(program: str) -> set[str]:
    program += "\nimport sys\nprint(*(name for name in sys.modules if name.split('.')[0] in ours))"
    program = f"ours = ('trio', 'attrs', 'actors', 'supervisors', 'opentelemetry')\n{program}"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_packages_loads_neither_trio_nor_attrs() -> None:
    assert loaded_by("import actors, supervisors") == {"actors", "supervisors"}


def test_what_a_program_does_not_use_is_not_loaded() -> None:
    program = (
        "from actors import Mailbox, Ref, Reply, open_runtime\nfrom supervisors import ChildSpec, start_supervisor"
    )
    seldom = {"actors._info", "actors._registry", "actors._spans", "actors._watchdog", "supervisors._foreign"}
    assert not loaded_by(program) & {*seldom, "opentelemetry"}
