"""Compare our apply_patch with Codex's on random cases.

    python -m tests.benchmarks.patch_oracle --seed 1 --steps 10000 --codex /path/to/codex

Both programs get the same files and the same patch, one after the other in the same directory.
Files (names, bytes, modes, link targets, hard links) and exit codes must be equal; differences in what they print are
counted and shown. A failing case is shrunk and printed. The exit code is 1 when files or exit codes differed.
"""

import argparse
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import attrs

from codex.patch.standalone import run_standalone
from tests.benchmarks.patch_cases import Case, Tree, make_case

_TIMEOUT = 20.0


@attrs.frozen
class Result:
    """What one program left and said."""

    code: int
    files: dict[str, tuple[object, ...]]
    stdout: bytes
    stderr: bytes


class Twins:
    """The two programs, and the room they work in, one level below it: a patch may reach upwards."""

    def __init__(self, codex: Path, base: Path, user: int) -> None:
        self._user = user
        base.chmod(0o755)
        self._room = base / "room"
        self._link = base / "apply_patch"
        self._link.symlink_to(codex)
        (base / "home").mkdir()
        os.chown(base / "home", user, -1)
        self._environment = {"CODEX_HOME": str(base / "home")}

    def codex(self, case: Case) -> Result:
        """What Codex does."""
        root = self._fill(case.tree)
        patch = _placed(case.patch, root)
        arguments: list[str | bytes] = [str(self._link), *([patch] if case.by_argument else []), *case.extra_arguments]
        done = subprocess.run(
            arguments,
            input=b"" if case.by_argument else patch,
            capture_output=True,
            cwd=root,
            env=self._environment,
            timeout=_TIMEOUT,
            check=False,
            user=self._user,
        )
        return _result(root, done.returncode, done.stdout, done.stderr)

    def ours(self, case: Case) -> Result:
        """What we do."""
        root = self._fill(case.tree)
        patch = _placed(case.patch, root)
        out, err = BytesIO(), BytesIO()
        arguments = [*([os.fsdecode(patch)] if case.by_argument else []), *case.extra_arguments]
        stdin = BytesIO(b"" if case.by_argument else patch)
        os.seteuid(self._user)
        try:
            code = run_standalone(arguments, stdin, str(root), stdout=out, stderr=err)
        finally:
            os.seteuid(os.getuid())
        return _result(root, code, out.getvalue(), err.getvalue())

    def _fill(self, tree: Tree) -> Path:
        room = self._room
        if room.exists():
            shutil.rmtree(room)
        root = room / "w"
        root.mkdir(parents=True)
        for name, (kind, data, _) in tree.items():
            path = root / name
            match kind:
                case "dir":
                    path.mkdir()
                case "link":
                    path.symlink_to(os.fsdecode(data))
                case "hard":
                    path.hardlink_to(root / os.fsdecode(data))
                case _:
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(data)
        # The modes come last: a directory may be closed to its owner.
        for path in (room, root, *(root / name for name in tree)):
            os.lchown(path, self._user, -1)
        for name, (kind, _, mode) in tree.items():
            if kind in ("file", "dir"):
                (root / name).chmod(mode)
        return root


def _placed(patch: bytes, root: Path) -> bytes:
    return patch.replace(b"$ROOT", os.fsencode(root)).replace(b"$BASE", os.fsencode(root.name))


def is_tame(case: Case) -> bool:
    """Whether no path of the patch, as far as one can see, leads out of the two directories to a file."""
    root = "/a/b/c"
    for line in _placed(case.patch, Path(root)).decode(errors="replace").split("\n"):
        _, colon, path = line.rpartition(": ") if "***" in line else ("", "", "")
        target = os.path.normpath(os.path.join(root, path.strip()))
        if colon and not target.startswith("/a/b") and target.strip("/"):
            return False
    return True


def _result(root: Path, code: int, stdout: bytes, stderr: bytes) -> Result:
    return Result(code, dict(_walk(root.parent)), stdout, stderr)


