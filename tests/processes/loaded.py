"""A command that says, when it is told to, which modules and classes it has loaded."""

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, os, signal, sys
sys.path.insert(0, {root!r})

def tell(*_):
    classes, todo = set(), [object]
    while todo:
        for cls in type.__subclasses__(todo.pop()):
            if cls not in classes:
                classes.add(cls)
                todo.append(cls)
    made_by_attrs = [cls for cls in classes if isinstance(vars(cls).get("__attrs_attrs__"), tuple)]
    found = {{
        "modules": sorted(sys.modules),
        "attrs_classes": sorted(f"{{cls.__module__}}.{{cls.__qualname__}}" for cls in made_by_attrs),
        "classes": len(classes),
    }}
    with open({result!r}, "w") as file:
        json.dump(found, file)
    os._exit(0)

signal.signal(signal.SIGUSR1, tell)
if {at_import!r}:
    sys.addaudithook(lambda event, given: tell() if event == "import" and given[0] == {at_import!r} else None)
from codex.cli.main import run
sys.exit(run(["codex", *{arguments!r}]))
"""


@attrs.frozen
class Loaded:
    """What is loaded; of the classes the sum, and those that attrs completed."""

    modules: list[str]
    attrs_classes: list[str]
    classes: int

    @property
    def our_modules(self) -> list[str]:
        """Those of this project."""
        return _ours(self.modules)

    @property
    def our_attrs_classes(self) -> list[str]:
        """Those of this project."""
        return _ours(self.attrs_classes)


def program(arguments: Sequence[str], place: Path, *, at_import: str = "") -> str:
    """What Python is to run for `codex ARGUMENTS`; it tells on SIGUSR1, or when it begins to import a module."""
    result = str(place / "loaded.json")
    return PROGRAM.format(root=str(ROOT), result=result, arguments=list(arguments), at_import=at_import)


def loaded_now(child: "subprocess.Popen[bytes]", place: Path) -> Loaded:
    """What a child that runs `program` has loaded; it ends."""
    child.send_signal(signal.SIGUSR1)
    child.wait(30)
    return told(place)


def told(place: Path) -> Loaded:
    """What a child told before it ended."""
    return Loaded(**json.loads((place / "loaded.json").read_text()))


def _ours(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.split(".")[0] in ("codex", "actors", "supervisors")]
