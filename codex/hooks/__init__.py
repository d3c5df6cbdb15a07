"""Hooks: commands of the user's that are asked, or told, when something happens in a thread.

They run as real processes with a deadline each; a hook that fails, hangs or prints nonsense is told to the user and
changes nothing. Loaded only where hooks are configured.
"""

from codex.hooks._machine import Verdict
from codex.hooks.find import EventName, Hook, HookSet, find_hooks
from codex.hooks.runner import HookRunner

__all__ = ["EventName", "Hook", "HookRunner", "HookSet", "Verdict", "find_hooks"]