def _walk(root: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    for folder, directories, names in os.walk(root):
        for name in sorted((*directories, *names)):
            path = os.path.join(folder, name)
            found = os.lstat(path)
            mode = stat.S_IMODE(found.st_mode)
            if stat.S_ISLNK(found.st_mode):
                yield os.path.relpath(path, root), ("link", os.readlink(path))
            elif stat.S_ISDIR(found.st_mode):
                yield os.path.relpath(path, root), ("dir", mode)
            else:
                yield os.path.relpath(path, root), ("file", Path(path).read_bytes(), mode, found.st_nlink)


Judge: TypeAlias = Callable[[Twins, Case], tuple[Result, Result] | None]


def differ(twins: Twins, case: Case) -> tuple[Result, Result] | None:
    """Both results when files or exit codes are not equal."""
    theirs, ours = twins.codex(case), twins.ours(case)
    return (theirs, ours) if (theirs.code, theirs.files) != (ours.code, ours.files) else None


def words_differ(twins: Twins, case: Case) -> tuple[Result, Result] | None:
    """Both results when they are not equal in anything."""
    theirs, ours = twins.codex(case), twins.ours(case)
    return (theirs, ours) if theirs != ours else None


def shrink(case: Case, twins: Twins, judge: Judge = differ, *, tries: int = 600) -> Case:
    """A smaller case on which the programs still differ."""
    changed = True
    while changed and tries > 0:
        changed = False
        for smaller in _smaller(case):
            tries -= 1
            if is_tame(smaller) and judge(twins, smaller):
                case, changed = smaller, True
                break
            if tries <= 0:
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for name in case.tree:
        if name != "f" and not any(other.startswith(f"{name}/") for other in case.tree):
            yield attrs.evolve(case, tree={other: entry for other, entry in case.tree.items() if other != name})
    for cut in _cuts(case.patch):
        yield attrs.evolve(case, patch=cut)
    for name, (kind, data, mode) in case.tree.items():
        if kind == "file":
            for cut in _cuts(data):
                yield attrs.evolve(case, tree={**case.tree, name: (kind, cut, mode)})


def _cuts(data: bytes) -> Iterator[bytes]:
    lines = data.split(b"\n")
    for size in (8, 3, 1):
        for at in range(0, len(lines), size):
            if size < len(lines):
                yield b"\n".join(lines[:at] + lines[at + size :])
    if len(data) < 200:
        for at in range(len(data)):
            yield data[:at] + data[at + 1 :]


def _show(case: Case, theirs: Result, ours: Result) -> None:
    way = "argument" if case.by_argument else "stdin"
    print(f"  files   {case.tree}\n  patch   {case.patch!r}  ({way} {case.extra_arguments})")
    print(f"  codex   {theirs.code} {theirs.stdout!r} {theirs.stderr!r}")
    print(f"  ours    {ours.code} {ours.stdout!r} {ours.stderr!r}")
    for name in sorted(theirs.files.keys() | ours.files.keys()):
        if theirs.files.get(name) != ours.files.get(name):
            print(f"  {name!r}: codex {theirs.files.get(name)}, ours {ours.files.get(name)}")


def run(twins: Twins, seed: int, first: int, steps: int, show: int) -> int:
    """Do the steps; returns how many differed in files or exit code."""
    wrong = spoken = 0
    began = time.monotonic()
    for step in range(first, first + steps):
        case = make_case(random.Random(f"{seed}:{step}"))
        found = words_differ(twins, case) if is_tame(case) else None
        if found is None:
            continue
        theirs, ours = found
        if differ_in_kind := (theirs.code, theirs.files) != (ours.code, ours.files):
            wrong += 1
        else:
            spoken += 1
        if (wrong if differ_in_kind else spoken) <= show:
            judge = differ if differ_in_kind else words_differ
            small = shrink(case, twins, judge)
            print(f"{'DIFFERENT' if differ_in_kind else 'different words'}: --seed {seed} --first {step} --steps 1")
            pair = judge(twins, small)
            assert pair is not None
            _show(small, *pair)
    seconds = time.monotonic() - began
    print(f"seed {seed}: {steps} cases in {seconds:.0f} s, {wrong} different, {spoken} with other words")
    return wrong


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--show", type=int, default=3, help="how many differences of each sort to shrink and print")
    parser.add_argument("--user", type=int, default=os.getuid(), help="run both as this user id (needs root)")
    parser.add_argument("--codex", type=Path, required=True, help="the real codex program")
    options = parser.parse_args()
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as base:
        twins = Twins(options.codex.resolve(), Path(base), options.user)
        return 1 if run(twins, options.seed, options.first, options.steps, options.show) else 0


if __name__ == "__main__":
    sys.exit(main())
