"""Probes at mounts, namespaces, other processes and what the kernel offers."""

import ctypes
import errno
import os
import signal
import struct

from registry import WHERE, at, call, checked, libc, probe

# -- mounts and namespaces ---------------------------------------------------------------------------------------------


def mount(source, target, kind, flags):
    checked(libc.mount(source, target.encode(), kind, ctypes.c_ulong(flags), None))


@probe
def mount_tmpfs():
    mount(b"none", at("work", "sub"), b"tmpfs", 0)
    checked(libc.umount2(at("work", "sub").encode(), 2))


@probe
def bind_mount():
    mount(WHERE["outside"].encode(), at("work", "sub"), None, 4096)
    checked(libc.umount2(at("work", "sub").encode(), 2))


@probe
def remount_writable():
    mount(None, "/", None, 32 | 4096)


@probe
def unmount_proc_lazily():
    # Not mounted there: with rights the answer is EINVAL.
    checked(libc.umount2(at("work", "sub").encode(), 2))


@probe
def unmount_git():
    checked(libc.umount2(at("work", ".git").encode(), 2))


@probe
def open_tree_clone():
    os.close(call("open_tree", -100, b"/", 1))


@probe
def fsopen_tmpfs():
    os.close(call("fsopen", b"tmpfs", 0))


@probe
def mount_setattr_writable():
    attributes = struct.pack("QQQQ", 0, 1, 0, 0)
    call("mount_setattr", -100, b"/", 0, attributes, 32)


@probe
def chroot_here():
    os.chroot(WHERE["work"])


@probe
def pivot_root_here():
    try:
        call("pivot_root", b".", b".")
    except OSError as error:
        if error.errno != errno.EBUSY:  # the answer with all rights
            raise


@probe
def unshare_user():
    checked(libc.unshare(0x10000000))


@probe
def unshare_mounts():
    checked(libc.unshare(0x20000))


@probe
def unshare_network():
    checked(libc.unshare(0x40000000))


@probe
def clone_user():
    if call("clone", ctypes.c_long(0x10000000 | 17), None, None, None, None) == 0:
        os._exit(0)
    os.wait()


@probe
def clone3_user():
    arguments = struct.pack("QQQQQQQQ", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
    if call("clone3", arguments, len(arguments)) == 0:
        os._exit(0)
    os.wait()


@probe
def setns_self():
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
    call("setns", descriptor, 0)


# -- other processes ---------------------------------------------------------------------------------------------------


@probe
def kill_outside():
    os.kill(WHERE["victim"], signal.SIGCONT)


@probe
def kill_everybody_outside():
    # Signal 0 to everybody we may signal: succeeds only when there is anybody beside our own.
    if not [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) == WHERE["victim"]]:
        raise ProcessLookupError(3, "nobody")


@probe
def read_memory_outside():
    with open(f"/proc/{WHERE['victim']}/environ", "rb") as file:
        file.read(1)


@probe
def pidfd_outside():
    os.close(os.pidfd_open(WHERE["victim"]))


@probe
def limit_outside():
    import resource

    resource.prlimit(WHERE["victim"], resource.RLIMIT_CORE)


@probe
def renice_outside():
    os.setpriority(os.PRIO_PROCESS, WHERE["victim"], os.getpriority(os.PRIO_PROCESS, WHERE["victim"]))


def paused_child():
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid


@probe
def ptrace_outside():
    call("ptrace", 16, WHERE["victim"], None, None)
    os.waitpid(WHERE["victim"], 0x40000000)
    call("ptrace", 17, WHERE["victim"], None, None)


@probe
def ptrace_child():
    pid = paused_child()
    try:
        call("ptrace", 16, pid, None, None)
    finally:
        os.kill(pid, signal.SIGKILL)


@probe
def read_child_memory():
    pid = paused_child()
    try:
        here = ctypes.create_string_buffer(8)
        vector = struct.pack("QQ", ctypes.addressof(here), 8)
        call("vm_readv", pid, vector, 1, vector, 1, 0)
    finally:
        os.kill(pid, signal.SIGKILL)


@probe
def write_child_memory():
    pid = paused_child()
    try:
        here = ctypes.create_string_buffer(8)
        vector = struct.pack("QQ", ctypes.addressof(here), 8)
        call("vm_writev", pid, vector, 1, vector, 1, 0)
    finally:
        os.kill(pid, signal.SIGKILL)


@probe
def kill_guard():
    if os.getppid() == 0:
        raise ProcessLookupError(3, "no parent")
    # Process 1 of a namespace does not die of this; outside of one it is somebody else's business: not tried.
    parent = 1 if WHERE["confined"] else WHERE["victim"]
    os.kill(parent, signal.SIGKILL if WHERE["confined"] else 0)
    if WHERE["confined"]:
        os.kill(parent, 0)  # still there
        raise PermissionError(1, "it did not die")


@probe
def look_into_guard():
    os.readlink(f"/proc/{1 if WHERE['confined'] else WHERE['victim']}/fd/0")


# -- kernel services ---------------------------------------------------------------------------------------------------


@probe
def keyctl():
    call("keyctl", 0, -3, 0, 0, 0)


@probe
def add_key():
    call("add_key", b"user", b"probe", b"x", 1, -1)


@probe
def bpf():
    call("bpf", 0, None, 0)


@probe
def perf_event_open():
    call("perf", None, 0, -1, -1, 0)


@probe
def userfaultfd():
    os.close(call("userfaultfd", 1))


@probe
def io_uring_setup():
    call("io_uring_setup", 1, None)


@probe
def open_by_handle():
    call("open_by_handle", -100, None, 0)


@probe
def init_module():
    call("init_module", None, 0, None)


@probe
def kcmp():
    call("kcmp", os.getpid(), os.getpid(), 99, 0, 0)


@probe
def pidfd_getfd():
    call("pidfd_getfd", -1, 0, 0)


@probe
def setuid_program():
    pid = os.fork()
    if pid == 0:
        os.execv(WHERE["setuid"], [WHERE["setuid"], "-c", "import os; os._exit(0 if os.geteuid() == 0 else 1)"])
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise PermissionError(1, "it did not become root")


@probe
def has_capabilities():
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    out_of_reach = int(lines["CapBnd"], 16) == 0 or lines["NoNewPrivs"].strip() == "1"
    if int(lines["CapPrm"], 16) == 0 and out_of_reach:
        raise PermissionError(1, "none")


@probe
def type_into_terminal():
    import fcntl
    import termios

    settings = termios.tcgetattr(0)
    settings[3] &= ~termios.ECHO  # else the letter lands in the middle of our answer
    termios.tcsetattr(0, termios.TCSANOW, settings)
    fcntl.ioctl(0, 0x5412, b"x")
