"""What a caller asks the process manager for."""

from collections.abc import Mapping

import attrs

from codex.protocol.permission import SandboxPolicy


@attrs.frozen
class ProcessRequest:
    """A command to run.

    Args:
      cwd: where it starts; absolute.
      env: all of its environment; see `env.build_environment`.
      sandbox: what it may do.
      workspace: the directory the policy is about: the session's, not one that the model chose for this command.
        None stands for `cwd`, and is right only where both are the same.
      item_id: the item or call that it belongs to, for whoever lists it.
      tty: run it on a terminal of its own, of `size` rows and columns; else its standard input is empty.
    """

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    sandbox: SandboxPolicy
    workspace: str | None = None
    tty: bool = False
    size: tuple[int, int] = (24, 80)
    allow_unprotected_git: bool = False
    item_id: str = ""
