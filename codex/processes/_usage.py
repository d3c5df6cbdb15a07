"""What a running process and all below it use, read from /proc; nothing where there is none."""

import os

from codex.base.quoting import command_line
from codex.processes.process import Process
from codex.protocol.terminal import BackgroundTerminal

_MAX_PROCESSES = 512


def terminal_of(process: Process) -> BackgroundTerminal:
    """A background process with what it uses now."""
    age = process.duration
    seconds, kilobytes = usage_of(process.pid)
    argv = process.argv
    return BackgroundTerminal(
        item_id=process.item_id,
        process_id=str(process.session_id),
        command=argv[-1] if len(argv) == 3 and argv[1] in ("-lc", "-c") else command_line(argv),
        cwd=process.cwd,
        age=age,
        os_pid=process.pid or None,
        cpu_percent=None if seconds is None else round(100 * seconds / max(age, 0.001), 1),
        rss_kb=kilobytes,
    )


def usage_of(pid: int) -> tuple[float | None, int | None]:
    """Seconds of processor and kilobytes of memory of a process and its living descendants; None where unknown.

    Descendants that have ended count where their parents have collected them.
    """
    ticks = pages = 0
    found = False
    tree = [pid] if pid else []
    for one in tree:
        try:
            with open(f"/proc/{one}/stat", "rb", buffering=0) as file:
                fields = file.read(4096).rpartition(b")")[2].split()
            tree += _children_of(one)[: max(_MAX_PROCESSES - len(tree), 0)]
        except OSError:
            continue  # it has ended meanwhile
        ticks += sum(map(int, fields[11:15]))
        pages += int(fields[21])
        found = True
    if not found:
        return None, None
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _children_of(pid: int) -> list[int]:
    children: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
            children += map(int, file.read(65_536).split())
    return children
