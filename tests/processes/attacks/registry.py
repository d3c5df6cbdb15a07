"""The probes by name, where they aim, and the calls they are made of."""

import ctypes
import os

PROBES = {}
# Errors that mean the kernel had let the call in and then disliked what it was given.
PAST_THE_GATE = {"EFAULT", "EINVAL", "ENOEXEC", "EBADF", "ENOMSG", "ESPIPE", "ENODEV", "ENOKEY", "EOPNOTSUPP"}
libc = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {
    "x86_64": {"ptrace": 101, "vm_readv": 310, "vm_writev": 311, "keyctl": 250, "add_key": 248, "bpf": 321,
               "perf": 298, "userfaultfd": 323, "clone": 56, "pivot_root": 155, "setns": 308, "open_by_handle": 304,
               "kcmp": 312, "init_module": 175, "socketcall": -1, "fchmodat2": 452,
               "tgkill": 234, "swapon": 167, "reboot": 169, "delete_module": 176},
    "aarch64": {"ptrace": 117, "vm_readv": 270, "vm_writev": 271, "keyctl": 219, "add_key": 217, "bpf": 280,
                "perf": 241, "userfaultfd": 282, "clone": 220, "pivot_root": 41, "setns": 268, "open_by_handle": 265,
                "kcmp": 272, "init_module": 105, "fchmodat2": 452,
                "tgkill": 131, "swapon": 224, "reboot": 142, "delete_module": 106},
}[os.uname().machine]  # fmt: skip
SYSCALLS |= {"io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "clone3": 435, "pidfd_getfd": 438,
             "mount_setattr": 442, "fspick": 433, "move_mount": 429}  # fmt: skip
WHERE = {}


def probe(function):
    PROBES[function.__name__] = function
    return function


def at(key, *parts):
    return os.path.join(WHERE[key], *parts)


def write(path, flags=os.O_WRONLY | os.O_CREAT):
    descriptor = os.open(path, flags, 0o644)
    os.write(descriptor, b"x")
    os.close(descriptor)


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def call(name, *args):
    return checked(libc.syscall(ctypes.c_long(SYSCALLS[name]), *args))
