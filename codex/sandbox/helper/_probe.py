"""What this machine can do, tried out once when the helper starts."""

from __future__ import annotations

import os

from . import _namespaces
from . import _system as system


def probe() -> dict[str, object]:
    """The capabilities as plain values: `namespaces` is empty, or says why there are none."""
    namespaces, fresh_proc = _try_namespaces()
    return {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "machine": os.uname().machine,
        "namespaces": namespaces,
        "fresh_proc": fresh_proc,
        "landlock_abi": system.landlock_abi(),
        "seccomp": os.path.exists("/proc/sys/kernel/seccomp/actions_avail"),
    }


def _try_namespaces() -> tuple[str, bool]:
    """Make namespaces and the mounts that matter in a child."""
    uid, gid = os.getuid(), os.getgid()
    told, tell = os.pipe()
    try:
        pid = system.clone(_namespaces.FLAGS | system.CLONE_NEWNET)
    except OSError as error:
        os.close(told)
        os.close(tell)
        return str(error), False
    if pid == 0:
        try:
            os.close(told)
            os.write(tell, _attempt(uid, gid).encode())
        finally:
            os._exit(0)
    os.close(tell)
    answer = os.read(told, 4096).decode(errors="replace")
    os.close(told)
    os.waitpid(pid, 0)
    if answer in ("fresh proc", "old proc"):
        return "", answer == "fresh proc"
    return answer or "the trial process died", False


def _attempt(uid: int, gid: int) -> str:
    try:
        _namespaces.map_user(uid, gid)
        system.mount("none", "/", "", system.MS_REC | system.MS_PRIVATE)
        system.set_mount_flags(None, system.ATTR_RDONLY | system.ATTR_NOSUID)
        system.mount("tmpfs", "/dev", "tmpfs", system.MS_NOSUID)
        try:
            system.mount("proc", "/proc", "proc", system.MS_RDONLY)
        except OSError:
            return "old proc"
    except OSError as error:
        return str(error)
    return "fresh proc"
