"""The kernel's calls that Python does not offer, through ctypes. Linux on x86_64 and aarch64."""

from __future__ import annotations

import ctypes
import os

_MACHINE = os.uname().machine
_SYS_CLONE, _SYS_CAPSET, _SYS_SECCOMP, _SYS_PIVOT_ROOT = (
    (220, 91, 277, 41) if _MACHINE == "aarch64" else (56, 126, 317, 155)
)
# From here on the numbers are the same on every machine.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_OPENAT2, _SYS_MOUNT_SETATTR = 428, 429, 437, 442
_SYS_LANDLOCK_CREATE, _SYS_LANDLOCK_ADD, _SYS_LANDLOCK_RESTRICT = 444, 445, 446

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x8000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_O_PATH = 0x200000
_RESOLVE_NO_SYMLINKS = 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_SECUREBITS = 1, 4, 24, 28
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 36, 38, 47
# NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each with its lock.
_SECUREBITS = 0b1110_1111

# PyDLL keeps the interpreter's lock: this program has one thread, and a raw clone must not find it half released.
_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(number: int, what: str, *args: object) -> int:
    return _check(_syscall(ctypes.c_long(number), *args), what)


def _long(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def clone(flags: int) -> int:
    """A fork into new namespaces: 0 in the child, its pid in the parent."""
    zero = _long(0)
    return _call(_SYS_CLONE, "clone", _long(flags | SIGCHLD), zero, zero, zero, zero)


def prctl(option: int, value: int = 0) -> None:
    """One `prctl`, checked."""
    zero = _long(0)
    _check(_libc.prctl(option, _long(value), zero, zero, zero), f"prctl {option}")


def die_with_parent(signal: int) -> None:
    """Ask for `signal` when the parent is gone."""
    prctl(_PR_SET_PDEATHSIG, signal)


def become_subreaper() -> None:
    """Orphans below this process become its children."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(*, on: bool) -> None:
    """Whether processes of the same user may look into this one."""
    prctl(_PR_SET_DUMPABLE, 1 if on else 0)


def forbid_new_privileges() -> None:
    """From here on no exec gives rights: setuid bits and file capabilities are ignored."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability, also those that a later exec as uid 0 would bring back."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, _long(capability), _long(0), _long(0), _long(0)) < 0:
            break  # EINVAL: the last capability is behind us; EPERM: nothing to give up, checked by capset below
    _libc.prctl(_PR_SET_SECUREBITS, _long(_SECUREBITS), _long(0), _long(0), _long(0))
    zero = _long(0)
    _libc.prctl(_PR_CAP_AMBIENT, _long(4), zero, zero, zero)  # 4: clear all
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call(_SYS_CAPSET, "capset", header, (ctypes.c_uint32 * 6)())


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """`mount(2)`."""
    result = _libc.mount(
        source.encode(), os.fsencode(target), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None
    )
    _check(result, f"mount {kind or 'flags'} on {target}")


def pivot_root() -> None:
    """Make the working directory, which is a mount, the root, and let go of what was the root."""
    _call(_SYS_PIVOT_ROOT, "pivot_root", b".", b".")
    _check(_libc.umount2(b".", ctypes.c_int(2)), "umount the old root")


def open_path(path: bytes, *, follow: bool = False) -> int:
    """A handle to the place itself. Without `follow` a symbolic link anywhere in the path is an error (ELOOP)."""
    flags = _O_PATH | os.O_CLOEXEC
    how = (ctypes.c_uint64 * 3)(flags, 0, 0 if follow else _RESOLVE_NO_SYMLINKS)
    return _call(_SYS_OPENAT2, f"open {os.fsdecode(path)}", _long(_AT_FDCWD), path, how, _long(24))


def open_link(path: bytes) -> int:
    """A handle to the place itself, where the last part is a symbolic link."""
    return os.open(path, _O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)


def clone_tree(place: int, *, recursive: bool = True) -> int:
    """A detached copy of the mounts at `place`, with the flags they have now."""
    flags = 1 | os.O_CLOEXEC | _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    return _call(_SYS_OPEN_TREE, "open_tree", _long(place), b"", _long(flags))


def attach_tree(tree: int, place: int) -> None:
    """Mount a detached tree on `place`."""
    # 4: the source is the descriptor itself; 0x40: the target too.
    _call(_SYS_MOVE_MOUNT, "move_mount", _long(tree), b"", _long(place), b"", _long(0x44))


def set_mount_flags(place: int | None, add: int, *, recursive: bool = True) -> None:
    """Add flags to the mounts at `place`, a handle, or at the root."""
    attributes = (ctypes.c_uint64 * 4)(add, 0, 0, 0)
    at, path = (_AT_FDCWD, b"/") if place is None else (place, b"")
    flags = (_AT_RECURSIVE if recursive else 0) | (_AT_EMPTY_PATH if place is not None else 0)
    _call(_SYS_MOUNT_SETATTR, "mount_setattr", _long(at), path, _long(flags), attributes, _long(32))


def install_filter(program: bytes) -> None:
    """Install a seccomp filter: `program` is the array of BPF instructions."""
    code = ctypes.create_string_buffer(program, len(program))
    holder = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
    _call(_SYS_SECCOMP, "seccomp", _long(1), _long(0), holder)


def landlock_abi() -> int:
    """The version of Landlock this kernel has, 0 for none."""
    result: int = _syscall(_long(_SYS_LANDLOCK_CREATE), None, _long(0), _long(1))
    return max(result, 0)


def landlock_ruleset(files: int, network: int, scoped: int) -> int:
    """A ruleset that denies all it handles until rules allow it."""
    # The kernel takes longer structures whose unknown rest is zero.
    attributes = (ctypes.c_uint64 * 3)(files, network, scoped)
    return _call(_SYS_LANDLOCK_CREATE, "landlock ruleset", attributes, _long(24), _long(0))


def landlock_allow(ruleset: int, place: int, access: int) -> None:
    """Allow `access` beneath `place`."""
    rule = access.to_bytes(8, "little") + place.to_bytes(4, "little")
    _call(_SYS_LANDLOCK_ADD, "landlock rule", _long(ruleset), _long(1), rule, _long(0))


def landlock_restrict(ruleset: int) -> None:
    """Confine this process and its children to come."""
    _call(_SYS_LANDLOCK_RESTRICT, "landlock", _long(ruleset), _long(0))
