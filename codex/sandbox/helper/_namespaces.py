"""The file system of a confined command, in a mount namespace of its own.

Order counts. Copies of what stays writable are taken first, while its mounts have their own flags; then everything is
made read-only at once; then read-only copies are taken; then all goes to its place, outer before inner: writable and
read-only copies, empty directories, and what covers what must not be seen. Places are opened without following links,
so nobody can swap one between the decision and the mount.
"""

from __future__ import annotations

import errno
import os

from . import _system as system
from ._hidden import bound_sockets, find_denied
from ._mounts import attach, copy, cover, hollow_out, place_of, within
from ._placeholders import hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Confinement, Layer

FLAGS = system.CLONE_NEWUSER | system.CLONE_NEWNS | system.CLONE_NEWPID | system.CLONE_NEWIPC
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"))
# Where the directories of programs are links into /usr, a root of its own needs them too.
_PROGRAM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_QUIET = system.ATTR_NOSUID | system.ATTR_NODEV


def map_user(uid: int, gid: int) -> None:
    """Keep our own user and group in the new user namespace, and nobody else's."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def build(confinement: Confinement) -> list[int]:
    """Rearrange the mounts of this new namespace; gives back descriptors to keep open while the command lives.

    Raises:
      OSError: a mount was refused, or a place is no longer what it was when the decision was taken.
      TooMuch: not all that must not be read could be looked for.
    """
    system.mount("none", "/", "", system.MS_REC | system.MS_PRIVATE)
    held = [lock for path, kind, _ in confinement.layers if kind == "hold" for lock in hold(path)]
    layers, known = _with_hidden(confinement)
    kinds = {path: kind for path, kind, _ in layers}
    everything, closed = kinds.get("/") == "write", kinds.get("/") == "hollow"
    trees: dict[str, int] = {}
    for path, kind, _ in layers:
        if kind == "write" and path not in ("/", "/dev/shm"):
            trees[path] = copy(path)
            system.set_mount_flags(trees[path], _QUIET)
    devices = [(name, copy(f"/dev/{name}")) for name in _DEVICES if os.path.exists(f"/dev/{name}")]
    system.set_mount_flags(None, _QUIET if everything else _QUIET | system.ATTR_RDONLY)
    for path, kind, _ in layers:
        if kind in ("read", "hold"):
            tree = _read_only(path)
            if tree is not None:
                trees[path] = tree
    if closed:
        _enter_empty_root()
    _build_devices(devices)
    covers = (_cover_of("/dev/.denied"), _cover_of("/dev/.denied.d")) if "deny" in kinds.values() else (-1, -1)
    for path, kind, target in layers:
        if kind == "link":
            trees[path] = _pointer(path, target)
    system.set_mount_flags(place_of("/dev"), system.ATTR_RDONLY, recursive=False)
    hollow: list[str] = ["/"] if closed else []
    for path, kind, _ in layers:
        if kind == "hollow" and path != "/":
            hollow += hollow_out(path, hollow)
        elif kind == "deny":
            cover(path, covers, known.get(path))
        elif path in trees:
            attach(trees[path], path, hollow)
    if not closed:
        _build_proc("/proc")
    for path in hollow:
        system.set_mount_flags(place_of(path), system.ATTR_RDONLY, recursive=False)
    if everything:
        system.set_mount_flags(place_of("/sys"), system.ATTR_RDONLY)
    return held


def _with_hidden(confinement: Confinement) -> tuple[list[Layer], dict[str, tuple[int, int]]]:
    """All layers, outer first, with what is hidden now; and what must still be there when it is covered."""
    layers = {path: (path, kind, target) for path, kind, target in confinement.layers}
    known: dict[str, tuple[int, int]] = {}
    for path, identity, base in find_denied(confinement.scans) if confinement.scans else ():
        for other in [other for other in layers if within(other, path)]:
            del layers[other]
        layers[path] = (path, "deny", "")
        known[path] = identity
        above = os.path.dirname(path)
        while within(above, base):
            # Kept in its place: whoever moved it away would have hidden the path from the next search.
            if above not in layers and _is_writable(above, confinement.layers):
                layers[above] = (above, "write", "")
            above = os.path.dirname(above)
    if confinement.reachable is not None:
        hollow = [path for path, kind, _ in confinement.layers if kind == "hollow" and path != "/"]
        for path in bound_sockets(confinement.reachable):
            if path not in layers and not any(within(path, directory) for directory in hollow):
                layers[path] = (path, "deny", "")
    ordered = sorted(layers, key=lambda path: path.rstrip("/").split("/"))
    return [layers[path] for path in ordered], known


def _is_writable(path: str, layers: tuple[Layer, ...]) -> bool:
    nearest = max((layer for layer in layers if within(path, layer[0])), key=lambda layer: len(layer[0]), default=None)
    return nearest is not None and nearest[1] == "write"


def _read_only(path: str) -> int | None:
    """A read-only copy of the path; None where it is missing and we could not make it either."""
    try:
        tree = copy(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            raise
        return None
    system.set_mount_flags(tree, system.ATTR_RDONLY | _QUIET)
    return tree


def _enter_empty_root() -> None:
    """Make an empty file system the root, with a /proc; what was there can be reached no more."""
    links = [(name, os.readlink(f"/{name}")) for name in _PROGRAM_LINKS if os.path.islink(f"/{name}")]
    system.mount("tmpfs", "/dev", "tmpfs", system.MS_NOSUID | system.MS_NODEV, "mode=755")
    for name in ("dev", "proc"):
        os.mkdir(f"/dev/{name}", 0o755)
    for name, target in links:
        os.symlink(target, f"/dev/{name}")
    # Now: the kernel gives a new /proc only to who can still see an old one.
    _build_proc("/dev/proc")
    os.chdir("/dev")
    system.pivot_root()
    os.chdir("/")


def _build_devices(devices: list[tuple[str, int]]) -> None:
    """A /dev of our own: harmless devices, terminals of this namespace only, private shared memory."""
    system.mount("tmpfs", "/dev", "tmpfs", system.MS_NOSUID | system.MS_NOEXEC, "mode=755")
    for name, tree in devices:
        path = f"/dev/{name}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
        system.attach_tree(tree, system.open_path(path.encode()))
    for name, target in _LINKS:
        os.symlink(target, f"/dev/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"/dev/{name}", 0o755)
    quiet = system.MS_NOSUID | system.MS_NOEXEC
    system.mount("devpts", "/dev/pts", "devpts", quiet, "newinstance,ptmxmode=0666,mode=620")
    system.mount("tmpfs", "/dev/shm", "tmpfs", quiet | system.MS_NODEV, "mode=1777")


def _cover_of(path: str) -> int:
    """An empty file or directory without any rights, to lie on what must not be seen."""
    if path.endswith(".d"):
        os.mkdir(path, 0)
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0))
    return system.open_path(path.encode())


def _pointer(path: str, target: str) -> int:
    """What covers a protected link: a directory cannot be mounted on one, so a file that says where it leads.

    git reads such a file; for the others it is only something that cannot be moved.
    """
    text = f"gitdir: {target}\n" if os.path.basename(path) == ".git" else ""
    name = f"/dev/.pointer-{path.encode().hex()[-200:]}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o444)
    os.write(descriptor, os.fsencode(text))
    os.close(descriptor)
    tree = copy(name)
    system.set_mount_flags(tree, system.ATTR_RDONLY | system.ATTR_NODEV)
    return tree


def _build_proc(path: str) -> None:
    """The processes of this namespace only, all of it read-only, /proc/sys too."""
    quiet = system.MS_RDONLY | system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
    try:
        system.mount("proc", path, "proc", quiet)
    except PermissionError:
        # A container that masks parts of /proc lets nobody mount a fresh one: the old one stays, read-only.
        if path != "/proc":
            system.attach_tree(copy("/proc"), place_of(path))
        system.set_mount_flags(place_of(path), system.ATTR_RDONLY)
