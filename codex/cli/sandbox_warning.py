"""Say at the start of a session that this machine will refuse its commands, instead of at the first one."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import trio

if TYPE_CHECKING:
    from codex.config import Config
    from codex.sandbox import Zygote


async def warn_of_refusals(config: "Config", zygote: "Zygote", say: Callable[[str], None]) -> None:
    """Wait until the helper has tried what the machine can do, and say what it will refuse, if anything.

    The helper's greeting is looked at and left for who starts commands. Cancel-safe; loads nothing where all is well.
    """
    if zygote.socket < 0 or config.sandbox_policy.mode == "danger-full-access":
        return
    import socket

    connection = socket.socket(fileno=os.dup(zygote.socket))
    try:
        await trio.lowlevel.wait_readable(connection)
        greeting = connection.recv(65_536, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return  # it was heard already, or the helper is gone: then the first command tells
    finally:
        connection.close()
    refusal = _refusal(config, greeting)
    if refusal:
        say(f"warning: commands will be refused here, patches will not: {refusal}")


def _refusal(config: "Config", greeting: bytes) -> str:
    import marshal

    said = cast("dict[str, object]", marshal.loads(greeting)) if greeting else {}
    if said.get("namespaces", "") == "":
        return ""
    from codex.sandbox import SandboxUnavailable, capabilities_in, select_level

    policy = config.sandbox_policy
    try:
        select_level(
            policy.mode,
            capabilities_in(said),
            allow_unprotected_git=config.allow_unprotected_git,
            limits_reading=policy.denies_reading,
        )
    except SandboxUnavailable as refusal:
        return str(refusal)
    return ""
