"""Tells the program that the key `notify` names of the end of a turn, as Codex does: its last argument is JSON.

Loaded only where there is one. It is not waited for, and outlives the thread and this program.
"""

import subprocess
from collections.abc import Sequence
from typing import Never

import trio

from actors import Mailbox
from codex.base.jsontext import JsonObject, encode
from codex.protocol.contextual import is_user_turn
from codex.protocol.event import Warning
from codex.protocol.response_item import ResponseItem, message_text
from codex.session.context import Inbox, SessionContext


async def tell_program(
    mailbox: Mailbox[Inbox], context: SessionContext, turn_id: str, items: Sequence[ResponseItem], answer: str | None
) -> None:
    """Start the program; where that is not possible the user is told. Cancelled, it runs or does not."""
    config, identity = context.config, context.identity
    told: JsonObject = {
        "type": "agent-turn-complete",
        "thread-id": identity.thread_id,
        "turn-id": turn_id,
        "cwd": config.cwd,
        **({"client": context.services.originator} if identity.parent_id is None else {}),
        "input-messages": [message_text(item) for item in items if is_user_turn(item)],
        "last-assistant-message": answer,
    }
    nothing = subprocess.DEVNULL
    try:
        process = await trio.lowlevel.open_process(
            [*config.notify, encode(told)],
            cwd=config.cwd,
            env=dict(context.services.environ),
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
        )
    except OSError as error:
        context.outbox.publish([Warning(f"notify: {config.notify[0]!r} cannot be started: {error.strerror or error}")])
        return

    async def wait(_mailbox: Mailbox[Never]) -> None:
        await process.wait()

    mailbox.spawn(wait, name="notify", shutdown=0.0)
