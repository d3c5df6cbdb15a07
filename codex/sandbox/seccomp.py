"""The system calls a confined command may not make, as a program for the kernel's filter (classic BPF, by hand).

    other architecture, x32      killed, no such call
    never                        looking into or steering other processes, mounts, new namespaces, kernel keys, bpf,
                                 io_uring, userfaultfd, modules, typing into a terminal (TIOCSTI)
    without network              no socket but AF_UNIX stream and seqpacket, and nothing that gives one an address;
                                 a datagram socket could be sent to any path with `sendmsg`, whose target a filter
                                 cannot see, so there is none
    with network                 AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
    with frozen metadata         no change of modes, owners, times, attributes (where no mount protects them)

`clone3` hides its flags in memory: it is answered "no such call", and libraries then use `clone`.
"""

import struct
from collections.abc import Iterable
from typing import Literal, TypeAlias

Machine: TypeAlias = Literal["x86_64", "aarch64"]

_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCH = 0, 4
_AUDIT_ARCH: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x7E020000
_NEW_TIME_NAMESPACE = 0x80
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_SEQPACKET = 1, 5

_SAME_EVERYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435, "pidfd_getfd": 438,
    "mount_setattr": 442, "quotactl_fd": 443, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
    "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
NUMBERS: dict[Machine, dict[str, int]] = {
    "x86_64": _SAME_EVERYWHERE | {
        "ioctl": 16, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49, "listen": 50,
        "socketpair": 53, "setsockopt": 54, "clone": 56, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93,
        "lchown": 94, "ptrace": 101, "utime": 132, "pivot_root": 155, "chroot": 161, "acct": 163, "mount": 165,
        "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "init_module": 175, "delete_module": 176,
        "quotactl": 179, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
        "lremovexattr": 198, "fremovexattr": 199, "utimes": 235, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "fchownat": 260, "futimesat": 261, "fchmodat": 268, "unshare": 272,
        "utimensat": 280, "accept4": 288, "perf_event_open": 298, "recvmmsg": 299, "open_by_handle_at": 304,
        "sendmmsg": 307, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    },
    "aarch64": _SAME_EVERYWHERE | {
        "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
        "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "fchmod": 52, "fchmodat": 53,
        "fchownat": 54, "fchown": 55, "quotactl": 60, "utimensat": 88, "acct": 89, "unshare": 97,
        "kexec_load": 104, "init_module": 105, "delete_module": 106, "ptrace": 117, "reboot": 142, "socket": 198,
        "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203, "sendto": 206,
        "setsockopt": 208, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224,
        "swapoff": 225, "perf_event_open": 241, "accept4": 242, "recvmmsg": 243, "open_by_handle_at": 265,
        "setns": 268, "sendmmsg": 269, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "finit_module": 273, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
    },
}  # fmt: skip

NEVER = (
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "perf_event_open",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "bpf",
    "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at",
    "keyctl", "add_key", "request_key",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
    "acct", "quotactl", "quotactl_fd",
)  # fmt: skip
NO_NETWORK = ("connect", "accept", "accept4", "bind", "listen", "setsockopt", "sendmmsg", "recvmmsg")
METADATA = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes",
    "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr",
    "fremovexattr", "removexattrat", "file_setattr",
)  # fmt: skip

_Instruction: TypeAlias = tuple[int, int, int, int]


def filter_program(
    machine: Machine, *, network: bool, named_sockets: bool = True, freeze_metadata: bool = False
) -> bytes:
    """The instructions of the filter, as the kernel takes them.

    With the network on and no `named_sockets` there are no Unix sockets but pairs.
    """
    numbers = NUMBERS[machine]
    refuse = _return_errno(_EPERM)
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_JUMP_AT_LEAST, 0, 1, _X32_BIT), _return_errno(_ENOSYS)]

    def on(name: str, *body: _Instruction) -> None:
        if name in numbers:  # the newer machine has no call that an older one replaces
            program.append((_JUMP_EQUAL, 0, len(body), numbers[name]))
            program.extend(body)

    families = (*((_AF_UNIX,) if named_sockets else ()), _AF_INET, _AF_INET6, _AF_NETLINK)
    sockets = _only(_argument(0), families) if network else _unix_sockets_without_address()
    on("socket", *sockets)
    # Without names: a pair of datagram sockets could still be sent from to any path.
    pairs = _only(_argument(0), (_AF_UNIX,)) if network and named_sockets else _unix_sockets_without_address()
    on("socketpair", *pairs)
    on("clone", _argument(0), (_JUMP_SET, 0, 1, _NEW_NAMESPACES), refuse, _allow())
    on("unshare", _argument(0), (_JUMP_SET, 0, 1, _NEW_NAMESPACES | _NEW_TIME_NAMESPACE), refuse, _allow())
    on("clone3", _return_errno(_ENOSYS))
    terminal = (_JUMP_EQUAL, 1, 0, _TIOCSTI), (_JUMP_EQUAL, 0, 1, _TIOCLINUX)
    on("ioctl", _argument(1), *terminal, refuse, _allow())
    if not network:
        # `send` is this call without an address; programs wake themselves with it over a socketpair.
        low, high = _argument(4), _argument(4, high=True)
        on("sendto", low, (_JUMP_EQUAL, 0, 2, 0), high, (_JUMP_EQUAL, 1, 0, 0), refuse, _allow())
    for name in (*NEVER, *(() if network else NO_NETWORK), *(METADATA if freeze_metadata else ())):
        on(name, refuse)
    program.append(_allow())
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _argument(index: int, *, high: bool = False) -> _Instruction:
    return (_LOAD, 0, 0, 16 + 8 * index + (4 if high else 0))


def _return_errno(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _allow() -> _Instruction:
    return (_RETURN, 0, 0, _ALLOW)


def _only(load: _Instruction, values: Iterable[int]) -> tuple[_Instruction, ...]:
    """Allow when what is loaded is one of the values, else refuse."""
    body = [load]
    for value in values:
        body += [(_JUMP_EQUAL, 0, 1, value), _allow()]
    return (*body, _return_errno(_EPERM))


def _unix_sockets_without_address() -> tuple[_Instruction, ...]:
    kinds = _only((_AND, 0, 0, 0xF), (_SOCK_STREAM, _SOCK_SEQPACKET))
    return (
        _argument(0),
        (_JUMP_EQUAL, 1, 0, _AF_UNIX),
        _return_errno(_EPERM),
        _argument(1),
        *kinds,
    )
