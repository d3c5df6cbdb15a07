"""The file system of a confined command: all of it read-only, save its roots, in a mount namespace of its own.

Order counts. Copies of what stays writable are taken first, while its mounts have their own flags; then everything is
made read-only at once; then the writable copies go back to their places, and read-only ones onto the protected paths.
Places are opened without following links, so nobody can swap one between the decision and the mount.
"""

from __future__ import annotations

import errno
import os

from . import _system as system
from ._placeholders import hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Confinement

FLAGS = system.CLONE_NEWUSER | system.CLONE_NEWNS | system.CLONE_NEWPID | system.CLONE_NEWIPC
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"))


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
    """
    system.mount("none", "/", "", system.MS_REC | system.MS_PRIVATE)
    held = [lock for path, kind, _ in confinement.protected if kind != "link" for lock in hold(path)]
    everything = "/" in confinement.roots
    quiet = system.ATTR_NOSUID | system.ATTR_NODEV
    roots: list[tuple[str, int | None]] = [
        (root, _copy(root)) for root in confinement.roots if root not in ("/", "/dev/shm")
    ]
    for _, tree in roots:
        assert tree is not None
        system.set_mount_flags(tree, quiet)
    devices = [(name, _copy(f"/dev/{name}")) for name in _DEVICES if os.path.exists(f"/dev/{name}")]
    system.set_mount_flags(None, quiet if everything else quiet | system.ATTR_RDONLY)
    shields = [(path, _shield(path)) for path, kind, _ in confinement.protected if kind != "link"]
    _build_devices(devices)
    shields += [(path, _pointer(path, target)) for path, kind, target in confinement.protected if kind == "link"]
    system.set_mount_flags(_place("/dev"), system.ATTR_RDONLY, recursive=False)
    for path, tree in sorted(roots + shields, key=_outer_first):
        if path.startswith("/dev/shm/"):
            os.makedirs(path, exist_ok=True)  # the private one is empty
        if tree is not None:
            system.attach_tree(tree, _place(path))
    _build_proc()
    if everything:
        system.set_mount_flags(_place("/sys"), system.ATTR_RDONLY)
    return held


def _outer_first(mounted: tuple[str, int | None]) -> list[str]:
    return mounted[0].split("/")


def _copy(path: str) -> int:
    return system.clone_tree(system.open_path(os.fsencode(path)))


def _place(path: str) -> int:
    """The place itself; of a link, the link."""
    try:
        return system.open_path(os.fsencode(path))
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    parent = system.open_path(os.fsencode(os.path.dirname(path)))
    return os.open(os.path.basename(path), os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=parent)


def _shield(path: str) -> int | None:
    """A read-only copy of the protected path; None where it is missing and we could not make it either."""
    try:
        tree = _copy(path)
    except FileNotFoundError:
        return None
    system.set_mount_flags(tree, system.ATTR_RDONLY)
    return tree


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


def _pointer(path: str, target: str) -> int:
    """What covers a protected link: a directory cannot be mounted on one, so a file that says where it leads.

    git reads such a file; for the others it is only something that cannot be moved.
    """
    text = f"gitdir: {target}\n" if os.path.basename(path) == ".git" else ""
    name = f"/dev/.pointer-{path.encode().hex()[-200:]}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o444)
    os.write(descriptor, os.fsencode(text))
    os.close(descriptor)
    tree = _copy(name)
    system.set_mount_flags(tree, system.ATTR_RDONLY | system.ATTR_NODEV)
    return tree


def _build_proc() -> None:
    """The processes of this namespace only, all of it read-only, /proc/sys too."""
    quiet = system.MS_RDONLY | system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
    try:
        system.mount("proc", "/proc", "proc", quiet)
    except PermissionError:
        # A container that masks parts of /proc lets nobody mount a fresh one: the old one stays, read-only.
        system.set_mount_flags(_place("/proc"), system.ATTR_RDONLY)
