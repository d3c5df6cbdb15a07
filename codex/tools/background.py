"""Commands after their call: those that go on in the background, and those that have to end with it."""

from typing import Never

import attrs

from actors import Mailbox
from codex.base.quoting import command_line
from codex.base.truncate import truncate_output
from codex.context import background_ended
from codex.processes import Process
from codex.protocol.event import ItemCompleted, Warning
from codex.protocol.item import CommandExecution
from codex.tools.context import Publisher, ToolContext

LEAVE_WITHIN = 2.5
_NEWS_TOKENS = 1_000


def finished(item: CommandExecution, process: Process) -> CommandExecution:
    """The item of a command that has ended."""
    return attrs.evolve(
        item,
        status="completed" if process.exit_code == 0 else "failed",
        aggregated_output=process.output.decode("utf-8", "replace"),
        exit_code=process.exit_code,
        duration=process.duration,
    )


async def leave(publisher: Publisher, process: Process) -> None:
    """End what a call leaves behind when it ends, and say what does not die. Give it `LEAVE_WITHIN`, shielded."""
    if process.running:
        await process.terminate()
    if process.stuck:
        publisher.tell(
            Warning(
                f"{command_line(process.argv)!r} (process {process.pid}) was killed and does not die: it waits for the "
                "kernel, often for a disk or a network file system. Nothing waits for it; it is collected when it ends."
            )
        )


async def announce_end(
    context: ToolContext, process: Process, item: CommandExecution, _mailbox: Mailbox[Never]
) -> None:
    """Tell the end of a command that went on in the background, to the user and, unless it knows, to the model.

    Cancelled with its thread, it says nothing.
    """
    code = await process.wait()
    await context.publisher.publish([ItemCompleted(context.turn_id, finished(item, process))])
    # Whoever waited for it in `write_stdin` woke together with us, and has told the model by now.
    if process.told:
        return
    how = "It exited by itself" if process.end_reason == "exited" else "It was ended from outside"
    output = process.take_output().decode("utf-8", "replace")
    unread = truncate_output(output, _NEWS_TOKENS, omitted_bytes=process.untold)
    news = background_ended(process.session_id, item.command[-1], f"{how}, with code {code}.", unread)
    # One that was killed from here is no news to go on with: whoever did it says what is next.
    context.publisher.notify([news], wake=context.config.background_wake and process.end_reason != "killed")
