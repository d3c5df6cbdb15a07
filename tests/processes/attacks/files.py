"""Probes at files: inside, outside, protected, devices."""

import os
import signal
import socket
import time

from registry import WHERE, at, call, probe, write

# -- files inside ------------------------------------------------------------------------------------------------------


@probe
def write_cwd():
    write(at("work", "new"))


@probe
def write_subdirectory():
    write(at("work", "sub", "new"))


@probe
def write_extra_root():
    write(at("extra", "new"))


@probe
def write_slash_tmp():
    path = f"/tmp/.probe-{os.getpid()}-{os.urandom(4).hex()}"
    write(path)
    os.unlink(path)


@probe
def write_dev_null():
    write("/dev/null", os.O_WRONLY | os.O_TRUNC)


@probe
def write_dev_shm():
    path = f"/dev/shm/.probe-{os.urandom(4).hex()}"
    write(path)
    os.unlink(path)


@probe
def chmod_inside():
    os.chmod(at("work", "sub"), 0o755)


@probe
def rename_inside():
    write(at("work", "one"))
    os.rename(at("work", "one"), at("work", "sub", "two"))


# -- files outside -----------------------------------------------------------------------------------------------------


@probe
def create_outside():
    write(at("outside", "new"))


@probe
def append_outside():
    write(at("outside", "file"), os.O_WRONLY | os.O_APPEND)


@probe
def truncate_outside():
    os.close(os.open(at("outside", "file"), os.O_WRONLY | os.O_TRUNC))


@probe
def truncate_read_only_open_outside():
    os.close(os.open(at("outside", "file"), os.O_RDONLY | os.O_TRUNC))


@probe
def truncate_call_outside():
    os.truncate(at("outside", "file"), 0)


@probe
def unlink_outside():
    os.unlink(at("outside", "doomed"))


@probe
def mkdir_outside():
    os.mkdir(at("outside", "directory"))


@probe
def symlink_outside():
    os.symlink("x", at("outside", "link"))


@probe
def mkfifo_outside():
    os.mkfifo(at("outside", "fifo"))


@probe
def rename_out():
    os.rename(at("outside", "mover"), at("work", "moved"))


@probe
def rename_in():
    write(at("work", "carried"))
    os.rename(at("work", "carried"), at("outside", "carried"))


@probe
def hardlink_then_write():
    os.link(at("outside", "file"), at("work", "hard"))
    write(at("work", "hard"))


@probe
def write_through_symlink():
    os.symlink(WHERE["outside"], at("work", "escape"))
    write(at("work", "escape", "through"))


@probe
def write_through_existing_symlink():
    write(at("work", "leads-out", "through"))


@probe
def write_through_swapped_symlink():
    """Somebody exchanges a directory and a link outside while it is written through, until that was refused often."""
    inside, away = at("work", "swapped"), at("work", "swapped-away")
    os.mkdir(inside)
    swapper = os.fork()
    if swapper == 0:
        signal.alarm(10)
        while True:
            os.rename(inside, away)
            os.symlink(WHERE["outside"], inside)
            time.sleep(0.001)
            os.unlink(inside)
            os.rename(away, inside)
            time.sleep(0.0005)
    try:
        refused = 0
        while not os.path.exists(at("outside", "swapped")):
            try:
                write(os.path.join(inside, "swapped"))
            except FileNotFoundError:
                continue
            except OSError:
                refused += 1
                if refused == 20:
                    raise
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)


@probe
def write_through_proc_root():
    write(f"/proc/{WHERE['victim']}/root" + at("outside", "proc-root"))


@probe
def write_through_proc_cwd():
    write(f"/proc/{WHERE['victim']}/cwd/" + "proc-cwd")


@probe
def chmod_outside():
    os.chmod(at("outside", "file"), 0o600)


@probe
def chmod_newer_call_outside():
    call("fchmodat2", -100, at("outside", "file").encode(), 0o644, 0)


@probe
def chown_outside():
    os.chown(at("outside", "file"), os.getuid(), os.getgid())


@probe
def utime_outside():
    os.utime(at("outside", "file"))


@probe
def xattr_outside():
    os.setxattr(at("outside", "file"), "user.probe", b"x")


@probe
def write_home():
    write(at("home", ".bashrc"))


# -- what is protected in a writable root ------------------------------------------------------------------------------


@probe
def write_git_config():
    write(at("work", ".git", "config"))


@probe
def create_git_hook():
    write(at("work", ".git", "hooks", "pre-commit"))


@probe
def rename_git():
    os.rename(at("work", ".git"), at("work", "git-moved"))
    os.rename(at("work", "git-moved"), at("work", ".git"))


@probe
def hardlink_into_git():
    write(at("work", "evil"))
    os.link(at("work", "evil"), at("work", ".git", "hooks", "evil"))


@probe
def chmod_git():
    os.chmod(at("work", ".git", "config"), 0o644)


@probe
def create_codex_directory():
    os.makedirs(at("work", ".codex"), exist_ok=True)
    write(at("work", ".codex", "config.toml"))


@probe
def create_agents_link():
    os.symlink(WHERE["work"], at("work", ".agents"))


@probe
def replace_missing_git():
    os.rename(at("work", "sub"), at("extra", ".git"))
    os.rename(at("extra", ".git"), at("work", "sub"))


@probe
def move_workspace():
    os.rename(WHERE["work"], WHERE["work"] + "-moved")
    os.rename(WHERE["work"] + "-moved", WHERE["work"])


@probe
def move_parent_of_workspace():
    parent = os.path.dirname(WHERE["work"])
    os.rename(parent, parent + "-moved")
    os.rename(parent + "-moved", parent)


@probe
def write_directory_of_git_file():
    write(at("pointed", "config"))


@probe
def unlink_git_file():
    os.rename(at("second", ".git"), at("second", "git-file"))
    os.rename(at("second", "git-file"), at("second", ".git"))


@probe
def replace_git_link():
    os.rename(at("third", ".git"), at("third", "git-link"))
    os.rename(at("third", "git-link"), at("third", ".git"))


@probe
def write_through_git_link():
    write(at("third", "real-git", "config"))


# -- devices and kernel files ------------------------------------------------------------------------------------------


@probe
def mknod_character_device():
    os.mknod(at("work", "null"), 0o20666, os.makedev(1, 3))


@probe
def mknod_block_device():
    os.mknod(at("work", "disk"), 0o60666, os.makedev(254, 0))


@probe
def open_disk():
    disks = [f"/dev/{name}" for name in sorted(os.listdir("/sys/class/block")) if not name.startswith(("loop", "ram"))]
    os.close(os.open(disks[0], os.O_RDONLY))


@probe
def open_core_pattern():
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


@probe
def open_hostname():
    os.close(os.open("/proc/sys/kernel/hostname", os.O_WRONLY))


@probe
def open_sysrq_trigger():
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@probe
def open_sys_file():
    os.close(os.open("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY))


@probe
def sethostname():
    socket.sethostname(socket.gethostname())
