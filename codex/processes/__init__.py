"""Run commands and keep hold of them until nothing of them is left.

Each process is an actor below its owner: when the owner stops, the process and everything it started is killed first.
Output is kept in a bounded buffer and shown as it comes; an exit is told with the output that came before it, and never
waits for somebody else who keeps the pipe open. What starts a process, and confines it, comes through a port.

A process that runs without a sandbox may leave others behind on purpose (`nohup server &`). They stay when its command
ends by itself, and end with its thread, or with this program, however that ends. In a sandbox nothing stays.
"""

from codex.ports.process import SandboxUnavailable, SpawnFailed
from codex.processes.env import build_environment
from codex.processes.manager import ProcessManager, open_process_manager
from codex.processes.process import Process
from codex.processes.request import ProcessRequest
from codex.processes.shell import choose_shell, find_shell, shell_argv, user_shell

__all__ = [
    "Process",
    "ProcessManager",
    "ProcessRequest",
    "SandboxUnavailable",
    "SpawnFailed",
    "build_environment",
    "choose_shell",
    "find_shell",
    "open_process_manager",
    "shell_argv",
    "user_shell",
]
