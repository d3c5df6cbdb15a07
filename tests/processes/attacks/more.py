"""Probes at what is reached by other calls than the usual ones: signals, handles, sockets of rare families, devices."""

import ctypes
import os
import signal
import socket

from registry import WHERE, call, checked, libc, probe


@probe
def signal_outside_by_handle():
    descriptor = os.pidfd_open(WHERE["victim"])
    signal.pidfd_send_signal(descriptor, 0)


@probe
def signal_outside_by_thread():
    call("tgkill", WHERE["victim"], WHERE["victim"], 0)


@probe
def open_namespace_outside():
    os.close(os.open(f"/proc/{WHERE['victim']}/ns/mnt", os.O_RDONLY))


@probe
def read_links_outside():
    os.readlink(f"/proc/{WHERE['victim']}/exe")


@probe
def open_password_file():
    os.close(os.open("/etc/passwd", os.O_WRONLY | os.O_APPEND))


@probe
def overwrite_helper():
    os.close(os.open(WHERE["helper"], os.O_WRONLY | os.O_APPEND))


@probe
def mknod_in_shared_memory():
    path = f"/dev/shm/.probe-{os.urandom(4).hex()}"
    os.mknod(path, 0o20666, os.makedev(1, 1))
    os.unlink(path)


@probe
def open_memory_device():
    os.close(os.open("/dev/mem", os.O_RDONLY))


@probe
def open_cgroup():
    os.close(os.open("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY))


@probe
def pick_root_mount():
    os.close(call("fspick", -100, b"/", 0))


@probe
def move_mount():
    call("move_mount", -1, b"", -1, b"", 0x44)


@probe
def swap_on():
    call("swapon", ctypes.c_void_p(1), 0)


@probe
def reboot_without_its_magic():
    call("reboot", 0, 0, 0, None)


@probe
def delete_module():
    call("delete_module", ctypes.c_void_p(1), 0)


@probe
def set_domain_name():
    name = b"(none)"
    checked(libc.setdomainname(name, len(name)))


@probe
def socket_raw():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()


@probe
def socket_xdp():
    socket.socket(44, socket.SOCK_RAW).close()


@probe
def socket_bluetooth():
    socket.socket(31, socket.SOCK_RAW, 1).close()


@probe
def socket_unix_datagram():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).close()
